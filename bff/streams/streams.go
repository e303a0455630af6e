// Package streams has what live streams and websockets have in common, whatever door they are opened by.
package streams

import "time"

const (
	// Heartbeat is how often a stream or a websocket that has nothing to tell sends something, so that no proxy closes it.
	Heartbeat = 15 * time.Second
	// Take is how long the client of a stream or a websocket may take to read what was written.
	Take = 10 * time.Second
)
