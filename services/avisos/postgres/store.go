// Package postgres stores the addresses, the deliveries and the wishes of customers. Each method is one transaction. Package avisos has the rules.
package postgres

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/internal/database"
	"entregas/internal/inbox"
	"entregas/services/avisos/avisos"
)

// Migrations has the goose files of database avisos.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Store reads and changes database avisos.
type Store struct{ pool *pgxpool.Pool }

// New returns a Store on the migrated database of pool.
func New(pool *pgxpool.Pool) *Store { return &Store{pool} }

// retention is how long a delivery is kept that is done or given up, and a wish that is fulfilled. An event that happened longer ago makes no delivery, since
// nobody would know whether it was made before.
const retention = contracts.Retention

// patience is how long a wish waits for its product; then it ends. It is personal data of which the customer may not think any more.
const patience = 180 * 24 * time.Hour

// PurgeEvery is how often a replica deletes the deliveries that are past their retention, and those of deleted addresses.
const PurgeEvery = 10 * time.Minute

// Purge deletes the deliveries, the mails and the fulfilled wishes that are past their retention, the wishes that waited too long, the deliveries of deleted
// addresses, and then these addresses, and the counts of tries of messages. Each statement deletes a limited number of rows, so that none runs
// long.
func (s *Store) Purge(ctx context.Context) error {
	for _, step := range []struct {
		statement string
		args      []any
	}{
		{`delete from entrega where id in (select id from entrega where estado <> 'PENDIENTE' and actualizada_en < now() - $1::interval limit 5000)`, []any{retention}},
		{`delete from entrega where id in (select e.id from entrega e join direccion d on d.id = e.id_direccion where d.borrada_en is not null limit 5000)`, nil},
		{`delete from deseo where ctid in (select ctid from deseo where avisado_en < now() - $1::interval limit 5000)`, []any{retention}},
		{`delete from deseo where ctid in (select ctid from deseo where avisado_en is null and pedido_en < now() - $1::interval limit 5000)`, []any{patience}},
		{`delete from correo where id in (select id from correo where creado_en < now() - $1::interval limit 5000)`, []any{retention}},
		{`delete from direccion where borrada_en is not null and not exists (select from entrega where id_direccion = direccion.id)`, nil},
	} {
		if err := database.DeleteAll(ctx, s.pool, step.statement, step.args...); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	return inbox.PurgeAttempts(ctx, s.pool)
}

// Expire gives up the deliveries of paused addresses that no try and no operator touched for period. Otherwise they would wait for ever, since
// nobody tries them.
func (s *Store) Expire(ctx context.Context, period time.Duration) error {
	const expire = `update entrega set estado = 'MUERTA', error = $2, actualizada_en = now() where id in (
		select e.id from direccion d join entrega e on e.id_direccion = d.id
		where not d.activa and d.borrada_en is null and e.estado = 'PENDIENTE' and e.actualizada_en < now() - $1::interval limit 5000 for update of e skip locked)`
	for {
		done, err := s.pool.Exec(ctx, expire, period, avisos.PausedTooLong)
		if err != nil || done.RowsAffected() == 0 {
			return err
		}
	}
}

// PauseOverfull pauses each address with more than most deliveries to make.
func (s *Store) PauseOverfull(ctx context.Context, most int) error {
	const pause = `update direccion set activa = false, motivo = $2, actualizada_en = now() where activa
		and (select count(*) from (select from entrega where id_direccion = direccion.id and estado = 'PENDIENTE' limit $1 + 1) waiting) > $1`
	_, err := s.pool.Exec(ctx, pause, most, avisos.TooManyPendientes)
	return err
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// entregas selects deliveries by webhook as a contracts.EntregaDeAviso, and correos the mails. Both have a condition to which others can be added.
const (
	entregas = `select e.id::text, 'WEBHOOK' as canal, e.id_direccion::text, d.url, e.evento, e.tipo, e.id_compra, e.estado, e.intentos, e.codigo_http, e.error,
		case when e.estado = 'PENDIENTE' and d.activa then e.proximo_en end as proximo_en, e.creada_en, e.actualizada_en
		from entrega e join direccion d on d.id = e.id_direccion where d.borrada_en is null`
	correos = `select m.id::text, 'CORREO' as canal, '' as id_direccion, '' as url, m.evento, m.tipo, m.id_compra, m.estado, m.intentos, 0 as codigo_http, m.error,
		case when m.estado = 'PENDIENTE' then m.proximo_en end as proximo_en, m.creado_en as creada_en, m.actualizado_en as actualizada_en
		from correo m where true`
)

func collectEntregas(ctx context.Context, db querier, sql string, args ...any) ([]contracts.EntregaDeAviso, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[contracts.EntregaDeAviso])
}
