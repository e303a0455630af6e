package edge

import (
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// tally counts the open connections, requests or streams of each address, at most max; 0 is no limit.
type tally struct {
	max  int
	mu   sync.Mutex
	open map[string]int
}

func newTally(limit int) *tally { return &tally{max: limit, open: map[string]int{}} }

// enter counts one more open connection, request or stream of address, until leave is called. It returns false if address has
// max-reserved open already.
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

// A part of all connections is reserved for addresses that have few open. So an address that fills the rest leaves room for new
// customers and for health checks.
const (
	reserveShare   = 8 // one eighth of the total is the reserve
	fewConnections = 4 // connections of an address that may use the reserve
)

// LimitConnections returns listener with at most perAddress connections of one address open, and total of all; 0 is no limit. It
// closes a connection beyond a limit at once. It does not count connections from the loopback to a listener that other hosts
// reach too: those are the sidecar's, or a health check's in the same container. See docs/adr/bounded-clients.md.
//
// netutil.LimitListener of golang.org/x/net is not used: it has one limit for all addresses, and lets further connections wait.
func LimitConnections(listener net.Listener, perAddress, total int) net.Listener {
	return &limitedListener{Listener: listener, perAddress: newTally(perAddress), total: newTally(total), loopbackOnly: OnLoopback(listener.Addr())}
}

// OnLoopback reports whether address is a loopback address.
func OnLoopback(address net.Addr) bool {
	tcp, is := address.(*net.TCPAddr)
	return is && tcp.IP.IsLoopback()
}

// limitedListener is the listener of LimitConnections.
type limitedListener struct {
	net.Listener
	perAddress, total *tally
	loopbackOnly      bool
	warnedAt          atomic.Int64 // when a refusal was last logged, in Unix nanoseconds
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
		if now := time.Now().UnixNano(); now-l.warnedAt.Load() > int64(warnEvery) {
			l.warnedAt.Store(now)
			slog.Warn("connections refused: an address, or all together, reached the limit", "per_address", l.perAddress.max, "total", l.total.max)
		}
	}
}

// count counts conn until it is closed. It returns false where a limit is reached.
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

// countedConn is a connection that is counted until Close.
type countedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// CloseWrite closes the half of the connection that the server writes, so that a client that still sends can read the answer.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
