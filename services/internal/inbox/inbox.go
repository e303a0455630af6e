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
//		huella      text not null,
//		respuesta   jsonb not null,
//		recibido_en timestamptz not null default now(),
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
	"entregas/services/internal/errores"
)

// Retencion is how long a command's answer is kept. It outlives what any topic keeps, so a command that is older
// can only be one put back by hand: it is refused, since nobody knows any more whether it was done.
const Retencion = 30 * 24 * time.Hour

// keptOn is how long an answer is kept once its command would be refused for its age.
const keptOn = 7 * 24 * time.Hour

// PurgeEvery is how often a replica deletes the answers and the counts of tries that have outlived their time.
const PurgeEvery = time.Hour

// Respuesta is a participant's answer to a command.
type Respuesta[R any] struct {
	Tipo contracts.Tipo `json:"tipo"`
	Data R              `json:"data"`
}

// Comando identifies one command: a purchase gets each type once.
type Comando struct {
	IDCompra string
	Tipo     contracts.Tipo
	huella   string
}

// DeMensaje is the key of m, which is about purchase idCompra. A message older than Retencion is MensajeMalo.
func DeMensaje[D any](m contracts.Mensaje[D], idCompra string) (Comando, error) {
	if dicho := time.UnixMilli(m.Time); time.Since(dicho) > Retencion {
		return Comando{}, errores.Nuevo(errores.MensajeMalo, "el comando es de %s: ya no se sabe si se cumplió", dicho.UTC().Format(time.DateOnly))
	}
	huella, err := huellaDe(m.Data)
	return Comando{IDCompra: idCompra, Tipo: m.Type, huella: huella}, err
}

// Atender gives the stored answer of c or, the first time, makes cambio's change and stores its answer, all in one
// transaction under the purchase's own lock. The same command with other data is MensajeMalo.
// An error of cambio changes and stores nothing: a refusal that is final is an answer, not an error.
func Atender[R any](ctx context.Context, pool *pgxpool.Pool, c Comando, cambio func(tx pgx.Tx) (Respuesta[R], error)) (Respuesta[R], error) {
	var respuesta Respuesta[R]
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var hay bool
		var err error
		if respuesta, hay, err = buscar[R](ctx, tx, c, true); err != nil || hay {
			return err
		}
		if respuesta, err = cambio(tx); err != nil {
			return err
		}
		texto, err := json.Marshal(respuesta)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into inbox (id_compra, tipo, huella, respuesta) values ($1, $2, $3, $4)`, c.IDCompra, c.Tipo, c.huella, texto)
		return err
	})
	return respuesta, err
}

// Guardada gives the stored answer of c; hay is false where there is none. It takes no lock: what it finds is final, what it
// misses Atender finds.
func Guardada[R any](ctx context.Context, pool *pgxpool.Pool, c Comando) (r Respuesta[R], hay bool, err error) {
	return buscar[R](ctx, pool, c, false)
}

// cerrojo is the purchase's own lock: of two replicas with commands of one purchase, the second waits.
const cerrojo = `select pg_advisory_xact_lock(hashtextextended($1, 0))`

type consultas interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// buscar takes the purchase's lock and then looks, in one round trip. The look is a statement of its own and so sees
// what the former holder of the lock committed.
func buscar[R any](ctx context.Context, db consultas, c Comando, conCerrojo bool) (r Respuesta[R], hay bool, err error) {
	var lote pgx.Batch
	if conCerrojo {
		lote.Queue(cerrojo, c.IDCompra)
	}
	var huella string
	var texto []byte
	lote.Queue(`select huella, respuesta from inbox where id_compra = $1 and tipo = $2`, c.IDCompra, c.Tipo).
		QueryRow(func(fila pgx.Row) error { return fila.Scan(&huella, &texto) })
	err = db.SendBatch(ctx, &lote).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, err
	}
	if huella != c.huella {
		return r, false, errores.Nuevo(errores.MensajeMalo, "ya hubo un %s de la compra %s con otro contenido", c.Tipo, c.IDCompra)
	}
	if err := json.Unmarshal(texto, &r); err != nil {
		return r, false, fmt.Errorf("respuesta guardada: %w", err)
	}
	return r, true, nil
}

// Bloquear waits for the purchase's own lock and holds it until tx ends: for a change of a purchase that no command
// asks for. Atender takes the same one.
func Bloquear(ctx context.Context, tx pgx.Tx, idCompra string) error {
	_, err := tx.Exec(ctx, cerrojo, idCompra)
	return err
}

// Purgar forgets what can never be asked for again: answers that are a week older than any command which is still taken,
// and counts of tries to which nothing was added for a day. It does so a few at a time: no statement takes long.
func Purgar(ctx context.Context, pool *pgxpool.Pool) error {
	const (
		answers = `delete from inbox where (id_compra, tipo) in (select id_compra, tipo from inbox where recibido_en < now() - $1::interval limit 5000)`
		tries   = `delete from intento where registro in (select registro from intento where ultimo < now() - $1::interval limit 5000)`
	)
	if err := deleteAll(ctx, pool, answers, Retencion+keptOn); err != nil {
		return fmt.Errorf("purgar respuestas: %w", err)
	}
	if err := deleteAll(ctx, pool, tries, retencionIntentos); err != nil {
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
