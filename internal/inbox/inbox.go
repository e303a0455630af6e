// Package inbox implements docs/adr/stored-replies.md: a participant changes something at most once for each command, and answers
// each copy of the command alike.
//
// Failure it prevents: the broker delivers a command again after a crash between commit and ack, and the stock is
// taken twice; or two replicas work on one purchase's command and its rollback at once, and leave half of each.
//
// The table is made by the migrations of the service that owns the database:
//
//	create table inbox (
//		id_compra   text not null,
//		tipo        text not null,
//		fingerprint text not null,
//		reply       jsonb not null,
//		received_at timestamptz not null default now(),
//		primary key (id_compra, tipo)
//	);
package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/internal/errs"
)

// Retention is how long a command's answer is kept. It outlives what any topic keeps, so a command that is older
// can only be one put back by hand: it is refused, since nobody knows any more whether it was done.
const Retention = 30 * 24 * time.Hour

// keptOn is how long an answer is kept once its command would be refused for its age.
const keptOn = 7 * 24 * time.Hour

// PurgeEvery is how often a replica deletes the answers and the counts of tries that have outlived their time.
const PurgeEvery = time.Hour

// Respuesta is a participant's answer to a command.
type Reply[R any] struct {
	Tipo contracts.MessageType `json:"tipo"`
	Data R                     `json:"data"`
}

// Comando identifies one command: a purchase gets each type once.
type Command struct {
	IDCompra    string
	Tipo        contracts.MessageType
	fingerprint string
}

// FromMessage is the key of m, which is about purchase idCompra. A message older than Retention is BadMessage.
func FromMessage[D any](m contracts.Message[D], idCompra string) (Command, error) {
	if said := time.UnixMilli(m.Time); time.Since(said) > Retention {
		return Command{}, errs.New(errs.BadMessage, "el comando es de %s: ya no se sabe si se cumplió", said.UTC().Format(time.DateOnly))
	}
	fingerprint, err := fingerprintOf(m.Data)
	return Command{IDCompra: idCompra, Tipo: m.Type, fingerprint: fingerprint}, err
}

// Handle gives the stored answer of c or, the first time, makes change's change and stores its answer, all in one
// transaction under the purchase's own lock. The same command with other data is BadMessage.
// An error of change changes and stores nothing: a refusal that is final is an answer, not an error.
func Handle[R any](ctx context.Context, pool *pgxpool.Pool, c Command, change func(tx pgx.Tx) (Reply[R], error)) (Reply[R], error) {
	var reply Reply[R]
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var found bool
		var err error
		if reply, found, err = search[R](ctx, tx, c, true); err != nil || found {
			return err
		}
		if reply, err = change(tx); err != nil {
			return err
		}
		text, err := json.Marshal(reply)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into inbox (id_compra, tipo, fingerprint, reply) values ($1, $2, $3, $4)`, c.IDCompra, c.Tipo, c.fingerprint, text)
		return err
	})
	return reply, err
}

// Saved gives the stored answer of c; hay is false where there is none. It takes no lock: what it finds is final, what it
// misses Handle finds.
func Saved[R any](ctx context.Context, pool *pgxpool.Pool, c Command) (r Reply[R], found bool, err error) {
	return search[R](ctx, pool, c, false)
}

// lock is the purchase's own lock: of two replicas with commands of one purchase, the second waits.
const lock = `select pg_advisory_xact_lock(hashtextextended($1, 0))`

type querier interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// search takes the purchase's lock and then looks, in one round trip. The look is a statement of its own and so sees
// what the former holder of the lock committed.
func search[R any](ctx context.Context, db querier, c Command, withLock bool) (r Reply[R], found bool, err error) {
	var batch pgx.Batch
	if withLock {
		batch.Queue(lock, c.IDCompra)
	}
	var fingerprint string
	var text []byte
	batch.Queue(`select fingerprint, reply from inbox where id_compra = $1 and tipo = $2`, c.IDCompra, c.Tipo).
		QueryRow(func(row pgx.Row) error { return row.Scan(&fingerprint, &text) })
	err = db.SendBatch(ctx, &batch).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, err
	}
	if fingerprint != c.fingerprint {
		return r, false, errs.New(errs.BadMessage, "ya hubo un %s de la compra %s con otro contenido", c.Tipo, c.IDCompra)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, false, fmt.Errorf("respuesta guardada: %w", err)
	}
	return r, true, nil
}

// Lock waits for the purchase's own lock and holds it until tx ends: for a change of a purchase that no command
// asks for. Handle takes the same one.
func Lock(ctx context.Context, tx pgx.Tx, idCompra string) error {
	_, err := tx.Exec(ctx, lock, idCompra)
	return err
}

// Purge forgets what can never be asked for again: answers that are a week older than any command which is still taken,
// and counts of tries to which nothing was added for a day. It does so a few at a time: no statement takes long.
func Purge(ctx context.Context, pool *pgxpool.Pool) error {
	const (
		answers = `delete from inbox where (id_compra, tipo) in (select id_compra, tipo from inbox where received_at < now() - $1::interval limit 5000)`
		tries   = `delete from attempt where record_id in (select record_id from attempt where last_at < now() - $1::interval limit 5000)`
	)
	if err := deleteAll(ctx, pool, answers, Retention+keptOn); err != nil {
		return fmt.Errorf("purgar respuestas: %w", err)
	}
	if err := deleteAll(ctx, pool, tries, attemptsRetention); err != nil {
		return fmt.Errorf("purgar intentos: %w", err)
	}
	return nil
}

func deleteAll(ctx context.Context, pool *pgxpool.Pool, some string, age time.Duration) error {
	for {
		done, err := pool.Exec(ctx, some, age)
		if err != nil || done.RowsAffected() == 0 {
			return err
		}
	}
}
