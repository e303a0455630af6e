package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
)

// demo is one run of this program.
type demo struct {
	env     client.Env
	client  *client.Client
	paper   *paper
	mark    string // a name of this run, for the keys of its restocks
	names   map[string]string
	first   string // the id of the first purchase, which is ana's
	results []result
}

// result describes the end of one purchase. end is empty when the interface refused the purchase.
type result struct {
	number int
	title  string
	end    contracts.Estado
	took   time.Duration
}

// restock reads the names of the products, and restocks the units that earlier runs bought.
func (d *demo) restock(ctx context.Context) error {
	productos, err := d.client.Productos(ctx)
	if err != nil {
		return fmt.Errorf("the system does not answer (make status tells what is missing): %w", err)
	}
	d.names = map[string]string{}
	for _, p := range productos {
		d.names[p.ID] = p.Nombre
	}
	restocked, err := d.client.Restock(ctx, minimums, "demo-"+d.mark)
	for _, r := range restocked {
		d.paper.Line("Restocked %d × %s: %d were left.", r.After.Cantidad-r.Before.Cantidad, r.Before.Nombre, r.Before.Cantidad)
	}
	return err
}

// walk sends one purchase and prints its steps until it is in the state in which it must end.
func (d *demo) walk(ctx context.Context, number int, c path) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	d.paper.Title("%d. %s", number, c.title)
	solicitud, err := c.compra(ctx, d)
	if err != nil {
		return err
	}
	d.paper.Line("%s buys %s", solicitud.IDUsuario, d.describe(solicitud.Productos))
	accepted, err := d.client.Comprar(ctx, solicitud)
	var refused *client.Problem
	if c.end == "" && errors.As(err, &refused) && refused.Status == http.StatusConflict {
		d.paper.Line("The interface answers %d: %s", refused.Status, refused.Detail)
		d.results = append(d.results, result{number: number, title: c.title})
		return nil
	}
	if err != nil {
		return err
	}
	if d.first == "" {
		d.first = accepted.ID
	}
	d.paper.Dim("compra %s", accepted.ID)
	e := scene{demo: d, number: number, path: c, acts: c.acts}
	if err := d.client.Follow(ctx, accepted.ID, func(view contracts.Compra) error { return e.visit(ctx, view) }); err != nil {
		return fmt.Errorf("compra %s, which is %q: %w", accepted.ID, e.estado, err)
	}
	return nil
}

// scene is one purchase while its steps are printed.
type scene struct {
	number int
	demo   *demo
	path   path
	acts   []act // the acts that are still to do
	seen   int   // the number of the last history entry that was printed
	start  time.Time
	estado contracts.Estado
}

// visit prints the new entries in the history of the purchase, and does the next act when the purchase is in the state of that act. It
// returns client.ErrEnough at the end.
func (e *scene) visit(ctx context.Context, c contracts.Compra) error {
	if e.start.IsZero() {
		e.start = c.CreadaEn
	}
	e.estado = c.Estado
	for _, h := range c.Historia {
		if h.Numero > e.seen {
			e.seen = h.Numero
			e.demo.paper.Step(h.En.Sub(e.start), h.Paso, h.Detalle)
		}
	}
	if len(e.acts) > 0 && e.acts[0].at == c.Estado {
		a := e.acts[0]
		e.acts = e.acts[1:]
		e.demo.paper.Act(a.said)
		return a.do(ctx, e.demo, c)
	}
	switch {
	case c.Estado == e.path.end && len(e.acts) == 0:
		return e.end(c)
	case c.Estado.AtRest() && !e.canProceed(c.Estado):
		return fmt.Errorf("it should end %s and ended %s: %s", e.path.end, c.Estado, c.Motivo)
	}
	return nil
}

// canProceed reports whether a confirmed purchase still has to be dispatched or cancelled on this path.
func (e *scene) canProceed(estado contracts.Estado) bool {
	return estado == contracts.EstadoConfirmada && (e.path.end == contracts.EstadoDespachada || e.path.end == contracts.EstadoCancelada)
}

// untilConfirmada buys and waits until the purchase is confirmed. It prints nothing.
func (d *demo) untilConfirmada(ctx context.Context, s contracts.SolicitudCompra) error {
	accepted, err := d.client.Comprar(ctx, s)
	if err != nil {
		return err
	}
	return d.client.Follow(ctx, accepted.ID, func(c contracts.Compra) error {
		switch {
		case c.Estado == contracts.EstadoConfirmada:
			return client.ErrEnough
		case c.Estado.AtRest():
			return fmt.Errorf("compra %s ended %s: %s", c.ID, c.Estado, c.Motivo)
		}
		return nil
	})
}

// end prints why the purchase ended, if there is a reason, and does the further check of the path.
func (e *scene) end(c contracts.Compra) error {
	for _, f := range c.Faltantes {
		e.demo.paper.Note("missing: %s, %d wanted, %d there", e.demo.names[f.IDProducto], f.Solicitada, f.Disponible)
	}
	if c.Motivo != "" && c.Motivo != c.Historia[len(c.Historia)-1].Detalle {
		e.demo.paper.Note("%s", c.Motivo)
	}
	if e.path.extra != nil {
		if err := e.path.extra(c); err != nil {
			return err
		}
	}
	if c.IDOrden != "" {
		e.demo.paper.Dim("orden  %s", c.IDOrden)
	}
	e.demo.results = append(e.demo.results, result{e.number, e.path.title, c.Estado, c.Historia[len(c.Historia)-1].En.Sub(e.start)})
	return client.ErrEnough
}
