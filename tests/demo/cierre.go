package main

import (
	"context"

	"entregas/tests/cliente"
)

// libros shows that no unit was lost or made up, over everything that this system ever did.
func (d *demo) libros(ctx context.Context) error {
	base, err := cliente.AbrirBase(ctx, d.entorno.DSNProductos)
	if err != nil {
		return err
	}
	defer base.Cerrar()
	cuentas, err := cliente.Libros(ctx, base)
	if err != nil {
		return err
	}
	t := cliente.Total(cuentas)
	d.papel.Titulo("Los libros (vista balance, %d productos, en unidades)", len(cuentas))
	d.papel.Linea("iniciales %d + repuestas %d = en existencias %d + reservadas %d + despachadas %d; diferencia %d",
		t.Inicial, t.Repuesto, t.Existencias, t.Reservado, t.Despachado, t.Diferencia)
	return cliente.Cuadran(cuentas)
}

// direcciones tells what to try next.
func (d *demo) direcciones() {
	b := d.entorno.BFF
	d.papel.Titulo("El sistema sigue arriba")
	d.papel.Linea("página    %s (entre como quien quiera: cliente u operador)", b)
	d.papel.Linea("REST      %s/docs", b)
	d.papel.Linea("GraphQL   %s/graphiql", b)
	d.papel.Linea("en vivo   %s/stream", b)
	d.papel.Linea("colas     %s/metrics", d.entorno.Monitor)
	d.papel.Linea("Pulsar    %s/admin/v2/persistent/public/default", d.entorno.PulsarAdmin)
	d.papel.Titulo("Pruebe")
	d.papel.Linea(`ana="Authorization: Bearer $(make -s token ROL=cliente USUARIO=ana)"`)
	d.papel.Linea(`curl -s %s/api/compras -H "$ana" --json '{"productos": [{"id_producto": "1", "cantidad": 2}]}'`, b)
	if d.primera != "" {
		d.papel.Linea(`curl -s %s/api/compras/%s -H "$ana"`, b, d.primera)
	}
	d.papel.Linea("make status, make logs S=gestor-compra, make psql DB=productos; make down lo para")
}
