package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/services/avisos/avisos"
)

// claim finds the rows to change by an array of ids: the planner cannot know how few rows a limit with a parameter leaves, and would read all
// deliveries to join them.
const claim = `with due as (
		select e.id from direccion d
		left join unnest($1::uuid[], $2::int[]) as held (id, n) on held.id = d.id
		cross join lateral (
			select id from entrega where id_direccion = d.id and estado = 'PENDIENTE' and proximo_en <= now()
			order by proximo_en limit greatest($3 - coalesce(held.n, 0), 0) for update skip locked) e
		where d.activa)
	update entrega e set intentos = e.intentos + 1, proximo_en = now() + $4::interval
	from direccion d where e.id = any (array(select id from due)) and d.id = e.id_direccion
	returning e.id::text, e.id_direccion::text, d.url,
		case when d.anterior_hasta > now() and d.secreto_anterior <> '' then array[d.secreto, d.secreto_anterior] else array[d.secreto] end as secretos,
		e.evento, e.tipo, e.id_compra, e.cuerpo, e.intentos, e.traza, e.traza_de_repeticion as repeticion`

// Claim takes the deliveries that are due, at most most of one address; busy has how many of an address this replica holds already.
// It counts the try at once, so that a delivery that ends its process is not tried for ever. Until lease is over, no other replica
// takes the same delivery.
func (s *Store) Claim(ctx context.Context, busy map[string]int, most int, lease time.Duration) ([]avisos.Envio, error) {
	ids, counts := make([]string, 0, len(busy)), make([]int, 0, len(busy))
	for id, n := range busy {
		ids, counts = append(ids, id), append(counts, n)
	}
	found, err := s.pool.Query(ctx, claim, ids, counts, most, lease)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByName[avisos.Envio])
}

// Finish stores the result of a try, and pauses the address where v says so. It changes nothing if another replica has taken the
// delivery meanwhile, or an operator sent it again.
func (s *Store) Finish(ctx context.Context, e avisos.Envio, a avisos.Answer, v avisos.Verdict) error {
	const (
		finish = `update entrega set estado = $3, codigo_http = $4, error = $5, proximo_en = now() + $6::interval, actualizada_en = now()
			where id = $1 and intentos = $2 and estado = 'PENDIENTE'`
		pause = `update direccion set activa = false, motivo = $2, actualizada_en = now() where id = $1 and activa`
	)
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, finish, e.ID, e.Intentos, v.Estado, a.Codigo, a.Error, v.After); err != nil || !v.Pause {
			return err
		}
		_, err := tx.Exec(ctx, pause, e.IDDireccion, v.Motivo)
		return err
	})
}

// GiveBack makes a delivery due again as if it had not been tried: the program stops in the middle of the try.
func (s *Store) GiveBack(ctx context.Context, e avisos.Envio) error {
	_, err := s.pool.Exec(ctx, `update entrega set intentos = intentos - 1, proximo_en = now() where id = $1 and intentos = $2 and estado = 'PENDIENTE'`, e.ID, e.Intentos)
	return err
}
