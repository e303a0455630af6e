package edge

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

// enter counts one more of address until leave is called; false says that address has max already, less what is reserved for others.
func (t *tally) enter(address string, reserved int) (leave func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.max > 0 && t.open[address] >= t.max-reserved {
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

func (t *tally) count(address string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[address]
}

// The last connections of the total are for addresses that have few open: an address that fills the rest takes neither a new
// customer's place nor a health check's.
const (
	reserveShare   = 8 // the reserve is this part of the total
	fewConnections = 4
)

// LimitConnections returns listener with at most perAddress connections of one address open, and total in all; 0 is no limit. It
// closes a connection too many at once. What comes from the loopback to a listener that others reach too is not counted: that is
// the sidecar, or a health check in the same container. See docs/adr/bounded-clients.md.
func LimitConnections(listener net.Listener, perAddress, total int) net.Listener {
	return &limitedListener{Listener: listener, perAddress: newTally(perAddress), total: newTally(total), loopbackOnly: OnLoopback(listener.Addr())}
}

// OnLoopback tells that address is one of the loopback.
func OnLoopback(address net.Addr) bool {
	tcp, is := address.(*net.TCPAddr)
	return is && tcp.IP.IsLoopback()
}

type limitedListener struct {
	net.Listener
	perAddress, total *tally
	loopbackOnly      bool
	told              atomic.Int64 // when a refusal was logged last, in ns
}

// warnEvery is the least time between two warnings that connections are refused.
const warnEvery = time.Minute

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if !l.loopbackOnly && OnLoopback(conn.RemoteAddr()) {
			return conn, nil
		}
		if counted, ok := l.count(conn); ok {
			return counted, nil
		}
		_ = conn.Close()
		if now := time.Now().UnixNano(); now-l.told.Load() > int64(warnEvery) {
			l.told.Store(now)
			slog.Warn("connections are refused: an address, or all together, have as many open as they may", "per_address", l.perAddress.max, "total", l.total.max)
		}
	}
}

func (l *limitedListener) count(conn net.Conn) (net.Conn, bool) {
	address := network(conn.RemoteAddr().String())
	leave, ok := l.perAddress.enter(address, 0)
	if !ok {
		return nil, false
	}
	reserve := l.total.max / reserveShare
	if l.perAddress.count(address) <= fewConnections {
		reserve = 0
	}
	leaveTotal, ok := l.total.enter("", reserve)
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
