// Command retention shows what grows: it makes purchases, prints the size of each store before and after them, lets everything outlive its
// retention, and prints the sizes again. It ends with an error when something that has a limit is still there (docs/retention.md).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/tests/auditor"
	"entregas/tests/client"
	"entregas/tests/scenarios/common"
)

func main() {
	compras := flag.Int("compras", 1000, "purchases")
	atOnce := flag.Int("at-once", 16, "purchases that are sent at the same time")
	kept := flag.Duration("workflows", 10*time.Minute, "how long the engine keeps a workflow that has ended")
	observe := flag.Bool("observe", false, "with make observe on")
	flag.Parse()
	common.Run("retention", []string{"WORKFLOW_RETENTION=" + kept.String(), "CLEANUP_INTERVAL=30s"}, func(ctx context.Context, e *common.Scenario) error {
		if *observe {
			if err := e.Local.Run(ctx, "observe"); err != nil {
				return err
			}
		}
		return measure(ctx, e, *compras, *atOnce)
	})
}

func measure(ctx context.Context, e *common.Scenario, compras, atOnce int) error {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer receiver.Close()
	if _, err := e.BFF.Request(ctx, http.MethodPost, "/avisos/direcciones", contracts.NuevaDireccion{URL: receiver.URL}); err != nil {
		return err
	}
	empty, err := sizes(ctx, e)
	if err != nil {
		return err
	}
	ids, err := buyAndDispatch(ctx, e, compras, atOnce)
	if err != nil {
		return err
	}
	if err := e.Audit(ctx, ids, auditor.ReconcilerFound); err != nil { // also: everything is published and read
		return err
	}
	if err := delivered(ctx, e); err != nil {
		return err
	}
	full, err := sizes(ctx, e)
	if err != nil {
		return err
	}
	if err := outlive(ctx, e); err != nil {
		return err
	}
	after, err := settled(ctx, e)
	if err != nil {
		return err
	}
	return compare(empty, full, after, compras)
}

// batch is how many purchases buyAndDispatch makes before it has their orders dispatched.
const batch = 500

// buyAndDispatch makes purchases, has their orders dispatched and waits for their ends, batch after batch. After each batch it prints
// how long the batch took and what the engine holds: workflows end and go while others begin.
func buyAndDispatch(ctx context.Context, e *common.Scenario, compras, atOnce int) ([]string, error) {
	var all []string
	fmt.Println("| purchases | s to CONFIRMADA | s to DESPACHADA | rows of the engine | MB |\n|---:|---:|---:|---:|---:|")
	for len(all) < compras {
		start := time.Now()
		ids, err := e.Comprar(ctx, "r", min(batch, compras-len(all)), atOnce, true)
		if err != nil {
			return nil, err
		}
		if err := e.Until(ctx, 5*time.Minute, ids, len(ids), contracts.EstadoConfirmada); err != nil {
			return nil, err
		}
		confirmed := time.Since(start)
		if err := dispatch(ctx, e, ids, atOnce); err != nil {
			return nil, err
		}
		dispatched := time.Since(start) - confirmed
		stores, err := sizes(ctx, e)
		if err != nil {
			return nil, err
		}
		engine := stores[slices.IndexFunc(stores, func(s store) bool { return s.Store == "dapr.state" })]
		all = append(all, ids...)
		fmt.Printf("| %d | %.1f | %.1f | %d | %d |\n", len(all), confirmed.Seconds(), dispatched.Seconds(), engine.Count, engine.Bytes>>20)
	}
	return all, nil
}

// dispatch has all orders dispatched, and waits for the end of their purchases.
func dispatch(ctx context.Context, e *common.Scenario, ids []string, atOnce int) error {
	type row struct {
		ID string `db:"id_orden"`
	}
	ordenes, err := client.Rows[row](ctx, e.Manager, `select id_orden from compra where id = any($1)`, ids)
	if err != nil {
		return err
	}
	work, failures := make(chan string), make([]error, atOnce)
	var group sync.WaitGroup
	for i := range atOnce {
		group.Go(func() {
			for id := range work {
				for limit := time.Now().Add(30 * time.Second); ; {
					_, err := e.BFF.Despachar(ctx, id)
					var p *client.Problem
					if err == nil || !errors.As(err, &p) || p.Status < http.StatusInternalServerError || time.Now().After(limit) {
						failures[i] = errors.Join(failures[i], err)
						break
					}
				}
			}
		})
	}
	for _, o := range ordenes {
		work <- o.ID
	}
	close(work)
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return e.Until(ctx, 5*time.Minute, ids, len(ids), contracts.EstadoDespachada)
}

// delivered waits until avisos has no delivery to do: one that ends later has its retention still before it.
func delivered(ctx context.Context, e *common.Scenario) error {
	dsn, err := e.Local.Output(ctx, "dsn", "avisos")
	if err != nil {
		return err
	}
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	for {
		var waiting int
		if err := c.QueryRow(ctx, `select count(*) from entrega where estado = 'PENDIENTE'`).Scan(&waiting); err != nil || waiting == 0 {
			return err
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// store is a line of `local sizes`.
type store struct {
	Store        string
	Count, Bytes int64
}

func sizes(ctx context.Context, e *common.Scenario) ([]store, error) {
	text, err := e.Local.Output(ctx, "sizes", "--json")
	if err != nil {
		return nil, err
	}
	var all []store
	return all, json.Unmarshal([]byte(text), &all)
}

// aged are the statements that make what is in the databases older than its retention.
var aged = map[string][]string{
	"gestor_compra": {`update paso set preguntada_en = preguntada_en - interval '91 days'`, `update finding set found_at = found_at - interval '91 days'`},
	"productos":     {`update inbox set received_at = received_at - interval '38 days'`, `update attempt set last_at = last_at - interval '2 days'`},
	"ordenes":       {`update inbox set received_at = received_at - interval '38 days'`, `update attempt set last_at = last_at - interval '2 days'`},
	"avisos":        {`update entrega set actualizada_en = actualizada_en - interval '31 days'`},
	"bff":           {`update state set expires_at = now()`},
	"dapr":          {`update state set expires_at = now() where expires_at is not null`},
}

// outlive makes everything older than its retention, has it purged, and gives the space back. The workflows outlive theirs by themselves.
func outlive(ctx context.Context, e *common.Scenario) error {
	if err := inDatabases(ctx, e, func(c *pgx.Conn, name string) error {
		for _, statement := range aged[name] {
			if _, err := c.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, s := range []string{"gestor-compra", "admin-productos", "ordenes", "avisos"} { // each purges when it starts
		if err := e.Local.Run(ctx, "restart", s); err != nil {
			return err
		}
	}
	return forgetTopics(ctx, e)
}

func inDatabases(ctx context.Context, e *common.Scenario, do func(c *pgx.Conn, name string) error) error {
	for name := range aged {
		dsn, err := e.Local.Output(ctx, "dsn", name)
		if err != nil {
			return err
		}
		c, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		err = do(c, name)
		if err = errors.Join(err, c.Close(ctx)); err != nil {
			return fmt.Errorf("database %s: %w", name, err)
		}
	}
	return nil
}

// forgetTopics has the broker delete the messages that all readers have acknowledged, as it does after their retention.
func forgetTopics(ctx context.Context, e *common.Scenario) error {
	admin := strings.TrimSuffix(e.Env.PulsarAdmin, "/") + "/admin/v2/"
	if err := post(ctx, http.MethodPost, admin+"namespaces/public/default/retention", `{"retentionTimeInMinutes": 0, "retentionSizeInMB": 0}`); err != nil {
		return err
	}
	for _, topic := range contracts.Names() {
		for _, step := range [][2]string{{http.MethodPut, "/unload"}, {http.MethodPost, "/trim"}} {
			if err := post(ctx, step[0], admin+"persistent/public/default/"+topic+step[1], ""); err != nil {
				return err
			}
		}
	}
	return nil
}

func post(ctx context.Context, method, url, body string) error {
	for limit := time.Now().Add(time.Minute); ; time.Sleep(time.Second) { // a topic that was unloaded is away for a moment
		request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request) // #nosec G704 -- the broker of this instance
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode/100 == 2 {
				return nil
			}
			err = fmt.Errorf("%s %s: %s", method, url, response.Status)
		}
		if time.Now().After(limit) {
			return err
		}
	}
}

// ends are the stores that must be empty after the retention.
var ends = []string{"gestor_compra.paso", "productos.inbox", "ordenes.inbox", "ordenes.outbox", "avisos.entrega", "dapr.state", "bff.state"}

// settled waits until what has a limit is gone, gives the space of the databases back, and returns the sizes.
func settled(ctx context.Context, e *common.Scenario) ([]store, error) {
	begun := time.Now()
	for {
		all, err := sizes(ctx, e)
		if err != nil {
			return nil, err
		}
		var left []string
		for _, s := range all {
			for _, name := range ends {
				// A store of Dapr keeps counts of today, such as that of a message that is tried again.
				if s.Store == name && s.Count > 20 {
					left = append(left, fmt.Sprintf("%s %d", s.Store, s.Count))
				}
			}
		}
		if len(left) == 0 {
			e.Say("what has a limit is gone after %.0f s", time.Since(begun).Seconds())
			break
		}
		if time.Since(begun) > 2*time.Hour {
			return nil, fmt.Errorf("still there: %v", left)
		}
		if err := sleep(ctx, 5*time.Second); err != nil {
			return nil, err
		}
	}
	if err := inDatabases(ctx, e, func(c *pgx.Conn, _ string) error {
		_, err := c.Exec(ctx, "vacuum full")
		return err
	}); err != nil {
		return nil, err
	}
	return sizes(ctx, e)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// compare prints a table of the sizes, without the stores that the purchases did not touch.
func compare(empty, full, after []store, compras int) error {
	byName := func(all []store) map[string]store {
		m := map[string]store{}
		for _, s := range all {
			m[s.Store] = s
		}
		return m
	}
	before, later := byName(empty), byName(after)
	fmt.Printf("\n| store | rows or waiting messages: at the start, after %d purchases, after the retention | KB: at the start | after the purchases | after the retention | KB that stay of 1,000 purchases |\n|---|---:|---:|---:|---:|---:|\n", compras)
	kb := func(s store) int64 { return (s.Bytes + 1023) / 1024 }
	for _, s := range full {
		b, l := before[s.Store], later[s.Store]
		if kb(s) == kb(b) && s.Count == b.Count {
			continue
		}
		counts, stay := "-", "-"
		if s.Count >= 0 {
			counts = fmt.Sprintf("%d, %d, %d", b.Count, s.Count, l.Count)
		}
		if strings.Contains(s.Store, ".") { // a table
			stay = fmt.Sprint(max(0, kb(l)-kb(b)) * 1000 / int64(compras))
		}
		fmt.Printf("| %s | %s | %d | %d | %d | %s |\n", s.Store, counts, kb(b), kb(s), kb(l), stay)
	}
	return nil
}
