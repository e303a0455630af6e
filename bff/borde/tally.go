package borde

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"log/slog"
)

// tally counts what each address has open, up to max each; 0 is no limit.
type tally struct {
	max  int
	mu   sync.Mutex
	open map[string]int
}

func newTally(limit int) *tally { return &tally{max: limit, open: map[string]int{}} }

// enter counts one more of address until leave is called; false says that address has max already.
func (t *tally) enter(address string) (leave func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.max > 0 && t.open[address] >= t.max {
		return nil, false
	}
	t.open[address]++
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.open[address]--; t.open[address] == 0 {
			delete(t.open, address)
		}
	}), true
}

// LimitConnections is listener with at most so many connections open of one address, and in all; 0 is no limit. One too many is
// closed at once: it could not be told more without being served.
func LimitConnections(listener net.Listener, perAddress, total int) net.Listener {
	return &limitedListener{Listener: listener, perAddress: newTally(perAddress), total: newTally(total)}
}

type limitedListener struct {
	net.Listener
	perAddress, total *tally
	told              atomic.Int64 // when a refusal was logged last, in ns
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if counted, ok := l.count(conn); ok {
			return counted, nil
		}
		_ = conn.Close()
		if now := time.Now().UnixNano(); now-l.told.Load() > int64(time.Minute) {
			l.told.Store(now)
			slog.Warn("connections are refused: an address, or all together, have as many open as they may", "per_address", l.perAddress.max, "total", l.total.max)
		}
	}
}

func (l *limitedListener) count(conn net.Conn) (net.Conn, bool) {
	leave, ok := l.perAddress.enter(network(conn.RemoteAddr().String()))
	if !ok {
		return nil, false
	}
	leaveTotal, ok := l.total.enter("")
	if !ok {
		leave()
		return nil, false
	}
	return &countedConn{Conn: conn, leave: func() { leave(); leaveTotal() }}, true
}

type countedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// CloseWrite lets the server end an answer before it closes, so that a client that still sends reads the answer.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
