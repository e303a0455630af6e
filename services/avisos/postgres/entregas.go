package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
	"entregas/internal/audit"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/services/avisos/avisos"
	"entregas/services/avisos/correo"
)

// insert adds deliveries; a delivery that exists is left as it is.
const insert = `insert into entrega (id, id_direccion, evento, tipo, id_compra, cuerpo, traza)
	select *, $7 from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) on conflict (id_direccion, evento) do nothing`

// rows are the columns of new deliveries.
type rows struct{ ids, direcciones, eventos, tipos, compras, cuerpos []string }

func (r *rows) add(direccion string, s avisos.Suceso) {
	r.ids = append(r.ids, uuid.Must(uuid.NewV7()).String())
	r.direcciones, r.eventos, r.tipos = append(r.direcciones, direccion), append(r.eventos, s.Evento), append(r.tipos, s.Tipo)
	r.compras, r.cuerpos = append(r.compras, s.IDCompra), append(r.cuerpos, s.Cuerpo)
}

type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func (r *rows) insert(ctx context.Context, db execer) (int64, error) {
	done, err := db.Exec(ctx, insert, r.ids, r.direcciones, r.eventos, r.tipos, r.compras, r.cuerpos, logging.Trace(ctx))
	return done.RowsAffected(), err
}

// Record adds a delivery of each event to each active address that wants it, and a mail for each of cartas whose customer gave an address. It
// returns how many it added, in one transaction: an event is told to all or, when Record fails, to none. A second copy of an event adds nothing.
func (s *Store) Record(ctx context.Context, sucesos []avisos.Suceso, cartas ...correo.Carta) (deliveries, mails int, err error) {
	type direccion struct {
		ID          string
		Estados     []contracts.Estado
		ActivaDesde time.Time
		Oldest      time.Time // of the events that may make a delivery
	}
	found, err := s.pool.Query(ctx, `select id::text, estados, activa_desde, now() - $1::interval as oldest from direccion where activa`, retention)
	if err != nil {
		return 0, 0, err
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByName[direccion])
	if err != nil {
		return 0, 0, err
	}
	var fresh rows
	for _, d := range all {
		for _, e := range sucesos {
			wanted := len(d.Estados) == 0 || slices.Contains(d.Estados, e.Estado)
			if wanted && !e.En.Before(d.ActivaDesde.Truncate(time.Millisecond)) && e.En.After(d.Oldest) {
				fresh.add(d.ID, e)
			}
		}
	}
	if len(fresh.ids) == 0 && len(cartas) == 0 {
		return 0, 0, nil
	}
	var n, m int64
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if len(fresh.ids) > 0 {
			if n, err = fresh.insert(ctx, tx); err != nil {
				return err
			}
		}
		m, err = recordCartas(ctx, tx, cartas)
		return err
	})
	return int(n), int(m), err
}

// Add adds a delivery of one event to one address, whatever the address wants. Errors: NotFound; Conflict where it is paused.
func (s *Store) Add(ctx context.Context, idDireccion string, e avisos.Suceso) (contracts.EntregaDeAviso, error) {
	d, err := s.direccion(ctx, idDireccion, "")
	if err != nil {
		return contracts.EntregaDeAviso{}, err
	}
	if !d.Activa {
		return contracts.EntregaDeAviso{}, paused(d.URL)
	}
	var one rows
	one.add(idDireccion, e)
	if _, err := one.insert(ctx, s.pool); err != nil {
		return contracts.EntregaDeAviso{}, err
	}
	return s.entrega(ctx, one.ids[0])
}

func paused(url string) error {
	return errs.New(errs.Conflict, "La dirección %s está en pausa: actívela antes.", url)
}

// SendAgain makes a delivery due now, with all its tries before it. mails says whether this installation sends e-mail. Errors: NotFound;
// Conflict where its address is paused, or where it is a mail and none is sent.
func (s *Store) SendAgain(ctx context.Context, id string, mails bool) (contracts.EntregaDeAviso, error) {
	const again = `update entrega e set estado = 'PENDIENTE', intentos = 0, proximo_en = now(), actualizada_en = now(), traza_de_repeticion = $2
		from direccion d where e.id = $1 and d.id = e.id_direccion and d.activa`
	e, err := s.entrega(ctx, id)
	if err != nil {
		return e, err
	}
	if e.Canal == contracts.CanalCorreo {
		if !mails {
			return e, errs.New(errs.Conflict, "Esta instalación no envía correos.")
		}
		if err := s.sendMailAgain(ctx, id); err != nil {
			return contracts.EntregaDeAviso{}, err
		}
		return s.entrega(ctx, id)
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, again, id, logging.Trace(ctx))
		if err != nil {
			return err
		}
		if done.RowsAffected() == 0 {
			return paused(e.URL)
		}
		return audit.Record(ctx, tx, contracts.Acto{Tipo: contracts.ActoAviso, Objeto: id, IDCompra: e.IDCompra}.Telling(contracts.TextoEntregaRepetida,
			contracts.ValorDeActo{Nombre: "tipo", Texto: e.Tipo}, contracts.ValorDeActo{Nombre: "url", Texto: e.URL}))
	})
	if err != nil {
		return e, err
	}
	return s.entrega(ctx, id)
}

// entrega returns a delivery. Error: NotFound.
func (s *Store) entrega(ctx context.Context, id string) (contracts.EntregaDeAviso, error) {
	list, err := collectEntregas(ctx, s.pool, entregas+` and e.id = $1 union all `+correos+` and m.id = $1`, id)
	if err == nil && len(list) == 0 {
		err = errs.New(errs.NotFound, "No existe la entrega %s.", id)
	}
	if err != nil {
		return contracts.EntregaDeAviso{}, err
	}
	return list[0], nil
}

// Entregas returns at most limit deliveries that f selects, mails among them, newest first, from the one that follows the delivery after. An
// empty after begins at the newest.
func (s *Store) Entregas(ctx context.Context, f contracts.EntregasFilter, limit int, after string) ([]contracts.EntregaDeAviso, error) {
	webhooks, mails, args := entregas, correos, []any{limit}
	where := func(condition, value string) { // only those that are asked for: each has its own index
		if value != "" {
			args = append(args, value)
			webhooks += " and e." + fmt.Sprintf(condition, len(args))
			mails += " and m." + fmt.Sprintf(condition, len(args))
		}
	}
	where("id_compra = $%d", f.IDCompra)
	where("estado = $%d", string(f.Estado))
	where("id < $%d::uuid", after)
	if f.IDDireccion != "" {
		args = append(args, f.IDDireccion)
		webhooks += fmt.Sprintf(" and e.id_direccion = $%d::uuid", len(args))
	}
	var lists []string
	if f.Canal != contracts.CanalCorreo {
		lists = append(lists, "("+webhooks+" order by e.id desc limit $1)")
	}
	if f.Canal != contracts.CanalWebhook && f.IDDireccion == "" {
		lists = append(lists, "("+mails+" order by m.id desc limit $1)")
	}
	if len(lists) == 0 {
		return []contracts.EntregaDeAviso{}, nil
	}
	return collectEntregas(ctx, s.pool, `select * from (`+strings.Join(lists, " union all ")+`) list order by id collate "C" desc limit $1`, args...)
}
