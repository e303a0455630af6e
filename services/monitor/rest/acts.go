package rest

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"entregas/contracts"
	api "entregas/internal/api/monitor"
	"entregas/internal/audit"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// onOne does an operation on one message, which is the act a. The act is kept first: without its act nothing is done, and of the broker
// and the state store no transaction exists. Afterwards the act gets what the message was, or is removed where nothing was done.
func (o operations) onOne(ctx context.Context, a contracts.Acto, do func(context.Context) (contracts.MensajeMuerto, error)) (contracts.MensajeMuerto, error) {
	var none contracts.MensajeMuerto
	var v contracts.Validator
	if v.Identifier("id", a.Objeto); v.Error() != nil {
		return none, v.Error()
	}
	part, added, err := o.acts.Add(ctx, []contracts.Acto{a})
	if err != nil {
		return none, err
	}
	one, err := do(ctx)
	switch {
	case err == nil:
		o.settle(ctx, part, added, []contracts.Acto{about(added[0], one.Tipo, one.Tema, one.IDCompra)})
	case refused(err):
		o.settle(ctx, part, added, nil)
	}
	return one, err
}

// devolverMany returns several dead letters to their topics. Each one that is on its topic is an act.
func (o operations) devolverMany(ctx context.Context, ids []string) ([]contracts.ResultadoDeDevolucion, error) {
	acts := make([]contracts.Acto, len(ids))
	for i, id := range ids {
		acts[i] = contracts.Acto{Tipo: contracts.ActoMensajeDevuelto, Objeto: id}
	}
	part, added, err := o.acts.Add(ctx, acts)
	if err != nil {
		return nil, err
	}
	results, err := o.deadLetters.DevolverMany(ctx, ids)
	switch {
	case err == nil:
		var happened []contracts.Acto
		for _, a := range added {
			i := slices.IndexFunc(results, func(r contracts.ResultadoDeDevolucion) bool { return r.ID == a.Objeto && r.Devuelto })
			if i >= 0 {
				happened = append(happened, about(a, results[i].Tipo, results[i].Tema, ""))
			}
		}
		o.settle(ctx, part, added, happened)
	case refused(err):
		o.settle(ctx, part, added, nil)
	}
	return results, err
}

// refused reports whether err says that nothing was done. After any other error the act stays: it may have been done.
func refused(err error) bool {
	return slices.Contains([]errs.Code{errs.NotFound, errs.Invalid, errs.Conflict}, errs.Of(err))
}

// about returns a with the message that it is about. Anybody may publish a message, so its fields may be anything.
func about(a contracts.Acto, tipo, tema, idCompra string) contracts.Acto {
	a = a.Telling(contracts.TextoMensaje,
		contracts.ValorDeActo{Nombre: "tipo", Texto: contracts.Cut(tipo, contracts.MaxIdentifier)}, contracts.ValorDeActo{Nombre: "tema", Texto: contracts.Cut(tema, contracts.MaxIdentifier)})
	var v contracts.Validator
	if v.IDCompra("id_compra", idCompra); v.Error() == nil {
		a.IDCompra = idCompra
	}
	return a
}

// settle tells the acts what became of them. It does so although the caller left: the acts are there already.
func (o operations) settle(ctx context.Context, part string, added, happened []contracts.Acto) {
	if err := o.acts.Settle(context.WithoutCancel(ctx), part, added, happened); err != nil {
		slog.WarnContext(ctx, "an act with a dead letter is kept without its outcome", "error", err)
	}
}

// ListarActosDeMensajes implements api.ServerInterface.
func (o operations) ListarActosDeMensajes(w http.ResponseWriter, r *http.Request, params api.ListarActosDeMensajesParams) {
	page, err := audit.Page(r.Context(), o.acts, contracts.ActosQuery(params))
	rest.Answer(w, r, http.StatusOK, page, err)
}
