// Package auditor checks a system at rest by its databases and topics. It imports no code of the project, not even the
// contracts, so that it does not repeat an error of the services.
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

// Addresses are the addresses of the databases and of the broker.
type Addresses struct {
	ManagerDSN, ProductosDSN, OrdenesDSN string
	PulsarURL, PulsarAdmin               string
}

// Auditor reads the databases and topics of a system. Its sessions refuse to write.
type Auditor struct {
	manager, productos, ordenes *pgxpool.Pool
	broker                      pulsar.Client
	admin                       string
}

// Open connects to the databases and to the broker.
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

// Close closes the connections.
func (a *Auditor) Close() {
	a.manager.Close()
	a.productos.Close()
	a.ordenes.Close()
	a.broker.Close()
}

// Violation is a rule that the data breaks. IDCompra is empty when the violation is not about one purchase.
type Violation struct{ IDCompra, What string }

// Report is the result of an audit.
type Report struct {
	Compras     int
	ByEstado    map[string]int
	Events      int // records on eventos-compra
	DeadLetters map[string]int
	Replaced    int // stalled workflows that the reconciler replaced
	Violations  []Violation
}

// add adds a violation about purchase id.
func (i *Report) add(id, format string, args ...any) {
	i.Violations = append(i.Violations, Violation{id, fmt.Sprintf(format, args...)})
}

// Inspect audits the whole system. acceptedOnes are the ids of the purchases that customers got. Each of these purchases must exist
// and be at its end.
func (a *Auditor) Inspect(ctx context.Context, acceptedOnes []string) (*Report, error) {
	l, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	i := &Report{Compras: len(l.compras), ByEstado: map[string]int{}, DeadLetters: map[string]int{}}
	for _, id := range acceptedOnes {
		if _, found := l.compras[id]; !found {
			i.add(id, "it was accepted and does not exist")
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

// InspectUntil repeats Inspect until there is no violation or deadline has passed. It waits because a message that is still on its way
// looks like a lost message.
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
