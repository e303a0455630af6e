package mensajes

import (
	"context"
	"log/slog"
	"slices"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/errores"
	"entregas/workflows/compra"
)

// reply is what the messages of the topics of replies have in common.
type reply struct {
	idCompra  string
	respondeA string
	compras.Respuesta
}

// validate checks every field: nil or an *contracts.ErrorDeValidacion. A sidecar lets through whatever the schema takes.
func (r reply) validate() error {
	var v contracts.Validador
	v.IDCompra("id_compra", r.idCompra)
	v.Motivo("motivo", r.Motivo)
	v.Faltantes("faltantes", r.Faltantes)
	v.IDOrden("id_orden", r.IDOrden)
	is := compra.ReplyOf(r.Tipo)
	check(&v, is.Order, "id_orden", r.IDOrden != "", r.Tipo)
	check(&v, is.Faltantes, "faltantes", len(r.Faltantes) > 0, r.Tipo)
	return v.Error()
}

func check(v *contracts.Validador, p compra.Presence, campo string, given bool, tipo contracts.Tipo) {
	switch {
	case p == compra.Must && !given:
		v.Falla(campo, "falta")
	case p == compra.Never && given:
		v.Falla(campo, "no va en "+string(tipo))
	}
}

// answer records a reply. One that answers no known question, not with a known answer, or with fields that cannot be is a bad
// message: the saga goes on waiting. One that comes late or again changes nothing.
func answer(ctx context.Context, a Respuestas, r reply) error {
	comando := contracts.Tipo(r.respondeA)
	if !slices.ContainsFunc(compra.Replies(comando), func(may compra.Reply) bool { return may.Type == r.Tipo }) {
		return errores.Nuevo(errores.MensajeMalo, "%s no responde a %q", r.Tipo, contracts.Cut(r.respondeA, contracts.MaxIdentificador))
	}
	if err := r.validate(); err != nil {
		return err
	}
	anotada, err := a.AnotarRespuesta(ctx, r.idCompra, comando, r.Respuesta)
	if err != nil {
		return err
	}
	switch anotada {
	case compras.Primera:
	case compras.Desconocida:
		return errores.Nuevo(errores.MensajeMalo, "nadie preguntó %s por la compra %s", comando, r.idCompra)
	default:
		slog.InfoContext(ctx, "respuesta sin efecto", "respuesta", r.Tipo, "por", anotada)
	}
	return nil
}
