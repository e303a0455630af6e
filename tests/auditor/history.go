package auditor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// accounts are the queries for everything that the databases hold about a purchase. Each row is one line of text.
var accounts = []struct{ title, database, query string }{
	{"compra", "gestor", `select row_to_json(c)::text from compra c where id = $1`},
	{"historia", "gestor", `select row_to_json(h)::text from (select numero, en, paso, tipo, detalle, published from historia where id_compra = $1 order by numero) h`},
	{"paso", "gestor", `select row_to_json(p)::text from paso p where id_compra = $1 order by preguntada_en`},
	{"decision", "gestor", `select row_to_json(d)::text from decision d where id_compra = $1`},
	{"tramite", "gestor", `select row_to_json(t)::text from tramite t where id_compra = $1`},
	{"finding", "gestor", `select row_to_json(h)::text from finding h where id_compra = $1`},
	{"finding of admin-productos", "productos", `select row_to_json(h)::text from finding h where id_compra = $1`},
	{"reserva", "productos", `select row_to_json(r)::text from reserva r where id_compra = $1`},
	{"movimiento", "productos", `select row_to_json(m)::text from movimiento m where id_compra = $1 order by id`},
	{"inbox of admin-productos", "productos", `select row_to_json(i)::text from inbox i where id_compra = $1 order by received_at`},
	{"orden", "ordenes", `select row_to_json(o)::text from orden o where id_compra = $1`},
	{"inbox of ordenes", "ordenes", `select row_to_json(i)::text from inbox i where id_compra = $1 order by received_at`},
	{"outbox of ordenes", "ordenes", `select row_to_json(x)::text from outbox x where id_compra = $1 order by id`},
}

// Story returns everything that the databases and the topic eventos-compra hold about a purchase, for the search for the cause of an
// error.
func (a *Auditor) Story(ctx context.Context, id string) string {
	var t strings.Builder
	fmt.Fprintf(&t, "—— purchase %s ——\n", id)
	databases := map[string]*pgxpool.Pool{"gestor": a.manager, "productos": a.productos, "ordenes": a.ordenes}
	type line struct{ Text string }
	for _, r := range accounts {
		lines, err := rows[line](ctx, databases[r.database], r.query, id)
		if err != nil {
			fmt.Fprintf(&t, "%s: %v\n", r.title, err)
		}
		for _, l := range lines {
			fmt.Fprintf(&t, "%s: %s\n", r.title, l.Text)
		}
	}
	err := a.walk(ctx, "eventos-compra", func(e event, at time.Time) {
		if e.Data.IDCompra == id {
			fmt.Fprintf(&t, "eventos-compra: %s number %d %s\n", at.UTC().Format(time.RFC3339Nano), e.Data.Numero, e.Data.Estado)
		}
	})
	if err != nil {
		fmt.Fprintf(&t, "eventos-compra: %v\n", err)
	}
	return t.String()
}
