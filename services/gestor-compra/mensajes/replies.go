package mensajes

import (
	"context"
	"log/slog"
	"slices"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/errores"
)

// respuestasA are the replies that each command may have; docs/adr/0006-a-reservation-asked-out-of-order.md says when a
// rollback or a dispatch gets the second one.
var respuestasA = map[contracts.Tipo][]contracts.Tipo{
	contracts.ValidarInventario:            {contracts.InventarioValidado, contracts.InventarioInsuficiente},
	contracts.CancelarValidacionInventario: {contracts.ValidacionCancelada},
	contracts.ReservarProducto:             {contracts.ProductosReservados, contracts.ReservaRechazada},
	contracts.LiberarReserva:               {contracts.ReservaLiberada, contracts.ReservaDespachada},
	contracts.DespacharReserva:             {contracts.ReservaDespachada, contracts.ReservaRechazada},
	contracts.CrearOrden:                   {contracts.OrdenCreada, contracts.OrdenRechazada},
	contracts.CancelarOrden:                {contracts.OrdenCancelada, contracts.OrdenDespachada},
}

// need is whether a reply has a field.
type need int

const (
	never need = iota
	may
	must
)

// fields are what each reply tells beside its reason: the order, and what is missing.
var fields = map[contracts.Tipo]struct{ orden, faltantes need }{
	contracts.InventarioValidado:     {},
	contracts.InventarioInsuficiente: {faltantes: must},
	contracts.ValidacionCancelada:    {},
	contracts.ProductosReservados:    {},
	contracts.ReservaRechazada:       {faltantes: may},
	contracts.ReservaLiberada:        {},
	contracts.ReservaDespachada:      {},
	contracts.OrdenCreada:            {orden: must},
	contracts.OrdenRechazada:         {},
	contracts.OrdenCancelada:         {orden: may},
	contracts.OrdenDespachada:        {orden: must},
}

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
	has := fields[r.Tipo]
	has.orden.check(&v, "id_orden", r.IDOrden != "", r.Tipo)
	has.faltantes.check(&v, "faltantes", len(r.Faltantes) > 0, r.Tipo)
	return v.Error()
}

func (n need) check(v *contracts.Validador, campo string, given bool, tipo contracts.Tipo) {
	switch {
	case n == must && !given:
		v.Falla(campo, "falta")
	case n == never && given:
		v.Falla(campo, "no va en "+string(tipo))
	}
}

// answer records a reply. One that answers no known question, not with a known answer, or with fields that cannot be is a bad
// message: the saga goes on waiting. One that comes late or again changes nothing.
func answer(ctx context.Context, a Respuestas, r reply) error {
	comando := contracts.Tipo(r.respondeA)
	if !slices.Contains(respuestasA[comando], r.Tipo) {
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
