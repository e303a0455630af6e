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

// Addresses say where the books are.
type Addresses struct {
	ManagerDSN, ProductosDSN, OrdenesDSN string
	PulsarURL, PulsarAdmin               string
}

// Auditor reads. Every session of it refuses to write.
type Auditor struct {
	manager, productos, ordenes *pgxpool.Pool
	broker                      pulsar.Client
	admin                       string
}

// Open connects to the books.
func Open(ctx context.Context, d Addresses) (*Auditor, error) {
	a := &Auditor{admin: strings.TrimSuffix(d.PulsarAdmin, "/")}
	for dsn, pool := range map[string]**pgxpool.Pool{d.ManagerDSN: &a.manager, d.ProductosDSN: &a.productos, d.OrdenesDSN: &a.ordenes} {
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
	quiet := log.NewLoggerWithSlog(slog.New(slog.DiscardHandler))
	var err error
	a.broker, err = pulsar.NewClient(pulsar.ClientOptions{URL: d.PulsarURL, OperationTimeout: 20 * time.Second, Logger: quiet})
	return a, err
}

// Close ends the connections.
func (a *Auditor) Close() {
	a.manager.Close()
	a.productos.Close()
	a.ordenes.Close()
	a.broker.Close()
}

// Violation is something that is not as it must be. IDCompra is empty where it is about no one purchase.
type Violation struct{ IDCompra, What string }

// Report is what an audit found.
type Report struct {
	Compras     int
	ByEstado    map[string]int
	Events      int // records on events-compra
	DeadLetters map[string]int
	Replaced    int // workflows of purchases that stood still and were replaced
	Violations  []Violation
}

func (i *Report) add(id, format string, args ...any) {
	i.Violations = append(i.Violations, Violation{id, fmt.Sprintf(format, args...)})
}

// Inspect audits everything. acceptedOnes are the purchases that a customer was told of: each must be there, and at its end.
func (a *Auditor) Inspect(ctx context.Context, acceptedOnes []string) (*Report, error) {
	l, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	i := &Report{Compras: len(l.compras), ByEstado: map[string]int{}, DeadLetters: map[string]int{}}
	for _, id := range acceptedOnes {
		if _, found := l.compras[id]; !found {
			i.add(id, "se aceptó y no está")
		}
	}
	for id, c := range l.compras {
		i.ByEstado[c.Estado]++
		l.oneCompra(i, id, c)
	}
	l.orphans(i)
	l.existencias(i)
	if err := a.pending(ctx, i); err != nil {
		return nil, err
	}
	if err := a.events(ctx, i, l.compras); err != nil {
		return nil, err
	}
	slices.SortFunc(i.Violations, func(x, y Violation) int { return strings.Compare(x.IDCompra+x.What, y.IDCompra+y.What) })
	return i, nil
}

// InspectUntil audits again and again until nothing is amiss or deadline has passed: what is still on its way is not lost.
func (a *Auditor) InspectUntil(ctx context.Context, deadline time.Duration, acceptedOnes []string) (*Report, error) {
	for limit := time.Now().Add(deadline); ; {
		i, err := a.Inspect(ctx, acceptedOnes)
		if (err == nil && len(i.Violations) == 0) || time.Now().After(limit) || ctx.Err() != nil {
			return i, err
		}
		time.Sleep(3 * time.Second)
	}
}

func rows[T any](ctx context.Context, pool *pgxpool.Pool, query string, args ...any) ([]T, error) {
	readings, err := pool.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(readings, pgx.RowToStructByPos[T])
}
