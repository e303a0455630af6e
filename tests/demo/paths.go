package main

import (
	"context"
	"fmt"
	"strings"

	"entregas/contracts"
)

// path is one course of a purchase: its lines, the acts of people meanwhile, and the state in which it must end.
type path struct {
	title  string
	compra func(ctx context.Context, d *demo) (contracts.SolicitudCompra, error)
	acts   []act
	end    contracts.Estado               // empty when the interface must refuse the purchase
	extra  func(c contracts.Compra) error // a further check of the ended purchase; nil for none
}

// act is the action of a person when the purchase enters a state.
type act struct {
	at   contracts.Estado
	said string // printed
	do   func(ctx context.Context, d *demo, c contracts.Compra) error
}

// Products of the catalogue that the demo buys.
const coffee, panela, oil, water, coffeeMaker, grinder = "1", "2", "6", "11", "13", "14"

// minimums is the number of units of each product that the demo needs on the shelf.
var minimums = map[string]int{coffee: 100, panela: 100, oil: 100, water: 500, coffeeMaker: 20, grinder: 1}

var paths = []path{
	{
		title:  "A purchase that is confirmed",
		compra: asCliente("ana", false, linea(coffee, 2), linea(coffeeMaker, 1)),
		end:    contracts.EstadoConfirmada,
		extra:  withOrden,
	},
	{
		title:  "With home delivery: it is served first",
		compra: asCliente("benito", true, linea(panela, 3)),
		end:    contracts.EstadoConfirmada,
		extra:  withOrden,
	},
	{
		title:  "Not enough stock",
		compra: moreThanInStock("carmen", grinder, linea(oil, 1)),
		end:    contracts.EstadoRechazada,
		extra:  withFaltante(grinder),
	},
	{
		title:  "Too many open purchases: refused before anything is reserved",
		compra: withTooManyOrdenes("mayorista", linea(water, 2)),
	},
	{
		title:  "A large purchase that an operator approves",
		compra: asCliente("diana", true, linea(water, tooBig)),
		acts:   []act{{contracts.EstadoPorAprobar, "an operator approves it", decide(true, "")}},
		end:    contracts.EstadoConfirmada,
		extra:  withOrden,
	},
	{
		title:  "A large purchase that an operator rejects: it is undone",
		compra: asCliente("ernesto", false, linea(water, tooBig)),
		acts:   []act{{contracts.EstadoPorAprobar, "an operator rejects it", decide(false, "Es demasiado para un solo camión.")}},
		end:    contracts.EstadoRechazada,
		extra:  undone,
	},
	{
		title:  "Cancelled while it waits for approval: it is undone",
		compra: asCliente("flor", false, linea(water, tooBig)),
		acts:   []act{{contracts.EstadoPorAprobar, "flor cancels it", cancelar("Ya no la necesito.")}},
		end:    contracts.EstadoCancelada,
		extra:  undone,
	},
	{
		title:  "Cancelled after it was confirmed: it is undone",
		compra: asCliente("gabriel", false, linea(coffee, 1), linea(panela, 1)),
		acts:   []act{{contracts.EstadoConfirmada, "gabriel cancels it", cancelar("Me equivoqué de producto.")}},
		end:    contracts.EstadoCancelada,
		extra:  undone,
	},
	{
		title:  "Confirmed and dispatched",
		compra: asCliente("helena", true, linea(coffee, 2), linea(oil, 1)),
		acts:   []act{{contracts.EstadoConfirmada, "the warehouse dispatches the order", despachar}},
		end:    contracts.EstadoDespachada,
	},
}

// tooBig is a number of units that needs the approval of an operator: more than APPROVAL_THRESHOLD of gestor-compra.
const tooBig = 150

func linea(id string, cantidad int) contracts.Linea {
	return contracts.Linea{IDProducto: id, Cantidad: cantidad}
}

// asCliente returns the purchase of these lines by usuario.
func asCliente(usuario string, domicilio bool, lineas ...contracts.Linea) func(context.Context, *demo) (contracts.SolicitudCompra, error) {
	return func(context.Context, *demo) (contracts.SolicitudCompra, error) {
		return contracts.SolicitudCompra{IDUsuario: usuario, Productos: lineas, Domicilio: domicilio}, nil
	}
}

// moreThanInStock returns a purchase of product id with three units more than the stock, and of the lines others, which are in stock.
func moreThanInStock(usuario, id string, others ...contracts.Linea) func(context.Context, *demo) (contracts.SolicitudCompra, error) {
	return func(ctx context.Context, d *demo) (contracts.SolicitudCompra, error) {
		p, err := d.client.Producto(ctx, id)
		return contracts.SolicitudCompra{IDUsuario: usuario, Productos: append(others, linea(id, p.Cantidad+3))}, err
	}
}

// withOrden checks that the purchase has an order.
func withOrden(c contracts.Compra) error {
	if c.IDOrden == "" {
		return fmt.Errorf("it is %s and has no order", c.Estado)
	}
	return nil
}

// withFaltante returns a check that the purchase names this product, and no other, as missing.
func withFaltante(id string) func(contracts.Compra) error {
	return func(c contracts.Compra) error {
		if len(c.Faltantes) != 1 || c.Faltantes[0].IDProducto != id || c.Faltantes[0].Disponible >= c.Faltantes[0].Solicitada {
			return fmt.Errorf("product %s should be the only one missing, and missing are %+v", id, c.Faltantes)
		}
		return nil
	}
}

// describe returns the products of lineas as words: "2 × Café de origen, 500 g and 1 × Cafetera".
func (d *demo) describe(lineas []contracts.Linea) string {
	var parts []string
	for _, l := range lineas {
		parts = append(parts, fmt.Sprintf("%d × %s", l.Cantidad, d.names[l.IDProducto]))
	}
	if n := len(parts); n > 1 {
		return strings.Join(parts[:n-1], "; ") + " and " + parts[n-1]
	}
	return strings.Join(parts, "")
}
