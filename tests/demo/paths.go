package main

import (
	"context"
	"fmt"
	"strings"

	"entregas/contracts"
)

// course is one way a purchase can go: what is bought, what somebody does to it meanwhile, and how it must end.
type path struct {
	title  string
	compra func(ctx context.Context, d *demo) (contracts.SolicitudCompra, error)
	acts   []act
	end    contracts.Estado               // "": it is refused at the door
	extra  func(c contracts.Compra) error // what must be true besides, nil for nothing
}

// act is what a person does once the purchase has entered a state.
type act struct {
	at   contracts.Estado
	said string // told in the drawing
	do   func(ctx context.Context, d *demo, c contracts.Compra) error
}

// Products of the catalogue that the demo buys.
const coffee, panela, oil, water, coffeeMaker, grinder = "1", "2", "6", "11", "13", "14"

// minimums is how many of each must be on the shelf for the demo to begin.
var minimums = map[string]int{coffee: 100, panela: 100, oil: 100, water: 500, coffeeMaker: 20, grinder: 1}

var paths = []path{
	{
		title:  "Una compra que se confirma",
		compra: asCliente("ana", false, linea(coffee, 2), linea(coffeeMaker, 1)),
		end:    contracts.EstadoConfirmada,
		extra:  withOrden,
	},
	{
		title:  "Con entrega a domicilio: se atiende primero",
		compra: asCliente("benito", true, linea(panela, 3)),
		end:    contracts.EstadoConfirmada,
		extra:  withOrden,
	},
	{
		title:  "No alcanzan las existencias",
		compra: moreThanInStock("carmen", grinder, linea(oil, 1)),
		end:    contracts.EstadoRechazada,
		extra:  withFaltante(grinder),
	},
	{
		title:  "Demasiadas compras abiertas: se niega antes de reservar nada",
		compra: withTooManyOrdenes("mayorista", linea(water, 2)),
	},
	{
		title:  "Una compra grande que un operador aprueba",
		compra: asCliente("diana", true, linea(water, tooBig)),
		acts:   []act{{contracts.EstadoPorAprobar, "un operador la aprueba", decide(true, "")}},
		end:    contracts.EstadoConfirmada,
		extra:  withOrden,
	},
	{
		title:  "Una compra grande que un operador no aprueba",
		compra: asCliente("ernesto", false, linea(water, tooBig)),
		acts:   []act{{contracts.EstadoPorAprobar, "un operador no la aprueba", decide(false, "Es demasiado para un solo camión.")}},
		end:    contracts.EstadoRechazada,
		extra:  undone,
	},
	{
		title:  "Cancelada mientras corre",
		compra: asCliente("flor", false, linea(water, tooBig)),
		acts:   []act{{contracts.EstadoPorAprobar, "flor se arrepiente", cancelar("Ya no la necesito.")}},
		end:    contracts.EstadoCancelada,
		extra:  undone,
	},
	{
		title:  "Cancelada después de confirmada",
		compra: asCliente("gabriel", false, linea(coffee, 1), linea(panela, 1)),
		acts:   []act{{contracts.EstadoConfirmada, "gabriel se arrepiente", cancelar("Me equivoqué de producto.")}},
		end:    contracts.EstadoCancelada,
		extra:  undone,
	},
	{
		title:  "Despachada",
		compra: asCliente("helena", true, linea(coffee, 2), linea(oil, 1)),
		acts:   []act{{contracts.EstadoConfirmada, "la bodega despacha la orden", despachar}},
		end:    contracts.EstadoDespachada,
	},
}

// tooBig is more than gestor-compra confirms without an operator (APPROVAL_THRESHOLD).
const tooBig = 150

func linea(id string, cantidad int) contracts.Linea {
	return contracts.Linea{IDProducto: id, Cantidad: cantidad}
}

// asCliente buys these lines.
func asCliente(usuario string, domicilio bool, lineas ...contracts.Linea) func(context.Context, *demo) (contracts.SolicitudCompra, error) {
	return func(context.Context, *demo) (contracts.SolicitudCompra, error) {
		return contracts.SolicitudCompra{IDUsuario: usuario, Productos: lineas, Domicilio: domicilio}, nil
	}
}

// moreThanInStock wants a few more of a product than there are, and of others some that there are.
func moreThanInStock(usuario, id string, others ...contracts.Linea) func(context.Context, *demo) (contracts.SolicitudCompra, error) {
	return func(ctx context.Context, d *demo) (contracts.SolicitudCompra, error) {
		p, err := d.client.Producto(ctx, id)
		return contracts.SolicitudCompra{IDUsuario: usuario, Productos: append(others, linea(id, p.Cantidad+3))}, err
	}
}

func withOrden(c contracts.Compra) error {
	if c.IDOrden == "" {
		return fmt.Errorf("quedó %s sin orden", c.Estado)
	}
	return nil
}

// withFaltante requires that the purchase tells of this product, and only of it, how many there are.
func withFaltante(id string) func(contracts.Compra) error {
	return func(c contracts.Compra) error {
		if len(c.Faltantes) != 1 || c.Faltantes[0].IDProducto != id || c.Faltantes[0].Disponible >= c.Faltantes[0].Solicitada {
			return fmt.Errorf("debía decir que falta %s, y dice %+v", id, c.Faltantes)
		}
		return nil
	}
}

// describe says lines in words: "2 × Café de origin, 500 g y 1 × Cafetera".
func (d *demo) describe(lineas []contracts.Linea) string {
	var parts []string
	for _, l := range lineas {
		parts = append(parts, fmt.Sprintf("%d × %s", l.Cantidad, d.names[l.IDProducto]))
	}
	if n := len(parts); n > 1 {
		return strings.Join(parts[:n-1], "; ") + " y " + parts[n-1]
	}
	return strings.Join(parts, "")
}
