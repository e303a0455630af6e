package messages

import (
	"context"
	"log/slog"
	"slices"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// reply has the fields that the messages of all topics of replies have in common.
type reply struct {
	idCompra  string
	repliesTo string
	by        contracts.Actor // who dispatched the order
	compras.Reply
}

// validate checks every field, since a sidecar checks only the schema. The store, which has the lines of the purchase, checks the amounts. It returns nil or a *contracts.ValidationError.
func (r reply) validate() error {
	var v contracts.Validator
	v.IDCompra("id_compra", r.idCompra)
	v.Motivo("motivo", r.Motivo)
	v.Faltantes("faltantes", r.Faltantes)
	v.IDOrden("id_orden", r.IDOrden)
	v.Person("sujeto", "rol", r.by)
	is := compra.ReplyOf(r.Tipo)
	check(&v, is.Order, "id_orden", r.IDOrden != "", r.Tipo)
	check(&v, is.Faltantes, "faltantes", len(r.Faltantes) > 0, r.Tipo)
	check(&v, is.Importes, "total", !r.None(), r.Tipo)
	return v.Error()
}

func check(v *contracts.Validator, p compra.Presence, field string, given bool, kind contracts.MessageType) {
	switch {
	case p == compra.Must && !given:
		v.Fail(field, "falta")
	case p == compra.Never && given:
		v.Fail(field, "no va en "+string(kind))
	}
}

// answer records a reply. A reply to a command that was never sent, of a type that does not answer that command, or with
// invalid fields is BadMessage or Invalid, and the saga still waits. A late or repeated reply changes nothing.
func answer(ctx context.Context, a Replies, r reply) error {
	command := contracts.MessageType(r.repliesTo)
	if !slices.ContainsFunc(compra.Replies(command), func(may compra.Reply) bool { return may.Type == r.Tipo }) {
		return errs.New(errs.BadMessage, "%s no responde a %q", r.Tipo, contracts.Cut(r.repliesTo, contracts.MaxIdentifier))
	}
	if err := r.validate(); err != nil {
		return err
	}
	recorded, waited, err := a.RecordReply(ctx, r.idCompra, command, r.Reply)
	measure(ctx, command, r.Tipo, recorded, waited) // also with an error: the reply may be stored, and is Repeated the next time
	if err != nil {
		return err
	}
	switch recorded {
	case compras.First:
	case compras.Unknown:
		return errs.New(errs.BadMessage, "nadie preguntó %s por la compra %s", command, r.idCompra)
	default:
		slog.InfoContext(ctx, "a reply has no effect", "reply", r.Tipo, "because", recorded)
	}
	return nil
}
