package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"entregas/tests/client"
)

// network is a set of proxies: one between each service and its database, and one before the broker.
type network struct {
	links            map[string]*toxiproxy.Proxy
	postgres, pulsar int // the ports of both servers in the instance `up`
}

// chaosPorts is the number to add to a port of the environment for the same port of the instance `chaos`: PostgreSQL and Pulsar.
const chaosPorts = 20000

// port returns a port setting of the environment, or its default.
func port(name string, otherwise int) int {
	if p, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return p
	}
	return otherwise
}

// withDatabase has the services with a database.
var withDatabase = slices.DeleteFunc(slices.Clone(services), func(s client.Service) bool { return s.Database == "" })

// openNetwork starts the proxies.
func openNetwork() (*network, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	r := &network{map[string]*toxiproxy.Proxy{}, port("PORT_POSTGRES", 5432), port("PORT_PULSAR", 6650)}
	open := func(name string, target int) error { // on a free port
		r.links[name] = toxiproxy.NewProxy(server, name, "127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", target))
		return r.links[name].Start()
	}
	for _, s := range withDatabase {
		if err := open(s.App, r.postgres+chaosPorts); err != nil {
			return nil, err
		}
	}
	return r, open("broker", r.pulsar+chaosPorts)
}

// settings returns the settings that make the instance connect through the proxies. Pulsar announces the address of its proxy.
func (r *network) settings() []string {
	a := []string{"PULSAR_ADVERTISED=" + r.links["broker"].Listen, fmt.Sprintf("PORT_POSTGRES=%d", r.postgres), fmt.Sprintf("PORT_PULSAR=%d", r.pulsar), "POSTGRES_DSN="}
	for _, s := range withDatabase {
		a = append(a, fmt.Sprintf("APP_%s_DATABASE_URL=postgres://%s@%s/%s?sslmode=disable&passfile=.local/chaos/pgpass",
			inUppercase(s.App), s.Role, r.links[s.App].Listen, s.Database))
	}
	return a
}

func (r *network) shutDown() {
	for _, t := range r.links {
		t.Stop()
	}
}

const networkFaultLasts = 10 * time.Second

// networkFaults returns a slow and a cut network for each proxy. On a cut network a client gets no response, and no refusal either,
// until the client closes the connection.
func networkFaults() []fault {
	var f []fault
	for _, s := range withDatabase {
		f = append(f, toxic("slow network between "+s.App+" and its database", s.App, slow), toxic("cut network between "+s.App+" and its database", s.App, cut))
	}
	return append(f, toxic("slow network to the broker", "broker", slow), toxic("cut network to the broker", "broker", cut))
}

const (
	slow = `{"name": "%s", "type": "latency", "stream": "%s", "attributes": {"latency": 300, "jitter": 200}}`
	cut  = `{"name": "%s", "type": "timeout", "stream": "%s", "attributes": {"timeout": 0}}`
)

// toxic is a fault of one proxy, in both directions.
func toxic(what, link, kind string) fault {
	return fault{what: what, step: anyStep, act: func(ctx context.Context, c *chaos) error {
		toxics := c.network.links[link].Toxics
		for _, direction := range []string{"upstream", "downstream"} {
			if _, err := toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(kind, direction, direction))); err != nil {
				return err
			}
		}
		sleep(ctx, c.lasting(networkFaultLasts))
		toxics.ResetToxics(context.WithoutCancel(ctx))
		return nil
	}}
}
