package setup

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// database returns a function that opens a new database with the tables of statements. Without TEST_DSN, the test is skipped.
func database(t *testing.T, statements string) func(string) (*pgx.Conn, error) {
	t.Helper()
	if os.Getenv("TEST_DSN") == "" {
		t.Skip("TEST_DSN is empty")
	}
	config, err := pgx.ParseConfig(os.Getenv("TEST_DSN"))
	if err != nil {
		t.Fatal(err)
	}
	admin, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	name := "setup_" + strings.ToLower(rand.Text())
	if _, err := admin.Exec(t.Context(), "create database "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := admin.Exec(context.Background(), "drop database "+name+" with (force)")
		if err := fmt.Sprint(err, admin.Close(context.Background())); err != "<nil> <nil>" {
			t.Error(err)
		}
	})
	own := config.Copy()
	own.Database = name
	open := func(string) (*pgx.Conn, error) { return pgx.ConnectConfig(context.Background(), own) }
	c, err := open("")
	if err == nil {
		_, err = c.Exec(t.Context(), statements)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return open
}

// One database stands for all. The tables have the columns that the statements use.
const restored = `
create table state (key text primary key, created_at timestamptz default now(), updated_at timestamptz);
insert into state (key) values ('gestor-compra||dapr.internal.default.gestor-compra.workflow||1||metadata'), ('monitor||actos'), ('consolidador||intentos-1');
create table compra (id text primary key, estado text, replacement_asked boolean default false);
insert into compra select e, e from unnest(array['RECIBIDA', 'INICIADA', 'POR_APROBAR', 'COMPENSANDO', 'CONFIRMADA', 'DESPACHADA', 'FALLIDA']) e;
insert into compra values ('being dispatched', 'CONFIRMADA'), ('was dispatched', 'DESPACHADA');
create table tramite (id_compra text, terminado_en timestamptz);
insert into tramite values ('being dispatched', null), ('was dispatched', now());
create table historia (id_compra text, en timestamptz, published boolean);
insert into historia values ('newest', '2026-01-01 12:00', true), ('recent', '2026-01-01 11:01', true), ('old', '2026-01-01 10:59', true);
create table orden (id uuid default gen_random_uuid(), id_compra text, estado text, actualizada_en timestamptz, despachada_por text default 'oti', despachada_rol text default 'operador');
insert into orden (id_compra, estado, actualizada_en) values ('newest', 'DESPACHADA', '2026-01-01 12:00'), ('recent', 'DESPACHADA', '2026-01-01 11:01'),
	('old', 'DESPACHADA', '2026-01-01 10:59'), ('open', 'CREADA', '2026-01-01 11:59'), ('told', 'DESPACHADA', '2026-01-01 11:58');
create table outbox (id_compra text, tipo text, data jsonb, traceparent text not null);
insert into outbox values ('told', 'OrdenDespachada', '{}', '');
`

// After a restore no workflow is left, what was under way is taken up, and what a topic may have had is told again. Nothing else changes.
func TestAfterRestore(t *testing.T) {
	open := database(t, restored)
	if err := CheckRestore(t.Context(), open); err != nil {
		t.Fatal(err)
	}
	c, err := open("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	read := func(query string) string {
		t.Helper()
		var text *string
		if err := c.QueryRow(t.Context(), query).Scan(&text); err != nil {
			t.Fatal(err)
		}
		if text == nil {
			return ""
		}
		return *text
	}
	const unpublished = `select string_agg(id_compra, ' ' order by en) from historia where not published`
	if read(unpublished) != "" {
		t.Error("the check changed something")
	}
	for range 2 { // a restore that was interrupted runs again
		if err := AfterRestore(t.Context(), open); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]string{
			`select string_agg(key, ' ' order by key) from state`:                        "consolidador||intentos-1 monitor||actos",
			`select string_agg(id, ' ' order by id) from compra where replacement_asked`: "COMPENSANDO INICIADA POR_APROBAR being dispatched",
			unpublished: "recent newest",
			`select string_agg(id_compra, ' ' order by id_compra) from outbox`:                                                             "newest recent told",
			`select string_agg(distinct data->>'sujeto', ' ') from outbox`:                                                                 "oti",
			`select bool_and(data->>'id_orden' = o.id::text)::text from outbox x join orden o using (id_compra) where id_compra <> 'told'`: "true",
		} {
			if got := read(query); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	}
}

// Databases that a service uses are not those of a system that was just restored.
func TestOnlyUnusedDatabasesArePrepared(t *testing.T) {
	open := database(t, "")
	c, err := open("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	role := Role{Name: "setup_" + strings.ToLower(rand.Text()), Database: "ordenes"}
	if _, err := c.Exec(t.Context(), "create role "+role.Name+" login password 'secret'"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := c.Exec(context.Background(), "drop role "+role.Name); err != nil {
			t.Error(err)
		}
	}()
	roles := []Role{{Name: "nobody", Database: "dapr"}, role}
	if err := CheckUnused(t.Context(), c, roles); err != nil {
		t.Error(err)
	}
	config := c.Config().Copy()
	config.User, config.Password = role.Name, "secret"
	service, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckUnused(t.Context(), c, roles); err == nil || !strings.Contains(err.Error(), role.Name) {
		t.Error(err)
	}
	_ = service.Close(t.Context())
}

// A schema that a statement does not fit is found before the backup. A service that never ran has no table, which is no error.
func TestASchemaThatCannotBeRestored(t *testing.T) {
	if err := CheckRestore(t.Context(), database(t, "")); err != nil {
		t.Error(err)
	}
	open := database(t, strings.Replace(restored, "published boolean", "publicado boolean", 1))
	if err := CheckRestore(t.Context(), open); err == nil || !strings.Contains(err.Error(), "gestor_compra") {
		t.Error(err)
	}
}

// What a lost scheduler left of workflows ends. Workflows that may go on, and what monitor keeps, stay.
func TestForgetLostWorkflows(t *testing.T) {
	open := database(t, restored+`insert into state values
		('gestor-compra||dapr.internal.default.gestor-compra.workflow||2||metadata', now() - interval '40 days', null),
		('gestor-compra||dapr.internal.default.gestor-compra.workflow||3||metadata', now() - interval '40 days', now() - interval '31 days'),
		('gestor-compra||dapr.internal.default.gestor-compra.workflow||4||metadata', now() - interval '40 days', now() - interval '29 days'),
		('monitor||actos/2026-01-01/0', now() - interval '300 days', null)`)
	for range 2 {
		if err := ForgetLostWorkflows(t.Context(), open); err != nil {
			t.Fatal(err)
		}
	}
	c, err := open("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	var left string
	if err := c.QueryRow(t.Context(), `select string_agg(split_part(key, '||', 3), ' ' order by key) || ' ' || count(*) from state where key like 'gestor%' or key like 'monitor%'`).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if want := "1 4   4"; left != want {
		t.Errorf("left are %q, want %q", left, want)
	}
}
