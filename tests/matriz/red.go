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
type red struct {
	tramos           map[string]*toxiproxy.Proxy
	postgres, pulsar int // their ports in the instance up
}

// The ports of PostgreSQL and Pulsar of the instance `caos` are those of the environment and this much more.
const caosPorts = 20000

// port is a port setting of the environment, or its default.
func port(name string, otherwise int) int {
	if p, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return p
	}
	return otherwise
}

// conBase are the services with a database, and who they are in it.
var conBase = []struct{ app, rol, base string }{
	{"gestor-compra", "gestor_compra", "gestor_compra"}, {"admin-productos", "admin_productos", "productos"},
	{"consolidador", "consolidador", "productos"}, {"ordenes", "ordenes", "ordenes"},
}

func abrirRed() (*red, error) {
	servidor := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	r := &red{map[string]*toxiproxy.Proxy{}, port("PORT_POSTGRES", 5432), port("PORT_PULSAR", 6650)}
	abrir := func(nombre string, destino int) error { // where the kernel has a port free
		r.tramos[nombre] = toxiproxy.NewProxy(servidor, nombre, "127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", destino))
		return r.tramos[nombre].Start()
	}
	for _, s := range conBase {
		if err := abrir(s.app, r.postgres+caosPorts); err != nil {
			return nil, err
		}
	}
	return r, abrir("broker", r.pulsar+caosPorts)
}

// ajustes are what makes the instance go through the proxies. Pulsar announces its proxy's address.
func (r *red) ajustes() []string {
	a := []string{"PULSAR_ADVERTISED=" + r.tramos["broker"].Listen, fmt.Sprintf("PORT_POSTGRES=%d", r.postgres), fmt.Sprintf("PORT_PULSAR=%d", r.pulsar), "POSTGRES_DSN="}
	for _, s := range conBase {
		a = append(a, fmt.Sprintf("APP_%s_BASE_DATOS=postgres://%s@%s/%s?sslmode=disable&passfile=.local/caos/pgpass",
			enMayusculas(s.app), s.rol, r.tramos[s.app].Listen, s.base))
	}
	return a
}

func (r *red) cerrar() {
	for _, t := range r.tramos {
		t.Stop()
	}
}

const duraRed = 10 * time.Second

// deRed are a slow and a cut network, for each stretch. Cut is the worse kind: nothing comes back, not even a refusal,
// until the connection is given up.
func deRed() []falla {
	var f []falla
	for _, s := range conBase {
		f = append(f, toxico("red lenta entre "+s.app+" y su base", s.app, lenta), toxico("red cortada entre "+s.app+" y su base", s.app, cortada))
	}
	return append(f, toxico("red lenta hacia el broker", "broker", lenta), toxico("red cortada hacia el broker", "broker", cortada))
}

const (
	lenta   = `{"name": "%s", "type": "latency", "stream": "%s", "attributes": {"latency": 300, "jitter": 200}}`
	cortada = `{"name": "%s", "type": "timeout", "stream": "%s", "attributes": {"timeout": 0}}`
)

func toxico(que, tramo, tipo string) falla {
	return falla{que: que, paso: "cualquiera", hacer: func(ctx context.Context, c *caos) error {
		toxicos := c.red.tramos[tramo].Toxics
		for _, sentido := range []string{"upstream", "downstream"} {
			if _, err := toxicos.AddToxicJson(strings.NewReader(fmt.Sprintf(tipo, sentido, sentido))); err != nil {
				return err
			}
		}
		dormir(ctx, duraRed)
		toxicos.ResetToxics(ctx)
		return nil
	}}
}
