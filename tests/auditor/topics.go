package auditor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/hamba/avro/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// each runs query and calls the function with once for each row.
func each[T any](ctx context.Context, tx pgx.Tx, query string, with func(T)) error {
	readings, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(readings, pgx.RowToStructByPos[T])
	for _, f := range all {
		with(f)
	}
	return err
}

// unpublished counts the events of ordenes that were never published, or whose second publication is overdue. Between the two
// publications lies a minute.
const unpublished = `select count(*) from outbox where tell_again_at is null or tell_again_at < now() - interval '30 s'`

// pending checks that the system has no more work: no request waits, every outbox is published, and every queue is empty.
func (a *Auditor) pending(ctx context.Context, i *Report) error {
	type tramite struct{ IDCompra, Tipo string }
	openTramites, err := rows[tramite](ctx, a.manager, `select id_compra, tipo from tramite where terminado_en is null
		union all select id_compra, 'decision not delivered' from decision where not delivered
		union all select distinct id_compra, 'historia not published' from historia where not published`)
	if err != nil {
		return err
	}
	for _, t := range openTramites {
		i.add(t.IDCompra, "still in progress: %s", t.Tipo)
	}
	var n int
	if err := a.ordenes.QueryRow(ctx, unpublished).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		i.add("", "ordenes has %d unpublished events", n)
	}
	if err := a.findings(ctx, i); err != nil {
		return err
	}
	topics, err := ask[[]string](ctx, a.admin+"/admin/v2/persistent/public/default")
	if err != nil {
		return err
	}
	for _, topic := range topics {
		shortName := topic[strings.LastIndex(topic, "/")+1:]
		e, err := ask[struct {
			Subscriptions map[string]struct {
				Backlog int  `json:"msgBacklog"`
				Durable bool `json:"isDurable"`
			} `json:"subscriptions"`
		}](ctx, a.admin+"/admin/v2/persistent/public/default/"+shortName+"/stats?getPreciseBacklog=true")
		if err != nil {
			return err
		}
		for who, s := range e.Subscriptions {
			if origin, deadLetters := strings.CutSuffix(shortName, "-dlq"); deadLetters {
				i.DeadLetters[origin] += s.Backlog
			} else if s.Durable && s.Backlog > 0 && shortName != discarded {
				i.add("", "%d messages of %s are not handled by %s", s.Backlog, shortName, who)
			}
		}
	}
	return nil
}

// discarded is the topic that keeps what an operator discarded. Nobody has to handle it.
const discarded = "mensajes-descartados"

// ReconcilerFound is the beginning of the text of a violation that a reconciler found. This package did not find it itself.
const ReconcilerFound = "the reconciler found: "

// findings checks that the reconcilers had nothing to repair, except stalled workflows. It counts the stalled workflows.
func (a *Auditor) findings(ctx context.Context, i *Report) error {
	type finding struct{ IDCompra, What, Estado, Done string }
	for _, database := range []*pgxpool.Pool{a.manager, a.productos} {
		matches, err := rows[finding](ctx, database, `select id_compra, what, estado, done from finding`)
		if err != nil {
			return err
		}
		for _, h := range matches {
			if h.Done == "replaced" {
				i.Replaced++
				continue
			}
			i.add(h.IDCompra, ReconcilerFound+"%s %s (%s)", h.What, h.Estado, h.Done)
		}
	}
	return nil
}

func ask[T any](ctx context.Context, address string) (T, error) {
	var v T
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return v, err
	}
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		return v, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return v, fmt.Errorf("GET %s: %s", address, r.Status)
	}
	return v, json.NewDecoder(r.Body).Decode(&v)
}

// event is the part of a record of eventos-compra that the audit needs.
type event struct {
	Data struct {
		IDCompra string `avro:"id_compra"`
		Numero   int    `avro:"numero"`
		Estado   string `avro:"estado"`
	} `avro:"data"`
}

// events checks that the newest event of each purchase on the topic has the state that the database has.
func (a *Auditor) events(ctx context.Context, i *Report, compras map[string]compra) error {
	latest := map[string]event{}
	err := a.walk(ctx, "eventos-compra", func(e event, _ time.Time) {
		i.Events++
		if e.Data.Numero >= latest[e.Data.IDCompra].Data.Numero {
			latest[e.Data.IDCompra] = e
		}
	})
	if err != nil {
		return err
	}
	for id, c := range compras {
		if u := latest[id].Data; u.Numero != c.Numero || u.Estado != c.Estado {
			i.add(id, "it is %s (%d), and eventos-compra says %s (%d)", c.Estado, c.Numero, u.Estado, u.Numero)
		}
	}
	for id := range latest {
		if _, found := compras[id]; !found {
			i.add(id, "it is on eventos-compra and does not exist")
		}
	}
	return nil
}

// walk calls visit for each record of a topic, from the first to the last. It decodes with the schema of the broker's registry.
func (a *Auditor) walk(ctx context.Context, topic string, visit func(e event, at time.Time)) error {
	r, err := ask[struct {
		Text string `json:"data"`
	}](ctx, a.admin+"/admin/v2/schemas/public/default/"+topic+"/schema")
	if err != nil {
		return err
	}
	schema, err := avro.ParseBytesWithCache([]byte(r.Text), "", &avro.SchemaCache{})
	if err != nil {
		return err
	}
	reader, err := a.broker.CreateReader(pulsar.ReaderOptions{Topic: "persistent://public/default/" + topic, StartMessageID: pulsar.EarliestMessageID()})
	if err != nil {
		return err
	}
	defer reader.Close()
	for reader.HasNext() {
		m, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		var e event
		if err := avro.Unmarshal(schema, m.Payload(), &e); err != nil {
			return fmt.Errorf("%s: %w", topic, err)
		}
		visit(e, m.PublishTime())
	}
	return nil
}
