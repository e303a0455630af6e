// Package streams has the times of live streams and websockets.
package streams

import "time"

const (
	// Heartbeat is how often a stream or a websocket without news sends something, so that no proxy closes it.
	Heartbeat = 15 * time.Second
	// Take is how long the client of a stream or a websocket may take to read one write.
	Take = 10 * time.Second
)
