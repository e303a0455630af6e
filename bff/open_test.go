package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entregas/bff/edge"
	"entregas/bff/identity"
	"entregas/internal/app"
)

// The tests below flood the program from one address of the loopback, and read from another.
const (
	flooder = "127.0.0.1"
	reader  = "127.0.0.2"
)

// open is the bff behind its real server and listener.
type open struct {
	gate
	address string
	held    atomic.Int64 // connections that the server has
}

func serveOpen(t *testing.T, perAddress, total int, settings ...func(*config)) *open {
	t.Helper()
	o := &open{gate: newGate(t, settings...)}
	listener, err := app.Config{Address: "127.0.0.1"}.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o.address = listener.Addr().String()
	server := app.Config{BodyTimeout: 300 * time.Millisecond}.Server(edge.WithHead(o.gate))
	server.ReadHeaderTimeout = 300 * time.Millisecond
	server.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			o.held.Add(1)
		case http.StateClosed, http.StateHijacked:
			o.held.Add(-1)
		}
	}
	go func() { _ = server.Serve(edge.LimitConnections(listener, perAddress, total)) }()
	t.Cleanup(func() { _ = server.Close() })
	return o
}

// dial opens a connection from an address and writes text.
func (o *open) dial(t *testing.T, from, text string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(t.Context(), "tcp", o.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, _ = io.WriteString(conn, text) // the server closes a connection beyond the limit
	return conn
}

// status returns the status of the answer, 0 where none comes within five seconds.
func status(conn net.Conn) int {
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // a stream's body has no end
	if err != nil {
		return 0
	}
	return response.StatusCode
}

// served fails the test if the bff does not answer a client of another address.
func (o *open) served(t *testing.T) {
	t.Helper()
	if code := status(o.dial(t, reader, "GET /api/productos HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")); code != http.StatusOK {
		t.Errorf("another customer is answered %d", code)
	}
}

// drained waits until the server holds no connection.
func (o *open) drained(t *testing.T) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); o.held.Load() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d connections stay open", o.held.Load())
		}
	}
}

// The bff holds a bounded number of unfinished requests of one address, each for a bounded time. It serves clients of other
// addresses meanwhile.
func TestUnfinishedRequests(t *testing.T) {
	const perAddress, flood = 20, 300
	ana := strings.Join(newGate(t).as(t, "ana", identity.Cliente), ": ")
	for name, text := range map[string]string{
		"nothing":                        "",
		"half of the headers":            "GET /api/productos HTTP/1.1\r\nHost: x\r\nX-A: ",
		"a body on no path":              "POST /nada HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
		"a body with a wrong method":     "POST /api/productos HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
		"a chunked body on no path":      "POST /nada HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
		"a body of nobody":               "POST /api/compras HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"a body of a customer":           "POST /api/compras HTTP/1.1\r\nHost: x\r\n" + ana + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"a body of GraphQL":              "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"a body of a GraphQL stream":     "POST /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"a body for a read":              "GET /docs/rapidoc.js HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
		"a body for the sidecar's route": "POST /mensajes/eventos-compra HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := serveOpen(t, perAddress, 0)
			for range flood {
				o.dial(t, flooder, text)
				if held := o.held.Load(); held > perAddress {
					t.Fatalf("%d connections of one address are held", held)
				}
			}
			o.served(t)
			o.drained(t)
		})
	}
}

// Many addresses together have no more connections than the total.
func TestTotalOfConnections(t *testing.T) {
	const total = 30
	o := serveOpen(t, 10, total)
	for i := range 100 {
		o.dial(t, fmt.Sprintf("127.0.1.%d", 1+i%20), "GET /api")
		if held := o.held.Load(); held > total {
			t.Fatalf("%d connections are held", held)
		}
	}
	o.drained(t)
	o.served(t)
}

// fromAddresses is a listener whose connections have invented client addresses.
type fromAddresses struct {
	local   string
	clients chan string
}

func (l fromAddresses) Accept() (net.Conn, error) {
	from, open := <-l.clients
	if !open {
		return nil, net.ErrClosed
	}
	ours, _ := net.Pipe()
	return fromAddress{ours, net.JoinHostPort(from, "1")}, nil
}

func (l fromAddresses) Close() error   { return nil }
func (l fromAddresses) Addr() net.Addr { return tcpAddr(net.JoinHostPort(l.local, "1")) }

type fromAddress struct {
	net.Conn
	from string
}

func (c fromAddress) RemoteAddr() net.Addr { return tcpAddr(c.from) }

func tcpAddr(address string) net.Addr {
	a, _ := net.ResolveTCPAddr("tcp", address)
	return a
}

// A few addresses that fill the connections of the bff leave room for the sidecar, for health checks and for new clients.
func TestFloodedConnectionsLeaveRoom(t *testing.T) {
	const perAddress, total = 8, 64
	for name, c := range map[string]struct {
		local, from string
		want        int // how many of ten connections are served after the flood
	}{
		"the container's own sidecar":                    {"0.0.0.0", "127.0.0.1", 10},
		"the container's own sidecar by IPv6":            {"::", "::1", 10},
		"the node's health checks":                       {"0.0.0.0", "10.0.0.1", 4},
		"one more process where all are of the loopback": {"127.0.0.1", "127.0.0.1", 4},
	} {
		t.Run(name, func(t *testing.T) {
			l := fromAddresses{c.local, make(chan string, 2000)}
			for i := range 800 {
				l.clients <- fmt.Sprintf("192.0.2.%d", 1+i%8)
			}
			for range 10 {
				l.clients <- c.from
			}
			close(l.clients)
			limited, served := edge.LimitConnections(l, perAddress, total), 0
			for {
				conn, err := limited.Accept()
				if err != nil {
					break
				}
				if conn.RemoteAddr().String() == net.JoinHostPort(c.from, "1") {
					served++
				}
			}
			if served != c.want {
				t.Errorf("%d of ten connections are served, want %d", served, c.want)
			}
		})
	}
}

// The live streams of one address are bounded, events and websockets together. Another address has its own bound.
func TestStreamsOfOneAddress(t *testing.T) {
	const streams = 5
	o := serveOpen(t, 0, 0, func(c *config) { c.MaxStreamsPerAddress = streams })
	ana := strings.Join(o.as(t, "ana", identity.Cliente), ": ")
	o.withAnasCompra(t, "")
	events := "GET /api/compras/" + anasCompra + "/eventos HTTP/1.1\r\nHost: x\r\n" + ana + "\r\n\r\n"
	kinds := []string{
		events,
		"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /graphql HTTP/1.1\r\nHost: x\r\n" + ana + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
	}
	var first net.Conn
	for i := range 40 {
		conn := o.dial(t, flooder, kinds[i%len(kinds)])
		code, want := status(conn), http.StatusOK
		switch {
		case i >= streams:
			want = http.StatusTooManyRequests
		case i%len(kinds) == 2:
			want = http.StatusSwitchingProtocols
		}
		if code != want {
			t.Fatalf("stream %d: %d, want %d", i, code, want)
		}
		if i == 0 {
			first = conn
		}
	}
	o.served(t)
	if code := status(o.dial(t, reader, events)); code != http.StatusOK {
		t.Errorf("the stream of another address: %d", code)
	}
	_ = first.Close()
	for limit := time.Now().Add(10 * time.Second); status(o.dial(t, flooder, events)) != http.StatusOK; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("a stream that ended still counts")
		}
	}
}

// Behind our own proxies the bff counts the requests under way of each client address, which the proxy writes, and no connections.
func TestUnderWayBehindAProxy(t *testing.T) {
	o := serveOpen(t, 0, 0, func(c *config) { c.Proxies, c.MaxConnectionsPerAddress, c.MaxStreamsPerAddress = 1, 3, 2 })
	stream := func(customer string) string {
		return "GET /stream HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: " + customer + "\r\n\r\n"
	}
	for i, want := range []int{200, 200, 429} {
		if code := status(o.dial(t, flooder, stream("198.51.100.1"))); code != want {
			t.Errorf("stream %d: %d, want %d", i, code, want)
		}
	}
	if code := status(o.dial(t, flooder, stream("198.51.100.2"))); code != http.StatusOK {
		t.Errorf("another customer's stream: %d", code)
	}
}

// A stream of any kind ends where its client does not read within streams.Take.
func TestStreamThatNobodyTakes(t *testing.T) {
	t.Parallel() // it waits
	ended := make(chan error, 1)
	server := httptest.NewServer(edge.Deadline(time.Minute)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				ended <- err
				return
			}
		}
	})))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String()) //nolint:noctx // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	select {
	case err := <-ended:
		t.Logf("the stream ended: %v", err)
	case <-ctx.Done():
		t.Error("the stream of a client that takes nothing goes on")
	}
}
