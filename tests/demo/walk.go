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

type demo struct {
	env    client.Env
	client *client.Client
	paper  *paper
	mark   string // of this run: names its restocks
	names  map[string]string
	first  string // id of the first purchase, which is ana's, for the `curl` to try
}

// restock learns the products' names and puts back what earlier runs bought.
func (d *demo) restock(ctx context.Context) error {
	productos, err := d.client.Productos(ctx)
	if err != nil {
		return fmt.Errorf("el sistema no responde (make status dice qué falta): %w", err)
	}
	d.names = map[string]string{}
	for _, p := range productos {
		d.names[p.ID] = p.Nombre
	}
	restocked, err := d.client.Restock(ctx, minimums, "demo-"+d.mark)
	for _, r := range restocked {
		d.paper.Line("Repuse %d × %s: quedaban %d.", r.After.Cantidad-r.Before.Cantidad, r.Before.Nombre, r.Before.Cantidad)
	}
	return err
}

// walk sends one purchase and draws it until it is where it must end.
func (d *demo) walk(ctx context.Context, number int, c path) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	d.paper.Title("%d. %s", number, c.title)
	solicitud, err := c.compra(ctx, d)
	if err != nil {
		return err
	}
	d.paper.Line("%s compra %s", solicitud.IDUsuario, d.describe(solicitud.Productos))
	accepted, err := d.client.Comprar(ctx, solicitud)
	var refused *client.Problem
	if c.end == "" && errors.As(err, &refused) && refused.Status == http.StatusConflict {
		d.paper.Line("La puerta responde %d: %s", refused.Status, refused.Detail)
		return nil
	}
	if err != nil {
		return err
	}
	if d.first == "" {
		d.first = accepted.ID
	}
	d.paper.Dim("compra %s", accepted.ID)
	e := scene{demo: d, path: c, acts: c.acts}
	if err := d.client.Follow(ctx, accepted.ID, func(view contracts.Compra) error { return e.visit(ctx, view) }); err != nil {
		return fmt.Errorf("compra %s, que quedó %q: %w", accepted.ID, e.estado, err)
	}
	return nil
}

// scene is one purchase while it is drawn.
type scene struct {
	demo   *demo
	path   path
	acts   []act // still to be done
	seen   int   // the number of the last history entry drawn
	start  time.Time
	estado contracts.Estado
}

// ver draws what is new in the purchase, does what somebody does now, and says cliente.ErrEnough at the end.
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
		return fmt.Errorf("debía terminar %s y terminó %s: %s", e.path.end, c.Estado, c.Motivo)
	}
	return nil
}

// canProceed tells that a confirmed purchase is on its way out of the warehouse, or out of the books.
func (e *scene) canProceed(estado contracts.Estado) bool {
	return estado == contracts.EstadoConfirmada && (e.path.end == contracts.EstadoDespachada || e.path.end == contracts.EstadoCancelada)
}

// untilConfirmada buys without drawing.
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
			return fmt.Errorf("la compra %s terminó %s: %s", c.ID, c.Estado, c.Motivo)
		}
		return nil
	})
}

// shutDown tells why the purchase ended so, where that is said, and checks what must be true besides.
func (e *scene) end(c contracts.Compra) error {
	for _, f := range c.Faltantes {
		e.demo.paper.Note("falta %s: quería %d y hay %d", e.demo.names[f.IDProducto], f.Solicitada, f.Disponible)
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
	return client.ErrEnough
}
