package saga

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/internal/registro"
	"entregas/workflows/compra"
)

// What the history tells when an operator, or time, decided.
const (
	compraAprobada     contracts.Tipo = "CompraAprobada"
	aprobacionNegada   contracts.Tipo = "AprobacionNegada"
	aprobacionExpirada contracts.Tipo = "AprobacionExpirada"
	stockWanted        contracts.Tipo = "ExistenciasPedidas" // others want what it holds
)

// PedirAprobacion implements compra.Actividades. The purchase gives its place to another while it waits for a person.
func (s *Saga) PedirAprobacion(ctx context.Context, c contracts.SolicitudCompra) (compra.Desenlace, error) {
	ctx = registro.ConCompra(ctx, c.ID)
	next := compra.AfterApproval()
	// A workflow that starts again may find that the next step was asked: it was approved, or needed no approval by the settings of then.
	if asked, err := s.almacen.LeerPaso(ctx, c.ID, next.Command); err != nil || asked != nil {
		return compra.Desenlace{Resultado: compra.Aceptada}, err
	}
	vista, movida, err := s.almacen.Mover(ctx,
		compras.Cambio{
			IDCompra: c.ID, A: next.Enters, Desde: next.From,
			Tipo: next.Cause, Detalle: compras.Detalle(next.Cause), SiNoCancelada: true,
		},
		compras.Cambio{
			IDCompra: c.ID, A: contracts.EstadoPorAprobar, Desde: []contracts.Estado{next.Enters},
			Tipo: next.Cause, Detalle: fmt.Sprintf("Espera que un operador la apruebe. Retiene %d unidades hasta %s.", c.Unidades(), inWords(s.ajustes.PlazoAprobacion)), SiNoCancelada: true,
		})
	if err != nil {
		return compra.Desenlace{}, err
	}
	if movida {
		s.difusor.Difundir(vista)
		s.alCambiar()
	}
	switch {
	case vista.Estado == contracts.EstadoPorAprobar:
		// A workflow that starts again finds what was decided before.
		return s.LeerDecision(ctx, compra.LecturaDecision{IDCompra: c.ID})
	case vista.Estado == next.Enters, slices.Contains(next.From, vista.Estado): // it did not move because of that alone
		return s.cancelada(ctx, c.ID, false)
	default:
		return compra.Desenlace{Resultado: compra.Terminada}, nil
	}
}

// LeerDecision implements compra.Actividades.
func (s *Saga) LeerDecision(ctx context.Context, l compra.LecturaDecision) (compra.Desenlace, error) {
	if l.Vencida {
		if _, _, err := s.almacen.Decidir(ctx, l.IDCompra, compras.Decision{Decision: compras.Expirada}); err != nil {
			return compra.Desenlace{}, err
		}
	}
	d, err := s.almacen.EntregarDecision(ctx, l.IDCompra)
	if err != nil {
		return compra.Desenlace{}, err
	}
	switch d.Decision {
	case compras.Ninguna:
		return compra.Desenlace{Resultado: compra.Pendiente}, nil
	case compras.Aprobada:
		c, err := s.almacen.AnotarHecho(ctx, l.IDCompra, "Aprobacion", compraAprobada, "Un operador la aprobó.")
		if err != nil {
			return compra.Desenlace{}, err
		}
		s.difusor.Difundir(c)
		return compra.Desenlace{Resultado: compra.Aceptada}, nil
	case compras.Cancelada:
		return compra.Desenlace{Resultado: compra.Cancelada, Motivo: d.Motivo}, nil
	case compras.Rechazada:
		return compra.Desenlace{Resultado: compra.Rechazada, Respuesta: aprobacionNegada, Motivo: "Un operador no la aprobó. " + d.Motivo}, nil
	case compras.Expirada:
		return compra.Desenlace{Resultado: compra.Rechazada, Respuesta: aprobacionExpirada, Motivo: "Nadie la aprobó a tiempo."}, nil
	default:
		return compra.Desenlace{}, fmt.Errorf("decisión desconocida: %s", d.Decision)
	}
}

// tellWanted tells in the history of those that await approval that another was refused for want of what they hold, and until
// when they hold it now. What it could not tell the next refusal tells: no purchase waits for it.
func (s *Saga) tellWanted(ctx context.Context, faltantes []contracts.Faltante) {
	holders, err := s.almacen.Wanted(ctx, faltantes)
	if err != nil {
		slog.WarnContext(ctx, "quién retiene lo que falta", "error", err)
	}
	for _, h := range holders {
		ctx := registro.ConCompra(ctx, h.ID)
		c, err := s.almacen.AnotarHecho(ctx, h.ID, compras.PasoWanted, stockWanted,
			fmt.Sprintf("A otra compra le faltó algo de las %d unidades que esta retiene: si nadie la aprueba, se liberan desde %s.", h.Unidades(), inWords(s.ajustes.WantedStock)))
		if err != nil {
			slog.WarnContext(ctx, "otros quieren lo que espera aprobación", "error", err)
			continue
		}
		s.difusor.Difundir(c)
	}
}

// inWords is the instant so long from now, for a person.
func inWords(d time.Duration) string {
	return time.Now().Add(d).UTC().Format("el 02/01/2006 a las 15:04 UTC")
}
