package compras

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/registro"
)

// How many purchases a page has, and how many a customer's list is while the owner is away.
const (
	MaxPagina      = 100
	PaginaNormal   = 50
	UltimasDeLista = 50
)

// FormaDeLimite says in words for a person how many may be asked for.
var FormaDeLimite = fmt.Sprintf("debe ser un número entero de 1 a %d", MaxPagina)

// Leer gives a purchase: from its owner, or as it is known here when the owner does not know it yet or does not answer.
// NoEncontrado is said only when the owner said so.
func (s *Servicio) Leer(ctx context.Context, id string) (Leida, error) {
	id = contracts.CanonicalID(id)
	var v contracts.Validador
	v.IDCompra("id", id)
	if err := v.Error(); err != nil {
		return Leida{}, err
	}
	ctx = registro.ConCompra(ctx, id)
	compra, err := s.gestor.Leer(ctx, id)
	if err == nil {
		return Leida{Compra: compra}, nil
	}
	if codigo := errores.De(err); codigo != errores.NoEncontrado && codigo != errores.NoDisponible {
		return Leida{}, err
	}
	vista, deEstado := s.estado.leer(ctx, id)
	if deEstado != nil {
		return Leida{}, deEstado
	}
	if vista == nil {
		return Leida{}, err
	}
	return Leida{Compra: vista.Compra, Edad: s.estado.edad(*vista)}, nil
}

// DeUsuario gives at most limite (1 to MaxPagina) of a customer's purchases, newest first, after the cursor despues. With
// estados it is those that are in one of them. While the owner is away it is the last ones that are known here, page by page:
// each page says so by its Edad, and its cursors hold for the owner too. Older ones are NoDisponible then.
func (s *Servicio) DeUsuario(ctx context.Context, usuario string, limite int, despues string, estados ...contracts.Estado) (Pagina, error) {
	var v contracts.Validador
	v.Identificador("id_usuario", usuario)
	if limite < 1 || limite > MaxPagina {
		v.Falla("limite", FormaDeLimite)
	}
	if err := v.Error(); err != nil {
		return Pagina{}, err
	}
	desde, err := contracts.ParseCursor(despues)
	if err != nil {
		return Pagina{}, err
	}
	pagina, err := s.gestor.DeUsuario(ctx, usuario, limite, despues, estados...)
	if err == nil || errores.De(err) != errores.NoDisponible {
		return pagina, err
	}
	slog.WarnContext(ctx, "gestor-compra no responde: la lista es la que se conoce aquí", "error", err)
	pagina, err = s.estado.ultimasDe(ctx, usuario, desde)
	if len(estados) > 0 {
		pagina.Compras = slices.DeleteFunc(pagina.Compras, func(c contracts.Compra) bool { return !slices.Contains(estados, c.Estado) })
	}
	if len(pagina.Compras) > limite {
		pagina.Compras = pagina.Compras[:limite]
		pagina.Siguiente = contracts.CursorOf(pagina.Compras[limite-1]).String()
	}
	return pagina, err
}
