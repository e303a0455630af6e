package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync/atomic"
	"time"
)

// replica is the second bff, which stands beside the first during a long run.
const replica = "bff-2"

// deReplicas are faults of the one bff while the other serves, and services that are restarted in order, as a new version is
// brought out: no customer may notice that.
func deReplicas() []falla {
	return []falla{
		matar("kill -9 de la app bff-2", unProceso(replica, "app")), matar("kill -9 del sidecar de bff-2", unProceso(replica, "sidecar")),
		{que: "reinicio de bff y después de bff-2", paso: "cualquiera", hacer: restarted(replica, "bff", replica)},
		{que: "reinicio de gestor-compra y después de gestor-compra-2", paso: "cualquiera", hacer: restarted("gestor-compra-2", "gestor-compra", "gestor-compra-2")},
	}
}

// restarted restarts services one after the other, once the one that must be there besides is. A replica that was not there
// before is stopped afterwards.
func restarted(second string, names ...string) func(context.Context, *caos) error {
	return func(ctx context.Context, c *caos) error {
		if _, err := c.one(ctx, unProceso(second, "app")); errors.Is(err, errNoOcurrio) {
			if err := c.local.Orden(ctx, "start", second); err != nil {
				return err
			}
			defer func() { _ = c.local.Orden(context.WithoutCancel(ctx), "stop", second) }()
		}
		for _, name := range names {
			dormir(ctx, 3*time.Second) // for the door to see it
			if err := c.local.Orden(ctx, "restart", name); err != nil {
				return err
			}
		}
		return nil
	}
}

// startReplicas starts what stands beside the services, where this run has any.
func (c *caos) startReplicas(ctx context.Context) error {
	if c.door == nil {
		return nil
	}
	return c.local.Orden(ctx, "start", replica)
}

// openDoor starts the second bff and puts one address before the two.
func (c *caos) openDoor(ctx context.Context) error {
	if err := c.local.Orden(ctx, "start", replica); err != nil {
		return err
	}
	second, err := c.one(ctx, unProceso(replica, "app"))
	if err != nil {
		return err
	}
	if c.door, err = newDoor(ctx, c.entorno.BFF, fmt.Sprintf("http://127.0.0.1:%d", second.Port)); err != nil {
		return err
	}
	c.entorno, err = c.entorno.Behind(c.door.address)
	return err
}

// door sends each request to the next replica that says it is ready, as a load balancer does. A replica that takes no
// connection was told nothing, so another is asked; a request that was sent is never sent again.
type door struct {
	address  string
	replicas []*behindDoor
	turn     atomic.Uint64
	server   *http.Server
}

type behindDoor struct {
	address *url.URL
	ready   atomic.Bool
}

func newDoor(ctx context.Context, addresses ...string) (*door, error) {
	d := &door{}
	for _, a := range addresses {
		u, err := url.Parse(a)
		if err != nil {
			return nil, err
		}
		b := &behindDoor{address: u}
		b.ready.Store(true)
		d.replicas = append(d.replicas, b)
		go b.watch(ctx)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d.address = "http://" + listener.Addr().String()
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(d.replicas[0].address) },
		Transport: &http.Transport{
			DisableKeepAlives: true, // so that a connection is never closed under a request
			DialContext: func(ctx context.Context, network, _ string) (conn net.Conn, err error) {
				for _, b := range d.order() {
					if conn, err = dialer.DialContext(ctx, network, b.address.Host); err == nil {
						return conn, nil
					}
				}
				return nil, err
			},
		},
		// What got no answer gets none here either: the customer's count is of what the replicas said.
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:      log.New(io.Discard, "", 0),
		FlushInterval: -1,
	}
	d.server = &http.Server{Handler: proxy, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = d.server.Serve(listener) }()
	return d, nil
}

func (d *door) close() { _ = d.server.Close() }

// order is which replica to ask first, and which then: those that are ready before those that are not.
func (d *door) order() []*behindDoor {
	n := int(d.turn.Add(1) % uint64(len(d.replicas))) // #nosec G115 -- less than the number of replicas
	turned := slices.Concat(d.replicas[n:], d.replicas[:n])
	slices.SortStableFunc(turned, func(a, b *behindDoor) int {
		switch {
		case a.ready.Load() == b.ready.Load():
			return 0
		case a.ready.Load():
			return -1
		}
		return 1
	})
	return turned
}

// watch asks twice a second whether the replica is ready; two answers in vain, and it is passed over.
func (b *behindDoor) watch(ctx context.Context) {
	missed := 0
	for ; ctx.Err() == nil; dormir(ctx, 500*time.Millisecond) {
		plazo, end := context.WithTimeout(ctx, time.Second)
		_, err := get(plazo, http.MethodGet, b.address.String()+"/readyz")
		end()
		if missed++; err == nil {
			missed = 0
		}
		b.ready.Store(missed < 2)
	}
}
