// Package audit stores and lists the acts of persons in the database of the service that owns what was changed
// (docs/adr/who-did-it.md). An act is stored in the transaction of the change.
//
// The migrations of the service create the table:
//
//	create table acto (
//		id        uuid primary key, -- UUIDv7
//		tipo      text not null,
//		sujeto    text not null, -- empty where nobody named the person
//		rol       text not null,
//		objeto    text not null,
//		id_compra text not null default '',
//		motivo    text not null default '',
//		detalle   text not null default '',
//		texto     text not null default '',
//		valores   jsonb not null default '[]',
//		en        timestamptz not null default date_trunc('milliseconds', clock_timestamp()) -- as exact as a cursor
//	);
//	create index acto_by_en on acto (en desc, id desc);
//	create index acto_by_sujeto on acto (sujeto, en desc, id desc);
//	create index acto_by_objeto on acto (objeto);
//	create index acto_by_compra on acto (id_compra) where id_compra <> '';
package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
	"entregas/internal/actor"
)

// Executor is a transaction.
type Executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Record stores an act of the person who acts in ctx. It fills ID, Sujeto, Rol and En. The transaction tx must be that of the change, so
// that each change has its act and each act its change.
func Record(ctx context.Context, tx Executor, a contracts.Acto) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	who := actor.Of(ctx)
	_, err = tx.Exec(ctx, `insert into acto (id, tipo, sujeto, rol, objeto, id_compra, motivo, detalle, texto, valores) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce(nullif($10::jsonb, 'null'), '[]'))`,
		id.String(), a.Tipo, who.Sujeto, who.Rol, a.Objeto, a.IDCompra, a.Motivo, a.Detalle, a.Texto, a.Valores)
	if err != nil {
		return fmt.Errorf("record the act: %w", err)
	}
	return nil
}

// Querier is a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// The conditions of a list. Each stands in a statement only where it selects something, so that an index answers it: with `or` in its place
// a list of one object reads all acts. For the same reason the acts of an object and of a purchase are asked for apart.
const (
	list     = `select id::text, tipo, sujeto, rol, objeto, id_compra, motivo, detalle, texto, valores, en from acto where (en, id) < (@before, @id) and en >= @desde`
	ofSujeto = ` and sujeto = @sujeto`
	ofTipos  = ` and tipo = any(@tipos)`
	ofObject = ` and id in (select id from acto where objeto = @object union all select id from acto where id_compra = @object)`
	newest   = ` order by en desc, acto.id desc limit @limit`
)

// latest is later than every act.
var latest = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// List returns at most limit acts that f selects and that come after the cursor, newest first.
func List(ctx context.Context, db Querier, f contracts.ActosFilter, after contracts.Cursor, limit int) ([]contracts.Acto, error) {
	before, id := after.CreadaEn, after.ID
	if after == (contracts.Cursor{}) {
		before, id = latest, uuid.Max.String()
	}
	if !f.Hasta.IsZero() && f.Hasta.Compare(before) <= 0 { // no id is less than uuid.Nil, so an act at Hasta itself is not selected
		before, id = f.Hasta, uuid.Nil.String()
	}
	statement, args := list, pgx.NamedArgs{"before": before, "id": id, "desde": f.Desde, "limit": limit}
	add := func(selects bool, condition, name string, value any) {
		if selects {
			statement, args[name] = statement+condition, value
		}
	}
	add(f.Sujeto != "", ofSujeto, "sujeto", f.Sujeto)
	add(len(f.Tipos) > 0, ofTipos, "tipos", f.Tipos)
	add(f.ID != "", ofObject, "object", f.ID)
	rows, err := db.Query(ctx, statement+newest, args)
	if err != nil {
		return nil, fmt.Errorf("list the acts: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[contracts.Acto])
	if err != nil {
		return nil, fmt.Errorf("list the acts: %w", err)
	}
	return found, nil
}
