package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// connectionFaults returns the faults of a database server: the server ends the connections of its clients, has no free connection
// left, or lets its clients wait for a row that another client has locked.
func connectionFaults() []fault {
	return []fault{
		{what: "connections to PostgreSQL ended every 2 s", step: "all databases", act: connectionsEnded, mayNeedMending: true},
		{what: "limit of connections reached", step: "open ones stay", act: connectionLimit(false), mayNeedMending: true},
		{what: "limit of connections reached", step: "open ones ended", act: connectionLimit(true), mayNeedMending: true},
		{what: "rows locked from outside for 60 s", step: "three products", act: rowsLocked(inProductos, lockProductos), mayNeedMending: true},
		{what: "rows locked from outside for 60 s", step: "one purchase", act: rowsLocked(inGestorCompra, lockCompra), mayNeedMending: true},
	}
}

const (
	endEvery      = 2 * time.Second
	endFor        = 40 * time.Second
	endForInShort = 10 * time.Second
)

// endAll ends all connections except the one that runs it. When $1 is not empty, it also keeps the connections with application_name
// $1.
const endAll = `select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity
	where backend_type = 'client backend' and pid <> pg_backend_pid() and ($1 = '' or application_name <> $1)`

// connectionsEnded ends all connections to all databases, those of Dapr included, every endEvery.
func connectionsEnded(ctx context.Context, c *chaos) error {
	admin, err := pgx.Connect(ctx, c.env.ManagerDSN)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	lasts := endFor
	if c.short {
		lasts = endForInShort
	}
	ended := 0
	for until := time.Now().Add(lasts); time.Now().Before(until) && ctx.Err() == nil; sleep(ctx, endEvery) {
		var n int
		if err := admin.QueryRow(ctx, endAll, "").Scan(&n); err != nil {
			return err
		}
		ended += n
	}
	if ended == 0 {
		return didNotOccur("there were no connections")
	}
	return nil
}

const hungryClient = "chaos-hungry" // the application_name of the fault that takes all connections

// connectionLimit opens connections until the server refuses one, and takes each connection that becomes free. Its role has no
// reserved slots. With end it also ends the connections of the other clients, which then get no new connections.
func connectionLimit(end bool) func(context.Context, *chaos) error {
	return func(ctx context.Context, c *chaos) error {
		lasts := c.lasting(c.between(20*time.Second, 30*time.Second))
		admin, err := pgx.Connect(ctx, c.env.ProductosDSN)
		if err != nil {
			return err
		}
		defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
		config, err := c.asRole("consolidador", "productos")
		if err != nil {
			return err
		}
		config.RuntimeParams["application_name"] = hungryClient
		var held []*pgx.Conn
		defer func() {
			for _, h := range held {
				_ = h.Close(context.WithoutCancel(ctx))
			}
		}()
		refused := 0
		take := func() error {
			for {
				one, err := pgx.ConnectConfig(ctx, config)
				var said *pgconn.PgError
				switch {
				case err == nil:
					held = append(held, one)
				case errors.As(err, &said) && said.Code == "53300": // too_many_connections
					refused++
					return nil
				default:
					return err
				}
			}
		}
		if err := take(); err != nil {
			return fmt.Errorf("with %d connections: %w", len(held), err)
		}
		for until := time.Now().Add(lasts); time.Now().Before(until) && ctx.Err() == nil; sleep(ctx, 250*time.Millisecond) {
			if end {
				if _, err := admin.Exec(ctx, endAll, hungryClient); err != nil {
					return err
				}
			}
			if err := take(); err != nil {
				return err
			}
		}
		if refused == 0 {
			return didNotOccur("the server refused none")
		}
		return nil
	}
}

const lockHeld = 60 * time.Second

var errNothingToLock = errors.New("nothing to lock")

// rowsLocked locks rows in a transaction for lockHeld. The function lock executes the statement that locks the rows, or returns
// errNothingToLock.
func rowsLocked(dsn func(*chaos) string, lock func(context.Context, pgx.Tx) error) func(context.Context, *chaos) error {
	return func(ctx context.Context, c *chaos) error {
		conn, err := pgx.Connect(ctx, dsn(c))
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // the end of the connection releases the locks
		for until := time.Now().Add(pointWait); ; sleep(ctx, 20*time.Millisecond) {
			tx, err := conn.Begin(ctx)
			if err != nil {
				return err
			}
			if err = lock(ctx, tx); err == nil {
				break
			}
			_ = tx.Rollback(ctx)
			if !errors.Is(err, errNothingToLock) {
				return err
			}
			if time.Now().After(until) {
				return didNotOccur("there was nothing to lock")
			}
		}
		sleep(ctx, c.lasting(lockHeld))
		return nil
	}
}

func inProductos(c *chaos) string    { return c.env.ProductosDSN }
func inGestorCompra(c *chaos) string { return c.env.ManagerDSN }

func lockProductos(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `select from producto where id in ('1', '2', '3') order by id for update`)
	return err
}

// lockCompra locks a purchase in the middle of its saga.
func lockCompra(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, `select from compra where estado not in ('RECIBIDA', 'POR_APROBAR', 'CONFIRMADA', 'DESPACHADA', 'RECHAZADA', 'CANCELADA', 'FALLIDA')
		order by id desc limit 1 for update skip locked`)
	if err == nil && tag.RowsAffected() == 0 {
		return errNothingToLock
	}
	return err
}

// asRole returns the configuration of a connection as role, with the password of role in this instance. role has no reserved slot.
func (c *chaos) asRole(role, database string) (*pgx.ConnConfig, error) {
	admin, err := pgx.ParseConfig(c.env.ProductosDSN)
	if err != nil {
		return nil, err
	}
	return pgx.ParseConfig(fmt.Sprintf("postgres://%s@%s:%d/%s?sslmode=disable&passfile=%s", role, admin.Host, admin.Port, database,
		filepath.Join(c.local.Root, ".local", "chaos", "pgpass")))
}
