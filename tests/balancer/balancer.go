// Package balancer is a reverse proxy: it gives several replicas of a service one address, as a cluster does.
package balancer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

const (
	period   = 200 * time.Millisecond // between two readiness checks of a replica
	patience = time.Second            // how long a check waits for the response
	maxBody  = 4 << 20                // bytes of a request
)

// Balancer sends requests to its replicas in turn, but only to those that are ready by their /readyz.
type Balancer struct {
	URL      string
	server   *httptest.Server
	stop     context.CancelFunc
	asking   sync.WaitGroup
	replicas []*replica
	turn     atomic.Uint64
	failed   atomic.Int64
}

type replica struct {
	url       *url.URL
	ready     atomic.Bool
	transport *http.Transport
}

// Open waits until one of the replicas at these base addresses is ready, and returns a Balancer for all of them. It returns an error
// when ctx ends first.
func Open(ctx context.Context, addresses ...string) (*Balancer, error) {
	asking, stop := context.WithCancel(context.Background())
	b := &Balancer{stop: stop}
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil {
			stop()
			return nil, err
		}
		r := &replica{url: u, transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute}}
		b.replicas = append(b.replicas, r)
		b.asking.Go(func() { r.follow(asking) })
	}
	b.server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:       func(p *httputil.ProxyRequest) { p.Out.Host = p.In.Host },
		Transport:     b,
		FlushInterval: -1, // streams
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				b.failed.Add(1)
			}
			http.Error(w, "balancer: "+err.Error(), http.StatusBadGateway)
		},
	})
	b.URL = b.server.URL
	for len(b.readyOnes()) == 0 {
		select {
		case <-ctx.Done():
			b.Close()
			return nil, errors.New("no replica is ready")
		case <-time.After(period):
		}
	}
	return b, nil
}

// Close stops the balancer and closes its connections.
func (b *Balancer) Close() {
	b.stop()
	b.asking.Wait()
	b.server.CloseClientConnections()
	b.server.Close()
}

// Failed returns how many requests got no response from a replica.
func (b *Balancer) Failed() int64 { return b.failed.Load() }

// Ready returns how many replicas are ready.
func (b *Balancer) Ready() int { return len(b.readyOnes()) }

func (b *Balancer) readyOnes() (ready []*replica) {
	for _, r := range b.replicas {
		if r.ready.Load() {
			ready = append(ready, r)
		}
	}
	return ready
}

// follow checks the readiness of the replica until ctx ends.
func (r *replica) follow(ctx context.Context) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	for ctx.Err() == nil {
		r.ready.Store(r.asked(ctx, client))
		select {
		case <-ctx.Done():
		case <-time.After(period):
		}
	}
}

func (r *replica) asked(ctx context.Context, client *http.Client) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.JoinPath("readyz").String(), nil)
	if err != nil {
		return false
	}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// RoundTrip sends a request to the next ready replica. It tries another replica only when the connection to the first failed:
// a request that a replica may have handled is not sent twice.
func (b *Balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := rewindable(r); err != nil {
		return nil, err
	}
	last := errors.New("no replica is ready")
	for range len(b.replicas) {
		ready := b.readyOnes()
		if len(ready) == 0 {
			break
		}
		to := ready[b.turn.Add(1)%uint64(len(ready))]
		out := r.Clone(r.Context())
		out.URL.Scheme, out.URL.Host = to.url.Scheme, to.url.Host
		if r.GetBody != nil {
			out.Body, _ = r.GetBody() // rewindable set GetBody, and that function returns no error
		}
		answer, err := to.transport.RoundTrip(out)
		if err == nil {
			return answer, nil
		}
		last = err
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" {
			return nil, err
		}
		to.ready.Store(false)
	}
	return nil, last
}

// rewindable reads the body into memory, so that the transport can send it again when the replica had closed the connection.
func rewindable(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return err
	}
	_ = r.Body.Close()
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
	return nil
}
