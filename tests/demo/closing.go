package main

import (
	"context"

	"entregas/tests/client"
)

// books shows that no unit was lost or made up, over everything that this system ever did.
func (d *demo) books(ctx context.Context) error {
	database, err := client.OpenDatabase(ctx, d.env.ProductosDSN)
	if err != nil {
		return err
	}
	defer database.Close()
	accounts, err := client.Books(ctx, database)
	if err != nil {
		return err
	}
	t := client.Total(accounts)
	d.paper.Title("Los libros (vista balance, %d productos, en unidades)", len(accounts))
	d.paper.Line("iniciales %d + repuestas %d = en existencias %d + reservadas %d + despachadas %d; diferencia %d",
		t.Inicial, t.Repuesto, t.Existencias, t.Reservado, t.Despachado, t.Diferencia)
	return client.Balanced(accounts)
}

// addresses tells what to try next.
func (d *demo) addresses() {
	b := d.env.BFF
	d.paper.Title("El sistema sigue arriba")
	d.paper.Line("página    %s (entre como quien quiera: cliente u operador)", b)
	d.paper.Line("REST      %s/docs", b)
	d.paper.Line("GraphQL   %s/graphiql", b)
	d.paper.Line("en vivo   %s/stream", b)
	d.paper.Line("colas     %s/metrics", d.env.Monitor)
	d.paper.Line("Pulsar    %s/admin/v2/persistent/public/default", d.env.PulsarAdmin)
	d.paper.Title("Pruebe")
	d.paper.Line(`ana="Authorization: Bearer $(make -s token ROL=cliente USUARIO=ana)"`)
	d.paper.Line(`curl -s %s/api/compras -H "$ana" --json '{"productos": [{"id_producto": "1", "cantidad": 2}]}'`, b)
	if d.first != "" {
		d.paper.Line(`curl -s %s/api/compras/%s -H "$ana"`, b, d.first)
	}
	d.paper.Line("make status, make logs S=gestor-compra, make psql DB=productos; make down lo para")
}
