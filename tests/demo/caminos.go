package main

import (
	"context"
	"fmt"
	"strings"

	"entregas/contracts"
)

// camino is one way a purchase can go: what is bought, what somebody does to it meanwhile, and how it must end.
type camino struct {
	titulo string
	compra func(ctx context.Context, d *demo) (contracts.SolicitudCompra, error)
	actos  []acto
	fin    contracts.Estado               // "": it is refused at the door
	ademas func(c contracts.Compra) error // what must be true besides, nil for nothing
}

// acto is what a person does once the purchase has entered a state.
type acto struct {
	en    contracts.Estado
	dicho string // told in the drawing
	hacer func(ctx context.Context, d *demo, c contracts.Compra) error
}

// Products of the catalogue that the demo buys.
const cafe, panela, aceite, agua, cafetera, molino = "1", "2", "6", "11", "13", "14"

// minimos is how many of each must be on the shelf for the demo to begin.
var minimos = map[string]int{cafe: 100, panela: 100, aceite: 100, agua: 500, cafetera: 20, molino: 1}

var caminos = []camino{
	{
		titulo: "Una compra que se confirma",
		compra: deCliente("ana", false, linea(cafe, 2), linea(cafetera, 1)),
		fin:    contracts.EstadoConfirmada,
		ademas: conOrden,
	},
	{
		titulo: "Con entrega a domicilio: se atiende primero",
		compra: deCliente("benito", true, linea(panela, 3)),
		fin:    contracts.EstadoConfirmada,
		ademas: conOrden,
	},
	{
		titulo: "No alcanzan las existencias",
		compra: masDeLoQueHay("carmen", molino, linea(aceite, 1)),
		fin:    contracts.EstadoRechazada,
		ademas: conFaltante(molino),
	},
	{
		titulo: "Demasiadas compras abiertas: se niega antes de reservar nada",
		compra: conDemasiadasOrdenes("mayorista", linea(agua, 2)),
	},
	{
		titulo: "Una compra grande que un operador aprueba",
		compra: deCliente("diana", true, linea(agua, grande)),
		actos:  []acto{{contracts.EstadoPorAprobar, "un operador la aprueba", decidir(true, "")}},
		fin:    contracts.EstadoConfirmada,
		ademas: conOrden,
	},
	{
		titulo: "Una compra grande que un operador no aprueba",
		compra: deCliente("ernesto", false, linea(agua, grande)),
		actos:  []acto{{contracts.EstadoPorAprobar, "un operador no la aprueba", decidir(false, "Es demasiado para un solo camión.")}},
		fin:    contracts.EstadoRechazada,
		ademas: deshecha,
	},
	{
		titulo: "Cancelada mientras corre",
		compra: deCliente("flor", false, linea(agua, grande)),
		actos:  []acto{{contracts.EstadoPorAprobar, "flor se arrepiente", cancelar("Ya no la necesito.")}},
		fin:    contracts.EstadoCancelada,
		ademas: deshecha,
	},
	{
		titulo: "Cancelada después de confirmada",
		compra: deCliente("gabriel", false, linea(cafe, 1), linea(panela, 1)),
		actos:  []acto{{contracts.EstadoConfirmada, "gabriel se arrepiente", cancelar("Me equivoqué de producto.")}},
		fin:    contracts.EstadoCancelada,
		ademas: deshecha,
	},
	{
		titulo: "Despachada",
		compra: deCliente("helena", true, linea(cafe, 2), linea(aceite, 1)),
		actos:  []acto{{contracts.EstadoConfirmada, "la bodega despacha la orden", despachar}},
		fin:    contracts.EstadoDespachada,
	},
}

// grande is more than gestor-compra confirms without an operator (APPROVAL_THRESHOLD).
const grande = 150

func linea(id string, cantidad int) contracts.Linea {
	return contracts.Linea{IDProducto: id, Cantidad: cantidad}
}

// deCliente buys these lines.
func deCliente(usuario string, domicilio bool, lineas ...contracts.Linea) func(context.Context, *demo) (contracts.SolicitudCompra, error) {
	return func(context.Context, *demo) (contracts.SolicitudCompra, error) {
		return contracts.SolicitudCompra{IDUsuario: usuario, Productos: lineas, Domicilio: domicilio}, nil
	}
}

// masDeLoQueHay wants a few more of a product than there are, and of others some that there are.
func masDeLoQueHay(usuario, id string, otras ...contracts.Linea) func(context.Context, *demo) (contracts.SolicitudCompra, error) {
	return func(ctx context.Context, d *demo) (contracts.SolicitudCompra, error) {
		p, err := d.cliente.Producto(ctx, id)
		return contracts.SolicitudCompra{IDUsuario: usuario, Productos: append(otras, linea(id, p.Cantidad+3))}, err
	}
}

func conOrden(c contracts.Compra) error {
	if c.IDOrden == "" {
		return fmt.Errorf("quedó %s sin orden", c.Estado)
	}
	return nil
}

// conFaltante requires that the purchase tells of this product, and only of it, how many there are.
func conFaltante(id string) func(contracts.Compra) error {
	return func(c contracts.Compra) error {
		if len(c.Faltantes) != 1 || c.Faltantes[0].IDProducto != id || c.Faltantes[0].Disponible >= c.Faltantes[0].Solicitada {
			return fmt.Errorf("debía decir que falta %s, y dice %+v", id, c.Faltantes)
		}
		return nil
	}
}

// nombrar says lines in words: "2 × Café de origen, 500 g y 1 × Cafetera".
func (d *demo) nombrar(lineas []contracts.Linea) string {
	var partes []string
	for _, l := range lineas {
		partes = append(partes, fmt.Sprintf("%d × %s", l.Cantidad, d.nombres[l.IDProducto]))
	}
	if n := len(partes); n > 1 {
		return strings.Join(partes[:n-1], "; ") + " y " + partes[n-1]
	}
	return strings.Join(partes, "")
}
