package beside

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// A proxy that is cut ends its connections and refuses new ones until it is joined. That of a broker puts its address in the place of the
// broker's.
func TestProxyGoesAndComesBack(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				line, _ := bufio.NewReader(c).ReadString('\n')
				text := strings.TrimSpace(line) + " pulsar://" + server.Addr().String()
				_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...))
			}()
		}
	}()
	p, err := newProxy(t.Context(), server.Addr().String(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	ask := func() (net.Conn, error) {
		c, err := net.Dial("tcp", p.address())
		if err != nil {
			return nil, err
		}
		want := "hola pulsar://" + p.address()
		frame := make([]byte, 4+len(want))
		_, _ = fmt.Fprintln(c, "hola")
		if _, err := io.ReadFull(c, frame); err != nil {
			return c, err
		}
		if string(frame[4:]) != want {
			t.Errorf("the answer is %q, want %q", frame[4:], want)
		}
		return c, nil
	}
	open, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	p.cut()
	if _, err := open.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlived the cut")
	}
	if _, err := ask(); err == nil {
		t.Error("a connection was made after the cut")
	}
	if err := p.join(); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(); err != nil {
		t.Errorf("after the join: %v", err)
	}
}
