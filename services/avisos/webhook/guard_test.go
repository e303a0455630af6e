package webhook_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"entregas/services/avisos/avisos"
	"entregas/services/avisos/webhook"
)

// Each address is refused when a person gives it, in whatever form.
func TestWhichURLsAreRefused(t *testing.T) {
	production, development := webhook.NewSender(webhook.Options{}), webhook.NewSender(webhook.Options{Loopback: true})
	for _, c := range []struct {
		url           string
		inProduction  bool // accepted
		inDevelopment bool
	}{
		{"https://example.com/hooks?a=b", true, true},
		{"https://example.com:8443/", true, true},
		{"https://example.com:443", true, true},
		{"https://8.8.8.8/", true, true},
		{"https://[2606:4700:4700::1111]/", true, true},
		{"https://[::ffff:8.8.8.8]/", true, true},
		{"https://xn--espaa-rta.example/", true, true},
		{"https://example.com:80/", true, true},
		{"http://example.com/", false, true},
		{"HTTPS://EXAMPLE.COM/", true, true},
		{"https://127.0.0.1:9000/", false, true},
		{"http://localhost:9000/", false, true},
		{"https://[::1]:9000/", false, true},
		{"https://[::ffff:127.0.0.1]:9000/", false, true},
		{"https://[fe80::1%25eth0]/", false, false},
		{"https://10.1.2.3/", false, false},
		{"https://172.31.0.1/", false, false},
		{"https://192.168.0.1/", false, false},
		{"https://169.254.169.254/latest/meta-data/", false, false},
		{"https://168.63.129.16/", false, false},
		{"https://100.100.100.200/", false, false},
		{"https://0.0.0.0/", false, false},
		{"https://224.0.0.1/", false, false},
		{"https://255.255.255.255/", false, false},
		{"https://[::]/", false, false},
		{"https://[fd00:ec2::254]/", false, false},
		{"https://[fe80::1]/", false, false},
		{"https://[ff02::1]/", false, false},
		{"https://[::ffff:10.0.0.1]/", false, false},
		{"https://[::ffff:a9fe:a9fe]/", false, false},
		{"https://[::10.0.0.1]/", false, false},
		{"https://[64:ff9b::10.0.0.1]/", false, false},
		{"https://[64:ff9b:1::a00:1]/", false, false},
		{"https://[2002:a00:1::1]/", false, false},
		{"https://[2001:0:a00:1::1]/", false, false},
		{"https://[2001:db8::1]/", false, false},
		{"https://2130706433/", false, false},
		{"https://0x7f000001/", false, false},
		{"https://0x7f.0.0.1/", false, false},
		{"https://0177.0.0.1/", false, false},
		{"https://127.1/", false, false},
		{"https://10.0.0.1./", false, false},
		{"https://postgres.entregas.svc.cluster.local/", false, false},
		{"https://metadata.google.internal/", false, false},
		{"https://example.com:22/", false, false},
		{"https://example.com:0/", false, false},
		{"https://example.com:/", false, false},
		{"https://example.com:99999/", false, false},
		{"https://user:secret@example.com/", false, false},
		{"https://example.com/#a", false, false},
		{"https:///path", false, false},
		{"https:example.com", false, false},
		{"ftp://example.com/", false, false},
		{"file:///etc/passwd", false, false},
		{"//example.com/", false, false},
		{"example.com", false, false},
		{"", false, false},
	} {
		if err := production.CheckURL(c.url); (err == nil) != c.inProduction {
			t.Errorf("in production %s: %v", c.url, err)
		}
		if err := development.CheckURL(c.url); (err == nil) != c.inDevelopment {
			t.Errorf("in development %s: %v", c.url, err)
		}
	}
}

// names answers every question about a name with one address, over UDP.
func names(t *testing.T, address string) *net.Resolver {
	t.Helper()
	server, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	ip := net.ParseIP(address)
	go func() {
		question := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(question)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(question[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			header := dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 1}
			four := ip.To4()
			switch {
			case four != nil && m.Questions[0].Type == dnsmessage.TypeA:
				m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: [4]byte(four)}}}
			case four == nil && m.Questions[0].Type == dnsmessage.TypeAAAA:
				m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: [16]byte(ip)}}}
			}
			if text, err := m.Pack(); err == nil {
				_, _ = server.WriteTo(text, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// Failure prevented: a public name whose address is one of our own network, now or since the address was created. The server counts
// its connections: none comes.
func TestANameThatLeadsInside(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("our own network was reached") }))
	defer inside.Close()
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	for _, address := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "fd00::1", "fe80::1", "::1", "64:ff9b::7f00:1", "0.0.0.0"} {
		s := webhook.NewSender(webhook.Options{Timeout: 5 * time.Second, Resolver: names(t, address)})
		a := s.Send(t.Context(), avisos.Envio{URL: "https://hooks.example.com:" + port + "/", Secretos: []string{webhook.NewSecreto()}})
		if a.Codigo != 0 || !strings.Contains(a.Error, "no es una dirección pública") {
			t.Errorf("%s: %+v", address, a)
		}
	}
}
