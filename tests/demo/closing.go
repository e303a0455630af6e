package main

import (
	"context"

	"entregas/tests/client"
)

// introduce prints an explanation of the output that follows.
func (d *demo) introduce() {
	d.paper.Title("%d purchases, sent to the public interface at %s", len(paths), d.env.BFF)
	d.paper.Line("● is a state that the purchase enters, · another step of it, ▸ what a person does. Seconds count from the purchase's arrival.")
	d.paper.Line("States, messages and the texts for customers are in Spanish, the language of the business.")
}

// summarize prints one line for each purchase: what was bought, and how it ended.
func (d *demo) summarize() {
	d.paper.Title("What happened")
	for _, r := range d.results {
		d.paper.Result(r)
	}
}

// books prints the books: no unit was lost or made up since this system was set up. It returns an error when the books do not balance.
func (d *demo) books(ctx context.Context) error {
	accounts, err := client.ReadBooks(ctx, d.env.ProductosDSN)
	if err != nil {
		return err
	}
	t := client.Total(accounts)
	d.paper.Title("The books: units of all %d products since the system was set up (view balance)", len(accounts))
	d.paper.Line("came in   %7d   (%d at the start, %d restocked)", t.Inicial+t.Repuesto+t.Corregido, t.Inicial, t.Repuesto+t.Corregido)
	d.paper.Line("are here  %7d   (%d on the shelf, %d reserved, %d dispatched)", t.Existencias+t.Reservado+t.Despachado, t.Existencias, t.Reservado, t.Despachado)
	if err := client.Balanced(accounts); err != nil {
		return err
	}
	d.paper.Line("No unit was lost or made up.")
	return nil
}

// addresses prints the addresses of the pages that a reader can open next.
func (d *demo) addresses() {
	b := d.env.BFF
	d.paper.Title("The system is still up. Look at it:")
	d.paper.Line("pages     %s   (sign in with any name, as cliente or operador)", b)
	d.paper.Line("REST      %s/docs", b)
	d.paper.Line("GraphQL   %s/graphiql", b)
	d.paper.Line("metrics   %s/metrics", d.env.Monitor)
	d.paper.Line("Pulsar    %s/admin/v2/persistent/public/default", d.env.PulsarAdmin)
	d.paper.Title("Buy something yourself:")
	d.paper.Line(`ana="Authorization: Bearer $(make -s token ROL=cliente USUARIO=ana)"`)
	d.paper.Line(`curl -s %s/api/compras -H "$ana" --json '{"productos": [{"id_producto": "1", "cantidad": 2}]}'`, b)
	if d.first != "" {
		d.paper.Line(`curl -s %s/api/compras/%s -H "$ana"   # the first purchase of this demo`, b, d.first)
	}
	d.paper.Title("Or use the commands:")
	d.paper.Line("make status                  the processes and their health")
	d.paper.Line("make logs S=gestor-compra    what one of them says")
	d.paper.Line("make psql DB=productos       a console of a database")
	d.paper.Line("make down                    stops everything and keeps the data")
}
