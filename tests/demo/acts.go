package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"entregas/contracts"
)

// decide returns an act in which an operator approves or rejects the purchase.
func decide(aprobada bool, motivo string) func(context.Context, *demo, contracts.Compra) error {
	return func(ctx context.Context, d *demo, c contracts.Compra) error {
		_, err := d.client.Decide(ctx, c.ID, aprobada, motivo)
		return err
	}
}

// cancelar returns an act in which the customer cancels the purchase.
func cancelar(motivo string) func(context.Context, *demo, contracts.Compra) error {
	return func(ctx context.Context, d *demo, c contracts.Compra) error {
		_, err := d.client.Cancelar(ctx, c.ID, motivo)
		return err
	}
}

// despachar is an act in which the warehouse dispatches the order.
func despachar(ctx context.Context, d *demo, c contracts.Compra) error {
	_, err := d.client.Despachar(ctx, c.IDOrden)
	return err
}

// undone checks that the history of the purchase shows how its reservation was undone, and why.
func undone(c contracts.Compra) error {
	var steps []string
	for _, h := range c.Historia {
		steps = append(steps, h.Paso)
	}
	history := strings.Join(steps, " ")
	if c.Motivo == "" || !strings.Contains(history, string(contracts.EstadoCompensando)) || !strings.Contains(history, string(contracts.LiberarReserva)) {
		return fmt.Errorf("the history should show how and why it was undone, and shows: %s (motivo %q)", history, c.Motivo)
	}
	return nil
}

// openOrdenes is how many open purchases a customer may have: MAX_OPEN_PER_CUSTOMER of ordenes.
const openOrdenes = 100

// withTooManyOrdenes gives the customer as many open orders as a customer may have, and returns one more purchase.
func withTooManyOrdenes(usuario string, lineas ...contracts.Linea) func(context.Context, *demo) (contracts.SolicitudCompra, error) {
	return func(ctx context.Context, d *demo) (contracts.SolicitudCompra, error) {
		s := contracts.SolicitudCompra{IDUsuario: usuario, Productos: lineas}
		openOnes, err := d.confirmedCount(ctx, usuario)
		if err != nil || openOnes >= openOrdenes {
			return s, err
		}
		d.paper.Dim("(%s has %d open orders and may have %d: the demo first opens the rest)", usuario, openOnes, openOrdenes)
		failures, turns := make(chan error, openOrdenes), make(chan struct{}, 16)
		var group sync.WaitGroup
		for range openOrdenes - openOnes {
			group.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				failures <- d.untilConfirmada(ctx, contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{linea(water, 1)}})
			})
		}
		group.Wait()
		close(failures)
		for err := range failures {
			if err != nil {
				return s, err
			}
		}
		return s, nil
	}
}

// confirmedCount returns how many purchases of the customer have an open order.
func (d *demo) confirmedCount(ctx context.Context, usuario string) (int, error) {
	n := 0
	for after := ""; ; {
		p, err := d.client.OfUsuario(ctx, usuario, 100, after)
		if err != nil {
			return n, err
		}
		for _, c := range p.Compras {
			if c.Estado == contracts.EstadoConfirmada {
				n++
			}
		}
		if after = p.Siguiente; after == "" {
			return n, nil
		}
	}
}
