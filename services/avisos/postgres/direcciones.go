package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/audit"
	"entregas/internal/errs"
)

// overlap is how long deliveries are signed with the old secret too after a renewal, so that a receiver can change it at leisure.
const overlap = 24 * time.Hour

// maxCounted is where the counts of waiting and dead deliveries stop, so that a list of addresses stays quick.
const maxCounted = "10000"

// columns are the columns of a contracts.DireccionDeAviso, of the table direccion d, without its secret.
const columns = `d.id::text, d.url, d.descripcion, d.estados, d.activa, d.motivo, '' as secreto,
	(select count(*) from (select from entrega where id_direccion = d.id and estado = 'PENDIENTE' limit ` + maxCounted + `) p) as pendientes,
	(select count(*) from (select from entrega where id_direccion = d.id and estado = 'MUERTA' limit ` + maxCounted + `) m) as muertas,
	d.creada_en, d.actualizada_en`

// Direcciones returns the addresses, the oldest first, without their secrets.
func (s *Store) Direcciones(ctx context.Context) ([]contracts.DireccionDeAviso, error) {
	rows, err := s.pool.Query(ctx, `select `+columns+` from direccion d where d.borrada_en is null order by d.id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[contracts.DireccionDeAviso])
}

// CreateDireccion stores an address with its secret. Error: Conflict where there are contracts.MaxDirecciones already.
func (s *Store) CreateDireccion(ctx context.Context, d contracts.NuevaDireccion, secreto string) (contracts.DireccionDeAviso, error) {
	const (
		turn   = `select pg_advisory_xact_lock(hashtextextended('direccion', 0))`
		count  = `select count(*) from direccion where borrada_en is null`
		insert = `insert into direccion (id, url, descripcion, estados, secreto) values ($1, $2, $3, $4, $5)`
	)
	id := uuid.Must(uuid.NewV7()).String()
	estados := d.Estados
	if estados == nil {
		estados = []contracts.Estado{}
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, turn); err != nil { // two at once could both be the last
			return err
		}
		var n int
		if err := tx.QueryRow(ctx, count).Scan(&n); err != nil {
			return err
		}
		if n >= contracts.MaxDirecciones {
			return errs.New(errs.Conflict, "Ya hay %d direcciones: borre una antes.", n)
		}
		if _, err := tx.Exec(ctx, insert, id, d.URL, d.Descripcion, estados, secreto); err != nil {
			return err
		}
		return audit.Record(ctx, tx, about(id, contracts.TextoDireccionNueva, d.URL))
	})
	if err != nil {
		return contracts.DireccionDeAviso{}, err
	}
	return s.direccion(ctx, id, secreto)
}

// ChangeDireccion pauses an address, or uses it again. Error: NotFound.
func (s *Store) ChangeDireccion(ctx context.Context, id string, activa bool) (contracts.DireccionDeAviso, error) {
	const change = `update direccion set activa = $2, motivo = '', actualizada_en = now(),
		activa_desde = case when $2 and not activa then now() else activa_desde end
		where id = $1 and borrada_en is null and activa <> $2`
	what := contracts.TextoDireccionPausada
	if activa {
		what = contracts.TextoDireccionActiva
	}
	if err := s.act(ctx, what, id, change, id, activa); err != nil {
		return contracts.DireccionDeAviso{}, err
	}
	return s.direccion(ctx, id, "")
}

// RenewSecreto gives an address another secret, and keeps the one before it for overlap. Error: NotFound.
func (s *Store) RenewSecreto(ctx context.Context, id, secreto string) (contracts.DireccionDeAviso, error) {
	const renew = `update direccion set secreto_anterior = secreto, anterior_hasta = now() + $3::interval, secreto = $2, actualizada_en = now()
		where id = $1 and borrada_en is null`
	if err := s.act(ctx, contracts.TextoDireccionSecreto, id, renew, id, secreto, overlap); err != nil {
		return contracts.DireccionDeAviso{}, err
	}
	return s.direccion(ctx, id, secreto)
}

// DeleteDireccion deletes an address: nothing is delivered to it any more. The purge deletes its deliveries. To delete one that
// does not exist changes nothing.
func (s *Store) DeleteDireccion(ctx context.Context, id string) error {
	const remove = `update direccion set borrada_en = now(), activa = false, secreto = '', secreto_anterior = '' where id = $1 and borrada_en is null`
	return s.act(ctx, contracts.TextoDireccionBorrada, id, remove, id)
}

// act executes a statement that changes the address id and returns its URL, and records the act of the person who did it. what is
// the sentence about it. If the statement changes nothing, there is no act.
func (s *Store) act(ctx context.Context, what contracts.TextoDeActo, id, statement string, args ...any) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var url string
		err := tx.QueryRow(ctx, statement+` returning url`, args...).Scan(&url)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, about(id, what, url))
	})
}

// about returns the act that is told by a sentence about the address id.
func about(id string, what contracts.TextoDeActo, url string) contracts.Acto {
	return contracts.Acto{Tipo: contracts.ActoAviso, Objeto: id}.Telling(what, contracts.ValorDeActo{Nombre: "url", Texto: url})
}

// Actos returns at most limit acts that f selects and that come after the cursor, newest first.
func (s *Store) Actos(ctx context.Context, f contracts.ActosFilter, after contracts.Cursor, limit int) ([]contracts.Acto, error) {
	return audit.List(ctx, s.pool, f, after, limit)
}

// direccion returns an address with secreto. Error: NotFound.
func (s *Store) direccion(ctx context.Context, id, secreto string) (contracts.DireccionDeAviso, error) {
	rows, err := s.pool.Query(ctx, `select `+columns+` from direccion d where d.id = $1 and d.borrada_en is null`, id)
	if err != nil {
		return contracts.DireccionDeAviso{}, err
	}
	d, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[contracts.DireccionDeAviso])
	if errors.Is(err, pgx.ErrNoRows) {
		return d, errs.New(errs.NotFound, "No existe la dirección %s.", id)
	}
	d.Secreto = secreto
	return d, err
}
