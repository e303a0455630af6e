package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/workflows/compra"
)

// Buscar gives the purchases that the filter picks, newest first, at most limite, those after antesDe. Where that purchase
// exists its own instant counts: the bff's read model, which gives cursors too, knows it to the millisecond only.
func (a *Almacen) Buscar(ctx context.Context, f contracts.FiltroCompras, antesDe contracts.Cursor, limite int) ([]contracts.Compra, error) {
	if f.IDUsuario != "" { // an index of its own: this is what customers ask
		filas, err := a.pool.Query(ctx, vista+`
where c.id_usuario = $1 and (c.creada_en, c.id) < (coalesce((select creada_en from compra where id = $3), $2), $3) and (cardinality($4::text[]) = 0 or c.estado = any($4))
  and ($5::boolean is null or c.domicilio = $5)
order by c.creada_en desc, c.id desc limit $6`, f.IDUsuario, antesDe.CreadaEn, antesDe.ID, estados(f.Estados), f.Domicilio, limite)
		if err != nil {
			return nil, fmt.Errorf("listar compras: %w", err)
		}
		return pgx.CollectRows(filas, leerVista)
	}
	filas, err := a.pool.Query(ctx, vista+`
where (c.creada_en, c.id) < (coalesce((select creada_en from compra where id = $2), $1), $2) and (cardinality($3::text[]) = 0 or c.estado = any($3))
  and ($4::boolean is null or c.domicilio = $4)
order by c.creada_en desc, c.id desc limit $5`, antesDe.CreadaEn, antesDe.ID, estados(f.Estados), f.Domicilio, limite)
	if err != nil {
		return nil, fmt.Errorf("buscar compras: %w", err)
	}
	return pgx.CollectRows(filas, leerVista)
}

// estados is never null, which would be an array of unknown length to the queries.
func estados(lista []contracts.Estado) []string {
	textos := make([]string, len(lista))
	for i, e := range lista {
		textos[i] = string(e)
	}
	return textos
}

// Resumen tells how many purchases are in each state, and how fast those were that were confirmed within ventana.
func (a *Almacen) Resumen(ctx context.Context, ventana time.Duration) (contracts.Resumen, error) {
	r := contracts.Resumen{Estados: map[contracts.Estado]int{}, VentanaS: int(ventana.Seconds())}
	var lote pgx.Batch
	lote.Queue(`select estado, count(*) from compra group by estado`).Query(func(filas pgx.Rows) error {
		var estado contracts.Estado
		var n int
		_, err := pgx.ForEachRow(filas, []any{&estado, &n}, func() error { r.Estados[estado] = n; return nil })
		return err
	})
	lote.Queue(`select count(*) from compra where creada_en > clock_timestamp() - $1::interval`, ventana).
		QueryRow(func(fila pgx.Row) error { return fila.Scan(&r.Recibidas) })
	lote.Queue(`
with tardaron as (
    select extract(epoch from h.en - c.creada_en) * 1000 as ms
    from historia h join compra c on c.id = h.id_compra
    where h.paso = 'CONFIRMADA' and h.en > clock_timestamp() - $1::interval
)
select count(*), percentile_cont(0.5) within group (order by ms), percentile_cont(0.95) within group (order by ms),
       percentile_cont(0.99) within group (order by ms) from tardaron`, ventana).
		QueryRow(func(fila pgx.Row) error { return fila.Scan(&r.Confirmadas, &r.P50, &r.P95, &r.P99) })
	if err := a.pool.SendBatch(ctx, &lote).Close(); err != nil {
		return r, fmt.Errorf("resumir: %w", err)
	}
	r.PorSegundo = float64(r.Confirmadas) / ventana.Seconds()
	return r, nil
}

// Mensajes gives every command that the saga sent for a purchase, with its replies, in the order of asking. NoEncontrado
// where there is no such purchase.
func (a *Almacen) Mensajes(ctx context.Context, idCompra string) ([]contracts.MensajeDeSaga, error) {
	if _, err := a.Leer(ctx, idCompra); err != nil {
		return nil, err
	}
	filas, err := a.pool.Query(ctx, `
select comando, preguntada_en, abandonada_en, coalesce(respuesta, ''), coalesce(datos->>'motivo', ''), respondida_en, tardias
from paso where id_compra = $1 order by preguntada_en, comando`, idCompra)
	if err != nil {
		return nil, fmt.Errorf("mensajes de la compra: %w", err)
	}
	return pgx.CollectRows(filas, func(fila pgx.CollectableRow) (contracts.MensajeDeSaga, error) {
		m := contracts.MensajeDeSaga{}
		var tardias []byte
		if err := fila.Scan(&m.Comando, &m.PreguntadaEn, &m.AbandonadaEn, &m.Respuesta, &m.Motivo, &m.RespondidaEn, &tardias); err != nil {
			return m, err
		}
		return m, json.Unmarshal(tardias, &m.Tardias)
	})
}

const reintentar = `
with retomada as (
    update compra set estado = 'COMPENSANDO', vuelta = vuelta + 1, numero = numero + 1, actualizada_en = clock_timestamp(), replacement_asked = true
    where id = $1 and estado = 'FALLIDA' returning id, numero, vuelta
)
insert into historia (id_compra, numero, paso, tipo, detalle, vuelta)
select id, numero, 'COMPENSANDO', 'Reintento', 'Se intenta de nuevo deshacerla.', vuelta from retomada`

// manualQuiet is how long a purchase must show no sign of life before an operator may have its workflow replaced.
const manualQuiet = compra.LongestSleep

// Reintentar has the reconciler take up a purchase that does not go on: a FALLIDA is COMPENSANDO again, and the workflow of one
// that stands still is replaced. approval is how long an approval may take. Errors: NoEncontrado; Conflicto where the purchase
// is at an end, awaits a decision, or goes on.
func (a *Almacen) Reintentar(ctx context.Context, idCompra string, approval time.Duration) (contracts.Compra, error) {
	var c contracts.Compra
	var taken bool
	count := func(done pgconn.CommandTag) error { taken = taken || done.RowsAffected() > 0; return nil }
	var lote pgx.Batch
	lote.Queue(`
update compra set replacement_asked = true
where id = @id and estado <> 'RECIBIDA' and exists (select from (`+stalled+`) s)`, stalledArgs(manualQuiet, approval, &idCompra, 1)).Exec(count)
	lote.Queue(reintentar, idCompra).Exec(count)
	lote.Queue(vista+`where c.id = $1`, idCompra).Query(unaCompra(&c))
	switch err := a.pool.SendBatch(ctx, &lote).Close(); {
	case errors.Is(err, pgx.ErrNoRows):
		return c, errores.Nuevo(errores.NoEncontrado, "No existe la compra %s.", idCompra)
	case err != nil:
		return c, fmt.Errorf("reintentar: %w", err)
	case !taken:
		return c, errores.Nuevo(errores.Conflicto, "La compra está %s y no está detenida: no hay nada que reintentar.", c.Estado)
	}
	return c, nil
}
