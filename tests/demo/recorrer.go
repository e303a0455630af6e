package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"entregas/contracts"
	"entregas/tests/cliente"
)

type demo struct {
	entorno cliente.Entorno
	cliente *cliente.Cliente
	papel   *papel
	marca   string // of this run: names its restocks
	nombres map[string]string
	primera string // id of the first purchase, which is ana's, for the `curl` to try
}

// surtir learns the products' names and puts back what earlier runs bought.
func (d *demo) surtir(ctx context.Context) error {
	productos, err := d.cliente.Productos(ctx)
	if err != nil {
		return fmt.Errorf("el sistema no responde (make status dice qué falta): %w", err)
	}
	d.nombres = map[string]string{}
	for _, p := range productos {
		d.nombres[p.ID] = p.Nombre
	}
	repuestos, err := d.cliente.Surtir(ctx, minimos, "demo-"+d.marca)
	for _, r := range repuestos {
		d.papel.Linea("Repuse %d × %s: quedaban %d.", r.Ahora.Cantidad-r.Antes.Cantidad, r.Antes.Nombre, r.Antes.Cantidad)
	}
	return err
}

// recorrer sends one purchase and draws it until it is where it must end.
func (d *demo) recorrer(ctx context.Context, numero int, c camino) error {
	ctx, soltar := context.WithTimeout(ctx, plazo)
	defer soltar()
	d.papel.Titulo("%d. %s", numero, c.titulo)
	solicitud, err := c.compra(ctx, d)
	if err != nil {
		return err
	}
	d.papel.Linea("%s compra %s", solicitud.IDUsuario, d.nombrar(solicitud.Productos))
	aceptada, err := d.cliente.Comprar(ctx, solicitud)
	var refused *cliente.Problema
	if c.fin == "" && errors.As(err, &refused) && refused.Status == http.StatusConflict {
		d.papel.Linea("La puerta responde %d: %s", refused.Status, refused.Detail)
		return nil
	}
	if err != nil {
		return err
	}
	if d.primera == "" {
		d.primera = aceptada.ID
	}
	d.papel.Tenue("compra %s", aceptada.ID)
	e := escena{demo: d, camino: c, actos: c.actos}
	if err := d.cliente.Seguir(ctx, aceptada.ID, func(vista contracts.Compra) error { return e.ver(ctx, vista) }); err != nil {
		return fmt.Errorf("compra %s, que quedó %q: %w", aceptada.ID, e.estado, err)
	}
	return nil
}

// escena is one purchase while it is drawn.
type escena struct {
	demo   *demo
	camino camino
	actos  []acto // still to be done
	visto  int    // the number of the last history entry drawn
	inicio time.Time
	estado contracts.Estado
}

// ver draws what is new in the purchase, does what somebody does now, and says cliente.ErrBasta at the end.
func (e *escena) ver(ctx context.Context, c contracts.Compra) error {
	if e.inicio.IsZero() {
		e.inicio = c.CreadaEn
	}
	e.estado = c.Estado
	for _, h := range c.Historia {
		if h.Numero > e.visto {
			e.visto = h.Numero
			e.demo.papel.Paso(h.En.Sub(e.inicio), h.Paso, h.Detalle)
		}
	}
	if len(e.actos) > 0 && e.actos[0].en == c.Estado {
		a := e.actos[0]
		e.actos = e.actos[1:]
		e.demo.papel.Acto(a.dicho)
		return a.hacer(ctx, e.demo, c)
	}
	switch {
	case c.Estado == e.camino.fin && len(e.actos) == 0:
		return e.cerrar(c)
	case c.Estado.Reposa() && !e.puedeSeguir(c.Estado):
		return fmt.Errorf("debía terminar %s y terminó %s: %s", e.camino.fin, c.Estado, c.Motivo)
	}
	return nil
}

// puedeSeguir tells that a confirmed purchase is on its way out of the warehouse, or out of the books.
func (e *escena) puedeSeguir(estado contracts.Estado) bool {
	return estado == contracts.EstadoConfirmada && (e.camino.fin == contracts.EstadoDespachada || e.camino.fin == contracts.EstadoCancelada)
}

// hastaConfirmada buys without drawing.
func (d *demo) hastaConfirmada(ctx context.Context, s contracts.SolicitudCompra) error {
	aceptada, err := d.cliente.Comprar(ctx, s)
	if err != nil {
		return err
	}
	return d.cliente.Seguir(ctx, aceptada.ID, func(c contracts.Compra) error {
		switch {
		case c.Estado == contracts.EstadoConfirmada:
			return cliente.ErrBasta
		case c.Estado.Reposa():
			return fmt.Errorf("la compra %s terminó %s: %s", c.ID, c.Estado, c.Motivo)
		}
		return nil
	})
}

// cerrar tells why the purchase ended so, where that is said, and checks what must be true besides.
func (e *escena) cerrar(c contracts.Compra) error {
	for _, f := range c.Faltantes {
		e.demo.papel.Nota("falta %s: quería %d y hay %d", e.demo.nombres[f.IDProducto], f.Solicitada, f.Disponible)
	}
	if c.Motivo != "" && c.Motivo != c.Historia[len(c.Historia)-1].Detalle {
		e.demo.papel.Nota("%s", c.Motivo)
	}
	if e.camino.ademas != nil {
		if err := e.camino.ademas(c); err != nil {
			return err
		}
	}
	if c.IDOrden != "" {
		e.demo.papel.Tenue("orden  %s", c.IDOrden)
	}
	return cliente.ErrBasta
}
