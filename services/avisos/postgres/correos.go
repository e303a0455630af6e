package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/audit"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/services/avisos/avisos"
	"entregas/services/avisos/correo"
)

// Correo returns the address of a customer, or "".
func (s *Store) Correo(ctx context.Context, idUsuario string) (address string, err error) {
	err = s.pool.QueryRow(ctx, `select correo from contacto where id_usuario = $1`, idUsuario).Scan(&address)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return address, err
}

// SetCorreo stores the address of a customer. What happened before the first one is not told.
func (s *Store) SetCorreo(ctx context.Context, idUsuario, address string) error {
	_, err := s.pool.Exec(ctx, `insert into contacto (id_usuario, correo) values ($1, $2) on conflict (id_usuario) do update set correo = $2`, idUsuario, address)
	return err
}

// DeleteCorreo deletes the address of a customer and their mails.
func (s *Store) DeleteCorreo(ctx context.Context, idUsuario string) error {
	_, err := s.pool.Exec(ctx, `delete from contacto where id_usuario = $1`, idUsuario)
	return err
}

// Borrar erases what avisos has of a customer: the address with its mails, and the wishes (docs/adr/erased-personal-data.md). An erasure that
// had an effect is an act of the person who acts in ctx.
func (s *Store) Borrar(ctx context.Context, idUsuario string) (contracts.ParteBorrada, error) {
	var part contracts.ParteBorrada
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		wishes, err := tx.Exec(ctx, `delete from deseo where id_usuario = $1`, idUsuario)
		if err != nil {
			return err
		}
		address, err := tx.Exec(ctx, `delete from contacto where id_usuario = $1`, idUsuario)
		if err != nil {
			return err
		}
		part = contracts.ParteBorrada{Borradas: int(wishes.RowsAffected()), Correo: address.RowsAffected() > 0}
		texto := contracts.TextoDeseosBorrados
		if part.Correo {
			texto = contracts.TextoCorreoBorrado
		} else if part.Borradas == 0 {
			return nil
		}
		act := contracts.Acto{Tipo: contracts.ActoBorradoDePersona, Objeto: idUsuario}
		return audit.Record(ctx, tx, act.Telling(texto, contracts.NumeroDeActo("deseos", part.Borradas)))
	})
	if err != nil {
		return contracts.ParteBorrada{}, fmt.Errorf("erase personal data: %w", err)
	}
	return part, nil
}

// maxMailsADay bounds the mails of a customer in 24 hours. An address is not confirmed, so it may be another person's
// (docs/adr/mail-by-a-binding.md), and the mails of one customer could delay those of others. A customer at the limit gets no further mail.
const maxMailsADay = 40

// mayGetMail is the condition on the rows c of contacto for customers who have had fewer mails than maxMailsADay.
const mayGetMail = `(select count(*) from correo m where m.id_usuario = c.id_usuario and m.creado_en > now() - interval '1 day') < `

// recordCartas adds a mail for each of cartas whose customer gave an address before it happened, once, and returns how many it added.
func recordCartas(ctx context.Context, tx pgx.Tx, cartas []correo.Carta) (n int64, err error) {
	const add = `insert into correo (id, id_usuario, evento, tipo, id_compra, codigo, faltantes, traza)
		select $1, c.id_usuario, $3, $4, $5, $6, $7, $11 from contacto c
		where c.id_usuario = $2 and date_trunc('milliseconds', c.desde) <= $8 and $8 > now() - $9::interval and ` + mayGetMail + `$10
		for key share of c
		on conflict (evento) do nothing`
	for _, c := range cartas {
		faltantes, err := json.Marshal(append([]contracts.Faltante{}, c.Faltantes...))
		if err != nil {
			return n, err
		}
		done, err := tx.Exec(ctx, add, uuid.Must(uuid.NewV7()).String(), c.IDUsuario, c.Evento, c.Tipo, c.IDCompra, c.Codigo, faltantes, c.En, retention, maxMailsADay, logging.Trace(ctx))
		if err != nil {
			return n, fmt.Errorf("add a mail: %w", err)
		}
		n += done.RowsAffected()
	}
	return n, nil
}

// recordBack adds a mail that the product nombre is back for each of usuarios who gave an address, and returns how many it added. The caller's
// transaction marks their wishes, so each is written to once.
func recordBack(ctx context.Context, tx pgx.Tx, nombre string, usuarios []string) (int, error) {
	const add = `insert into correo (id, id_usuario, evento, tipo, producto)
		select w.id, c.id_usuario, 'deseo_' || w.id, $3, $4 from unnest($1::uuid[], $2::text[]) w (id, id_usuario) join contacto c using (id_usuario)
		where ` + mayGetMail + `$5
		for key share of c`
	ids := make([]string, len(usuarios))
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7()).String()
	}
	done, err := tx.Exec(ctx, add, ids, usuarios, contracts.ProductoDisponible, nombre, maxMailsADay)
	if err != nil {
		return 0, fmt.Errorf("add mails: %w", err)
	}
	return int(done.RowsAffected()), nil
}

// ClaimEnvio takes the mail that is due for the longest, or returns nil. It counts the try at once.
func (s *Store) ClaimEnvio(ctx context.Context, lease time.Duration) (*correo.Envio, error) {
	const claim = `with due as (select id from correo where estado = 'PENDIENTE' and proximo_en <= now() order by proximo_en, id limit 1 for update skip locked)
		update correo m set intentos = intentos + 1, proximo_en = now() + $1::interval, en_curso_hasta = now() + $1::interval
		from due, contacto c where m.id = due.id and c.id_usuario = m.id_usuario
		returning m.id::text, c.correo, m.tipo, m.codigo, m.faltantes, m.producto, m.intentos, m.id_compra, m.traza, m.traza_de_repeticion as repeticion`
	rows, err := s.pool.Query(ctx, claim, lease)
	if err != nil {
		return nil, err
	}
	e, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[correo.Envio])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &e, err
}

// FinishEnvio stores what became of e. That it was sent is stored in any case; a failure only if nobody has taken the mail again meanwhile.
func (s *Store) FinishEnvio(ctx context.Context, e correo.Envio, v avisos.Verdict, reason string) error {
	_, err := s.pool.Exec(ctx, `update correo set estado = $3, proximo_en = now() + $4::interval, error = $5, actualizado_en = now(), en_curso_hasta = null
		where id = $1 and estado = 'PENDIENTE' and ($3 = 'ENTREGADA' or intentos = $2)`, e.ID, e.Intentos, string(v.Estado), v.After, reason)
	return err
}

// sendMailAgain makes a mail due now, with all its tries before it. While a try is under way, it makes the mail due after its lease: if that
// try succeeds, the mail is not sent once more. Error: NotFound.
func (s *Store) sendMailAgain(ctx context.Context, id string) error {
	const again = `update correo set estado = 'PENDIENTE', intentos = 0, proximo_en = greatest(now(), en_curso_hasta), actualizado_en = now(), traza_de_repeticion = $2
		where id = $1 returning tipo, id_compra`
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var tipo, idCompra string
		err := tx.QueryRow(ctx, again, id, logging.Trace(ctx)).Scan(&tipo, &idCompra)
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.New(errs.NotFound, "No existe la entrega %s.", id)
		}
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, contracts.Acto{Tipo: contracts.ActoAviso, Objeto: id, IDCompra: idCompra}.Telling(contracts.TextoCorreoRepetido,
			contracts.ValorDeActo{Nombre: "tipo", Texto: tipo}))
	})
}
