package setup

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
)

// retellFor is how much of the end of a restored history is published again: a topic may have had it for a reader.
const retellFor = "1 hour"

// afterRestore are the changes that restored databases need, because topics and scheduler are new: docs/adr/a-backup-is-one-instant.md.
var afterRestore = []struct{ database, why, statement string }{
	{
		"dapr", "the reminders of workflows are gone: gestor-compra starts each anew, from the row of its purchase",
		`delete from state where key like '%||dapr.internal.%'`,
	},
	{
		"gestor_compra", "the reconciler need not wait for a sign of life that cannot come",
		`update compra c set replacement_asked = true
			where estado not in ('RECIBIDA', 'CONFIRMADA', 'DESPACHADA', 'RECHAZADA', 'CANCELADA', 'FALLIDA')
				or exists (select from tramite t where t.id_compra = c.id and t.terminado_en is null)`,
	},
	{
		"gestor_compra", "the bff and avisos may have missed the last changes of purchases",
		`update historia set published = false where en > (select max(en) from historia) - interval '` + retellFor + `'`,
	},
	{
		"ordenes", "gestor-compra may have missed the last dispatches",
		`insert into outbox (id_compra, tipo, data, traceparent)
			select id_compra, 'OrdenDespachada', jsonb_build_object('id_compra', id_compra, 'responde_a', '', 'id_orden', id::text, 'motivo', '',
				'sujeto', despachada_por, 'rol', despachada_rol), ''
			from orden where estado = 'DESPACHADA' and actualizada_en > (select max(actualizada_en) from orden) - interval '` + retellFor + `'
				and not exists (select from outbox x where x.id_compra = orden.id_compra)`,
	},
}

// undefinedTable is the code of PostgreSQL for a table that does not exist: the service of the database never ran.
const undefinedTable = "42P01"

// AfterRestore changes restored databases before the services start, so that the reconcilers find all that the lost topics and reminders
// had. connect opens a database as the administrator. A second run does no harm before the services have started; after that, it deletes
// the workflows of a live system. CheckUnused and Pulsar.CheckNew tell.
func AfterRestore(ctx context.Context, connect func(database string) (*pgx.Conn, error)) error {
	return inEach(ctx, connect, "")
}

// CheckRestore returns an error if AfterRestore would fail on these databases. It changes nothing.
func CheckRestore(ctx context.Context, connect func(database string) (*pgx.Conn, error)) error {
	return inEach(ctx, connect, "explain ")
}

// CheckUnused returns an error if a service uses its database: it is logged in as one of the roles. c is a connection of the administrator.
func CheckUnused(ctx context.Context, c *pgx.Conn, roles []Role) error {
	names := make([]string, 0, len(roles))
	for _, r := range roles {
		names = append(names, r.Name)
	}
	var users string
	if err := c.QueryRow(ctx, `select coalesce(string_agg(distinct format('%s (database %s)', usename, datname), ', '), '')
		from pg_stat_activity where usename = any($1)`, names).Scan(&users); err != nil {
		return err
	}
	if users != "" {
		return fmt.Errorf("the databases are in use by %s: this system is live, or its services must stop first", users)
	}
	return nil
}

func inEach(ctx context.Context, connect func(database string) (*pgx.Conn, error), prefix string) error {
	for _, step := range afterRestore {
		if err := in(ctx, connect, step.database, prefix+step.statement); err != nil {
			return fmt.Errorf("because %s: %w", step.why, err)
		}
	}
	return nil
}

// in runs a statement in a database. A table that does not exist is no error.
func in(ctx context.Context, connect func(database string) (*pgx.Conn, error), database, statement string) error {
	c, err := connect(database)
	if err == nil {
		_, err = c.Exec(ctx, statement)
		_ = c.Close(ctx)
	}
	var refused *pgconn.PgError
	if err == nil || errors.As(err, &refused) && refused.Code == undefinedTable {
		return nil
	}
	return fmt.Errorf("database %s: %w", database, err)
}

// ForgetLostWorkflows deletes what is left of workflows that nobody moves: the reminders that would have ended them were on a disk of the
// scheduler that was lost. No workflow stands still that long: a program does not start with a wait above contracts.LongestWait. Each set-up calls it.
func ForgetLostWorkflows(ctx context.Context, connect func(database string) (*pgx.Conn, error)) error {
	return in(ctx, connect, "dapr", fmt.Sprintf(`delete from state where key like '%%||dapr.internal.%%'
		and coalesce(updated_at, created_at) < now() - interval '%d hours'`, int(contracts.Retention.Hours())))
}
