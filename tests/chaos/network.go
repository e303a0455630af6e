package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// red stands between the services and their databases, and between everybody and the broker.
type network struct {
	links            map[string]*toxiproxy.Proxy
	postgres, pulsar int // their ports in the instance up
}

// The ports of PostgreSQL and Pulsar of the instance `chaos` are those of the environment and this much more.
const chaosPorts = 20000

// port is a port setting of the environment, or its default.
func port(name string, otherwise int) int {
	if p, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return p
	}
	return otherwise
}

// withDatabase are the services with a database, and who they are in it.
var withDatabase = []struct{ app, role, database string }{
	{"gestor-compra", "gestor_compra", "gestor_compra"}, {"admin-productos", "admin_productos", "productos"},
	{"consolidador", "consolidador", "productos"}, {"ordenes", "ordenes", "ordenes"},
}

func openNetwork() (*network, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	r := &network{map[string]*toxiproxy.Proxy{}, port("PORT_POSTGRES", 5432), port("PORT_PULSAR", 6650)}
	open := func(name string, target int) error { // where the kernel has a port free
		r.links[name] = toxiproxy.NewProxy(server, name, "127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", target))
		return r.links[name].Start()
	}
	for _, s := range withDatabase {
		if err := open(s.app, r.postgres+chaosPorts); err != nil {
			return nil, err
		}
	}
	return r, open("broker", r.pulsar+chaosPorts)
}

// settings are what makes the instance go through the proxies. Pulsar announces its proxy's address.
func (r *network) settings() []string {
	a := []string{"PULSAR_ADVERTISED=" + r.links["broker"].Listen, fmt.Sprintf("PORT_POSTGRES=%d", r.postgres), fmt.Sprintf("PORT_PULSAR=%d", r.pulsar), "POSTGRES_DSN="}
	for _, s := range withDatabase {
		a = append(a, fmt.Sprintf("APP_%s_DATABASE_URL=postgres://%s@%s/%s?sslmode=disable&passfile=.local/chaos/pgpass",
			inUppercase(s.app), s.role, r.links[s.app].Listen, s.database))
	}
	return a
}

func (r *network) shutDown() {
	for _, t := range r.links {
		t.Stop()
	}
}

const networkFaultLasts = 10 * time.Second

// networkFaults are a slow and a cut network, for each stretch. Cut is the worse kind: nothing comes back, not even a refusal,
// until the connection is given up.
func networkFaults() []fault {
	var f []fault
	for _, s := range withDatabase {
		f = append(f, toxic("red lenta entre "+s.app+" y su base", s.app, slow), toxic("red cortada entre "+s.app+" y su base", s.app, cut))
	}
	return append(f, toxic("red lenta hacia el broker", "broker", slow), toxic("red cortada hacia el broker", "broker", cut))
}

const (
	slow = `{"name": "%s", "type": "latency", "stream": "%s", "attributes": {"latency": 300, "jitter": 200}}`
	cut  = `{"name": "%s", "type": "timeout", "stream": "%s", "attributes": {"timeout": 0}}`
)

func toxic(what, link, kind string) fault {
	return fault{what: what, step: "cualquiera", act: func(ctx context.Context, c *chaos) error {
		toxics := c.network.links[link].Toxics
		for _, direction := range []string{"upstream", "downstream"} {
			if _, err := toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(kind, direction, direction))); err != nil {
				return err
			}
		}
		sleep(ctx, networkFaultLasts)
		toxics.ResetToxics(ctx)
		return nil
	}}
}
