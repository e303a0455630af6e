// Package inbox implements docs/adr/stored-replies.md: a participant carries out each command at most once, and sends the same
// reply to every copy of the command.
//
// It prevents two failures. After a crash between commit and acknowledgement the broker delivers a command again, and the
// units would be taken twice. Two replicas that handle a command and its rollback at once would each do half of their work.
//
// Why not a library: the known libraries skip a duplicate. A participant must answer a duplicate, and store the reply in the
// same transaction as its change.
//
// The migrations of the service that owns the database create the table:
//
//	create table inbox (
//		id_compra   text not null,
//		tipo        text not null,
//		fingerprint text not null,  -- of the compared fields of the data
//		reply       jsonb not null, -- {"tipo": ..., "data": {...}}: the message that answers, with each field of its record
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
	"entregas/internal/database"
	"entregas/internal/errs"
)

// Retention is the age from which a command is refused. No topic keeps messages that long, so an older command was put back
// by an operator. Its reply may be gone, so whether it was carried out is unknown.
const Retention = contracts.MaxCommandAge

// keptOn is how much longer than Retention a reply is kept.
const keptOn = 7 * 24 * time.Hour

// Kept is the age from which a reply is deleted. A row that answers a repeated request is kept as long.
const Kept = Retention + keptOn

// PurgeEvery is how often a replica deletes the replies and the counts of attempts that are past their retention.
const PurgeEvery = time.Hour

// Reply is the reply of a participant to a command: the type and the data of its message.
type Reply[R any] struct {
	Tipo contracts.MessageType `json:"tipo"`
	Data R                     `json:"data"`
}

// Command identifies a command by its purchase and its type, since a purchase gets each type once.
type Command struct {
	IDCompra    string
	Tipo        contracts.MessageType
	fingerprint string
	former      string // the fingerprint that an earlier release stored for the same data
}

// FromMessage returns the command in m, which is about purchase idCompra. A message older than Retention is BadMessage.
func FromMessage[D any](m contracts.Message[D], idCompra string) (Command, error) {
	if err := CheckAge(m); err != nil {
		return Command{}, err
	}
	fingerprint, former, err := fingerprintOf(m.Data, contracts.TopicOf(m.Type).Compared)
	return Command{IDCompra: idCompra, Tipo: m.Type, fingerprint: fingerprint, former: former}, err
}

// CheckAge returns BadMessage for a message older than Retention. It is for each handler that depends on a row that is kept until Kept.
func CheckAge[D any](m contracts.Message[D]) error {
	if sent := time.UnixMilli(m.Time); time.Since(sent) > Retention {
		return errs.New(errs.BadMessage, "el comando es de %s: ya no se sabe si se cumplió", sent.UTC().Format(time.DateOnly))
	}
	return nil
}

// Handle returns the stored reply to c. When there is none, it calls change and stores its reply. Both happen in one
// transaction, which holds the lock of the purchase. The same command with other data is BadMessage. An error of change rolls
// the transaction back: change returns a final refusal as a reply, not as an error.
func Handle[R any](ctx context.Context, pool *pgxpool.Pool, c Command, change func(tx pgx.Tx) (Reply[R], error)) (Reply[R], error) {
	var reply Reply[R]
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var found bool
		var err error
		if reply, found, err = find[R](ctx, tx, c, true); err != nil || found {
			return err
		}
		if reply, err = change(tx); err != nil {
			return err
		}
		contracts.FillLists(&reply.Data)
		text, err := json.Marshal(reply)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into inbox (id_compra, tipo, fingerprint, reply) values ($1, $2, $3, $4)`, c.IDCompra, c.Tipo, c.fingerprint, text)
		return err
	})
	return reply, err
}

// Saved returns the stored reply to c; found is false when there is none. It takes no lock, so it may miss a reply that
// another replica is about to store.
func Saved[R any](ctx context.Context, pool *pgxpool.Pool, c Command) (r Reply[R], found bool, err error) {
	return find[R](ctx, pool, c, false)
}

// lock takes the lock of a purchase. Of two replicas with commands of one purchase, the second waits.
const lock = `select pg_advisory_xact_lock(hashtextextended($1, 0))`

type querier interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// find reads the stored reply to c, after it has taken the lock of the purchase if withLock is set. It is one round trip of two
// statements: the second sees the changes that the previous holder of the lock committed.
func find[R any](ctx context.Context, db querier, c Command, withLock bool) (r Reply[R], found bool, err error) {
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
	if fingerprint != c.fingerprint && fingerprint != c.former {
		return r, false, errs.New(errs.BadMessage, "ya hubo un %s de la compra %s con otro contenido", c.Tipo, c.IDCompra)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, false, fmt.Errorf("stored reply: %w", err)
	}
	return r, true, nil
}

// Lock takes the lock of a purchase, the same as Handle, and holds it until tx ends. It is for a change that no command caused.
func Lock(ctx context.Context, tx pgx.Tx, idCompra string) error {
	_, err := tx.Exec(ctx, lock, idCompra)
	return err
}

// Purge deletes the replies and the counts of attempts that are past their retention. Each statement deletes a limited number
// of rows, so that none runs long.
func Purge(ctx context.Context, pool *pgxpool.Pool) error {
	const replies = `delete from inbox where (id_compra, tipo) in (select id_compra, tipo from inbox where received_at < now() - $1::interval limit 5000)`
	if err := database.DeleteAll(ctx, pool, replies, Kept); err != nil {
		return fmt.Errorf("purge replies: %w", err)
	}
	return PurgeAttempts(ctx, pool)
}

// PurgeAttempts is Purge for a service that has no stored replies.
func PurgeAttempts(ctx context.Context, pool *pgxpool.Pool) error {
	const attempts = `delete from attempt where record_id in (select record_id from attempt where last_at < now() - $1::interval limit 5000)`
	if err := database.DeleteAll(ctx, pool, attempts, attemptsRetention); err != nil {
		return fmt.Errorf("purge attempts: %w", err)
	}
	return nil
}
