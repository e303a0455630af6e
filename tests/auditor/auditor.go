// Package auditor checks a system at rest from its databases and topics alone. It shares no code with the services, not
// even the contracts: what they believe, it does not have to believe.
package auditor

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/apache/pulsar-client-go/pulsar/log"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Direcciones say where the books are.
type Direcciones struct {
	DSNGestorCompra, DSNProductos, DSNOrdenes string
	PulsarURL, PulsarAdmin                    string
}

// Auditor reads. Every session of it refuses to write.
type Auditor struct {
	gestor, productos, ordenes *pgxpool.Pool
	broker                     pulsar.Client
	admin                      string
}

// Abrir connects to the books.
func Abrir(ctx context.Context, d Direcciones) (*Auditor, error) {
	a := &Auditor{admin: strings.TrimSuffix(d.PulsarAdmin, "/")}
	for dsn, pool := range map[string]**pgxpool.Pool{d.DSNGestorCompra: &a.gestor, d.DSNProductos: &a.productos, d.DSNOrdenes: &a.ordenes} {
		config, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			return nil, err
		}
		config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
		config.MaxConns = 2
		if *pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
			return nil, err
		}
	}
	callado := log.NewLoggerWithSlog(slog.New(slog.DiscardHandler))
	var err error
	a.broker, err = pulsar.NewClient(pulsar.ClientOptions{URL: d.PulsarURL, OperationTimeout: 20 * time.Second, Logger: callado})
	return a, err
}

// Cerrar ends the connections.
func (a *Auditor) Cerrar() {
	a.gestor.Close()
	a.productos.Close()
	a.ordenes.Close()
	a.broker.Close()
}

// Falta is something that is not as it must be. IDCompra is empty where it is about no one purchase.
type Falta struct{ IDCompra, Que string }

// Informe is what an audit found.
type Informe struct {
	Compras   int
	PorEstado map[string]int
	Eventos   int // records on eventos-compra
	Muertos   map[string]int
	Replaced  int // workflows of purchases that stood still and were replaced
	Faltas    []Falta
}

func (i *Informe) falta(id, formato string, args ...any) {
	i.Faltas = append(i.Faltas, Falta{id, fmt.Sprintf(formato, args...)})
}

// Revisar audits everything. aceptadas are the purchases that a customer was told of: each must be there, and at its end.
func (a *Auditor) Revisar(ctx context.Context, aceptadas []string) (*Informe, error) {
	l, err := a.leer(ctx)
	if err != nil {
		return nil, err
	}
	i := &Informe{Compras: len(l.compras), PorEstado: map[string]int{}, Muertos: map[string]int{}}
	for _, id := range aceptadas {
		if _, hay := l.compras[id]; !hay {
			i.falta(id, "se aceptó y no está")
		}
	}
	for id, c := range l.compras {
		i.PorEstado[c.Estado]++
		l.unaCompra(i, id, c)
	}
	l.huerfanas(i)
	l.existencias(i)
	if err := a.pendientes(ctx, i); err != nil {
		return nil, err
	}
	if err := a.eventos(ctx, i, l.compras); err != nil {
		return nil, err
	}
	slices.SortFunc(i.Faltas, func(x, y Falta) int { return strings.Compare(x.IDCompra+x.Que, y.IDCompra+y.Que) })
	return i, nil
}

// RevisarHasta audits again and again until nothing is amiss or plazo has passed: what is still on its way is not lost.
func (a *Auditor) RevisarHasta(ctx context.Context, plazo time.Duration, aceptadas []string) (*Informe, error) {
	for limite := time.Now().Add(plazo); ; {
		i, err := a.Revisar(ctx, aceptadas)
		if (err == nil && len(i.Faltas) == 0) || time.Now().After(limite) || ctx.Err() != nil {
			return i, err
		}
		time.Sleep(3 * time.Second)
	}
}

func filas[T any](ctx context.Context, pool *pgxpool.Pool, consulta string, args ...any) ([]T, error) {
	leidas, err := pool.Query(ctx, consulta, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(leidas, pgx.RowToStructByPos[T])
}
