package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
)

// mover changes the state and writes the history, or does nothing.
const mover = `
with movida as (
    update compra set estado = @a, numero = numero + 1, actualizada_en = clock_timestamp(),
        motivo = coalesce(nullif(@motivo, ''), motivo), id_orden = coalesce(nullif(@orden, ''), id_orden),
        faltantes = coalesce(@faltantes, faltantes)
    where id = @id and estado = any(@desde) and (not @si_no_cancelada or cancelacion_pedida is null)
    returning id, numero, vuelta
)
insert into historia (id_compra, numero, paso, tipo, detalle, vuelta)
select id, numero, @a, @tipo, @detalle, vuelta from movida
on conflict do nothing`

func encolarCambio(lote *pgx.Batch, k compras.Cambio, movida *bool) {
	var faltantes any
	if len(k.Faltantes) > 0 {
		faltantes = k.Faltantes
	}
	lote.Queue(mover, pgx.NamedArgs{
		"id": k.IDCompra, "a": k.A, "desde": k.Desde, "tipo": k.Tipo, "detalle": k.Detalle, "motivo": k.Motivo,
		"orden": k.IDOrden, "faltantes": faltantes, "si_no_cancelada": k.SiNoCancelada,
	}).Exec(func(hecho pgconn.CommandTag) error { *movida = hecho.RowsAffected() == 1; return nil })
}

// Mover makes the changes in order, each if it may be made, in one transaction, and gives the purchase as it stands then.
// movida tells whether any was made.
func (a *Almacen) Mover(ctx context.Context, cambios ...compras.Cambio) (c contracts.Compra, movida bool, err error) {
	var lote pgx.Batch
	hechos := make([]bool, len(cambios))
	for i, k := range cambios {
		encolarCambio(&lote, k, &hechos[i])
	}
	lote.Queue(vista+`where c.id = $1`, cambios[0].IDCompra).Query(unaCompra(&c))
	if err := a.pool.SendBatch(ctx, &lote).Close(); err != nil {
		return c, false, fmt.Errorf("pasar a %s: %w", cambios[0].A, err)
	}
	for _, hecho := range hechos {
		movida = movida || hecho
	}
	return c, movida, nil
}

// Plantear makes a change of state and records the question comando, in one transaction: the question is recorded when
// the purchase then is in one of en and (unless siempre) nobody asked to cancel. It is one round trip.
func (a *Almacen) Plantear(ctx context.Context, k compras.Cambio, comando contracts.Tipo, en []contracts.Estado, siempre bool) (compras.Planteada, error) {
	var p compras.Planteada
	var lote pgx.Batch
	encolarCambio(&lote, k, &p.Movida)
	lote.Queue(`
insert into paso (id_compra, comando)
select id, $2 from compra where id = $1 and estado = any($3) and ($4 or cancelacion_pedida is null)
on conflict do nothing`, k.IDCompra, comando, en, siempre)
	lote.Queue(leerPaso, k.IDCompra, comando).Query(unPaso(&p.Paso))
	lote.Queue(`select cancelacion_pedida is not null, coalesce(cancelacion_pedida, '') from compra where id = $1`, k.IDCompra).
		QueryRow(func(fila pgx.Row) error { return fila.Scan(&p.CancelacionPedida, &p.MotivoDeCancelacion) })
	lote.Queue(vista+`where c.id = $1`, k.IDCompra).Query(unaCompra(&p.Compra))
	if err := a.pool.SendBatch(ctx, &lote).Close(); err != nil {
		return p, fmt.Errorf("preguntar %s: %w", comando, err)
	}
	return p, nil
}

const leerPaso = `select preguntada_en, abandonada_en is not null, respuesta, datos from paso where id_compra = $1 and comando = $2`

func unPaso(p **compras.Paso) func(pgx.Rows) error {
	return func(filas pgx.Rows) error {
		leido, err := pgx.CollectExactlyOneRow(filas, func(fila pgx.CollectableRow) (compras.Paso, error) {
			var p compras.Paso
			var tipo *contracts.Tipo
			var datos []byte
			if err := fila.Scan(&p.PreguntadaEn, &p.Abandonada, &tipo, &datos); err != nil || tipo == nil {
				return p, err
			}
			p.Respuesta = &compras.Respuesta{}
			err := json.Unmarshal(datos, p.Respuesta)
			p.Respuesta.Tipo = *tipo
			return p, err
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		*p = &leido
		return err
	}
}

// LeerPaso gives a question and its reply; nil when it was never asked.
func (a *Almacen) LeerPaso(ctx context.Context, idCompra string, comando contracts.Tipo) (*compras.Paso, error) {
	filas, err := a.pool.Query(ctx, leerPaso, idCompra, comando)
	if err != nil {
		return nil, fmt.Errorf("leer el paso %s: %w", comando, err)
	}
	var p *compras.Paso
	return p, unPaso(&p)(filas)
}

// Abandonar ends the wait for a reply, unless it has come: then it is in the Paso that is returned.
func (a *Almacen) Abandonar(ctx context.Context, idCompra string, comando contracts.Tipo) (*compras.Paso, error) {
	_, err := a.pool.Exec(ctx, `update paso set abandonada_en = clock_timestamp()
where id_compra = $1 and comando = $2 and respuesta is null and abandonada_en is null`, idCompra, comando)
	if err != nil {
		return nil, fmt.Errorf("abandonar el paso %s: %w", comando, err)
	}
	return a.LeerPaso(ctx, idCompra, comando)
}

// Reopen puts the reply of a question among the late ones, so that the question is asked again and the next reply counts. It is a
// sign of life: a participant that refuses at once leaves the workflow no other.
func (a *Almacen) Reopen(ctx context.Context, idCompra string, comando contracts.Tipo) error {
	_, err := a.pool.Exec(ctx, `update paso set respuesta = null, datos = null, respondida_en = null, alive_at = clock_timestamp(),
    tardias = case when jsonb_array_length(tardias) < 10
        then tardias || jsonb_build_object('tipo', respuesta, 'datos', datos, 'en', respondida_en) else tardias end
where id_compra = $1 and comando = $2 and respuesta is not null`, idCompra, comando)
	if err != nil {
		return fmt.Errorf("reabrir el paso %s: %w", comando, err)
	}
	return nil
}

// anotar records the first reply in time; another reply of the question is kept beside it as late.
const anotar = `
with primera as (
    update paso set respuesta = $3, datos = $4, respondida_en = clock_timestamp()
    where id_compra = $1 and comando = $2 and respuesta is null and abandonada_en is null
    returning 'primera'
), tardia as (
    update paso set tardias = tardias || jsonb_build_object('tipo', $3::text, 'datos', $4::jsonb, 'en', clock_timestamp())
    where id_compra = $1 and comando = $2 and (respuesta <> $3 or (respuesta is null and abandonada_en is not null))
      and jsonb_array_length(tardias) < 10
    returning 'tardia'
)
select coalesce((select * from primera), (select * from tardia),
    (select 'repetida' from paso where id_compra = $1 and comando = $2), 'desconocida')`

// AnotarRespuesta records a reply to comando. Waking the waiter is a statement of its own, after the commit: a NOTIFY inside
// holds a cluster-wide lock over the fsync (docs/adr/a-step-asks-and-waits.md).
func (a *Almacen) AnotarRespuesta(ctx context.Context, idCompra string, comando contracts.Tipo, r compras.Respuesta) (compras.Anotada, error) {
	datos, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	var anotada compras.Anotada
	if err := a.pool.QueryRow(ctx, anotar, idCompra, comando, r.Tipo, datos).Scan(&anotada); err != nil {
		return "", fmt.Errorf("anotar %s: %w", r.Tipo, err)
	}
	if anotada == compras.Primera {
		if _, err := a.pool.Exec(ctx, `select pg_notify($1, $2)`, canalDeRespuestas, claveDePaso(idCompra, comando)); err != nil {
			return "", fmt.Errorf("avisar de %s: %w", r.Tipo, err)
		}
	}
	return anotada, nil
}

// AnotarHecho adds to the history something that is not a change of state, once.
func (a *Almacen) AnotarHecho(ctx context.Context, idCompra, paso string, tipo contracts.Tipo, detalle string) (contracts.Compra, error) {
	var c contracts.Compra
	var lote pgx.Batch
	// Two that note the same at once take turns: the second would not see the first's entry, and count without adding one.
	lote.Queue(`select from compra where id = $1 for no key update`, idCompra)
	lote.Queue(`
with movida as (
    update compra set numero = numero + 1, actualizada_en = clock_timestamp()
    where id = $1 and not exists (select from historia h where h.id_compra = $1 and h.paso = $2 and h.vuelta = compra.vuelta)
    returning id, numero, vuelta
)
insert into historia (id_compra, numero, paso, tipo, detalle, vuelta) select id, numero, $2, $3, $4, vuelta from movida
on conflict do nothing`, idCompra, paso, tipo, detalle)
	lote.Queue(vista+`where c.id = $1`, idCompra).Query(unaCompra(&c))
	if err := a.pool.SendBatch(ctx, &lote).Close(); err != nil {
		return c, fmt.Errorf("anotar %s: %w", paso, err)
	}
	return c, nil
}
