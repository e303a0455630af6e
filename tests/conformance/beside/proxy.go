package beside

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// proxy stands between the program and a server, and can take the server away. The broker names its own address to its clients, so the
// proxy of a broker puts its address in the place of that one.
type proxy struct {
	target string
	pulsar bool
	listen string

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
}

// newProxy returns a proxy that listens. Its port has as many digits as that of the target, so that it can change an address in a frame.
func newProxy(ctx context.Context, target string, pulsar bool) (*proxy, error) {
	target = strings.Replace(target, "localhost", "127.0.0.1", 1)
	_, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	first, last := 20000, 28999
	if len(port) < 5 {
		first, last = 9600, 9999
	}
	p := &proxy{target: target, pulsar: pulsar, open: map[net.Conn]bool{}}
	start := int(time.Now().UnixNano() % int64(last-first))
	for i := range last - first {
		p.listen = fmt.Sprintf("127.0.0.1:%d", first+(start+i)%(last-first))
		if p.join() == nil {
			return p, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("no port is free from %d to %d", first, last)
}

func (p *proxy) address() string { return p.listen }

// join lets connections through.
func (p *proxy) join() error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", p.listen)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	go p.accept(l)
	return nil
}

// cut ends all connections and refuses new ones.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for c := range p.open {
		_ = c.Close()
	}
	clear(p.open)
}

func (p *proxy) close() {
	if p != nil {
		p.cut()
	}
}

func (p *proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			server, err := net.Dial("tcp", p.target)
			if err != nil {
				_ = client.Close()
				return
			}
			p.mu.Lock()
			if p.listener != l {
				_, _ = client.Close(), server.Close()
			}
			p.open[client], p.open[server] = true, true
			p.mu.Unlock()
			go func() { _, _ = io.Copy(server, client); p.end(client, server) }()
			if p.pulsar {
				p.frames(client, server)
			} else {
				_, _ = io.Copy(client, server)
			}
			p.end(client, server)
		}()
	}
}

func (p *proxy) end(connections ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range connections {
		_ = c.Close()
		delete(p.open, c)
	}
}

// frames copies the frames of Pulsar's protocol from server to client. The answer to a lookup is a small frame with the address of the
// broker. frames replaces it by the address of the proxy, which has the same length.
func (p *proxy) frames(client, server net.Conn) {
	var size [4]byte
	for {
		if _, err := io.ReadFull(server, size[:]); err != nil {
			return
		}
		n := int64(binary.BigEndian.Uint32(size[:]))
		if _, err := client.Write(size[:]); err != nil {
			return
		}
		const small = 1 << 10
		if n > small {
			if _, err := io.CopyN(client, server, n); err != nil {
				return
			}
			continue
		}
		frame := make([]byte, n)
		if _, err := io.ReadFull(server, frame); err != nil {
			return
		}
		for _, host := range []string{p.target, strings.Replace(p.target, "127.0.0.1", "localhost", 1)} {
			other := p.listen
			if len(host) == len(other) {
				frame = bytes.ReplaceAll(frame, []byte("pulsar://"+host), []byte("pulsar://"+other))
			}
		}
		if _, err := client.Write(frame); err != nil {
			return
		}
	}
}
