package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"entregas/contracts"
)

func decidir(aprobada bool, motivo string) func(context.Context, *demo, contracts.Compra) error {
	return func(ctx context.Context, d *demo, c contracts.Compra) error {
		_, err := d.cliente.Decidir(ctx, c.ID, aprobada, motivo)
		return err
	}
}

func cancelar(motivo string) func(context.Context, *demo, contracts.Compra) error {
	return func(ctx context.Context, d *demo, c contracts.Compra) error {
		_, err := d.cliente.Cancelar(ctx, c.ID, motivo)
		return err
	}
}

func despachar(ctx context.Context, d *demo, c contracts.Compra) error {
	_, err := d.cliente.Despachar(ctx, c.IDOrden)
	return err
}

// deshecha requires that a reservation was made, and undone, and that the purchase says why.
func deshecha(c contracts.Compra) error {
	var pasos []string
	for _, h := range c.Historia {
		pasos = append(pasos, h.Paso)
	}
	historia := strings.Join(pasos, " ")
	if c.Motivo == "" || !strings.Contains(historia, string(contracts.EstadoCompensando)) || !strings.Contains(historia, string(contracts.LiberarReserva)) {
		return fmt.Errorf("debía contar cómo y por qué se deshizo, y cuenta: %s (motivo %q)", historia, c.Motivo)
	}
	return nil
}

// ordenesAbiertas is how many purchases a customer may have open (MAX_OPEN_PER_CUSTOMER).
const ordenesAbiertas = 100

// conDemasiadasOrdenes lets the customer have all the open orders that one may have, and then buy once more.
func conDemasiadasOrdenes(usuario string, lineas ...contracts.Linea) func(context.Context, *demo) (contracts.SolicitudCompra, error) {
	return func(ctx context.Context, d *demo) (contracts.SolicitudCompra, error) {
		s := contracts.SolicitudCompra{IDUsuario: usuario, Productos: lineas}
		abiertas, err := d.confirmadas(ctx, usuario)
		if err != nil || abiertas >= ordenesAbiertas {
			return s, err
		}
		d.papel.Tenue("(el %s tiene %d órdenes abiertas y puede tener %d: abre las que faltan)", usuario, abiertas, ordenesAbiertas)
		fallos, turnos := make(chan error, ordenesAbiertas), make(chan struct{}, 16)
		var grupo sync.WaitGroup
		for range ordenesAbiertas - abiertas {
			grupo.Go(func() {
				turnos <- struct{}{}
				defer func() { <-turnos }()
				fallos <- d.hastaConfirmada(ctx, contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{linea(agua, 1)}})
			})
		}
		grupo.Wait()
		close(fallos)
		for err := range fallos {
			if err != nil {
				return s, err
			}
		}
		return s, nil
	}
}

// confirmadas counts the customer's purchases whose order is open.
func (d *demo) confirmadas(ctx context.Context, usuario string) (int, error) {
	n := 0
	for despues := ""; ; {
		p, err := d.cliente.DeUsuario(ctx, usuario, 100, despues)
		if err != nil {
			return n, err
		}
		for _, c := range p.Compras {
			if c.Estado == contracts.EstadoConfirmada {
				n++
			}
		}
		if despues = p.Siguiente; despues == "" {
			return n, nil
		}
	}
}
