package postgres_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/inbox"
	"entregas/services/ordenes/postgres"
)

// office is a Store on a database of its own.
type office struct {
	*postgres.Store
	pool *pgxpool.Pool
}

func newOffice(t testing.TB, maxOpen int) office {
	t.Helper()
	pool := databasetest.New(t, postgres.Migrations)
	return office{postgres.New(pool, maxOpen), pool}
}

// ask executes a command as if the broker had just delivered it: each call makes a new message.
func (o office) ask(kind contracts.MessageType, idCompra, idUsuario string) (postgres.Reply, error) {
	ctx := context.Background()
	data := contracts.DatosComandoOrden{IDCompra: idCompra, IDUsuario: idUsuario, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}}, Domicilio: true}
	c, err := inbox.FromMessage(contracts.NewMessage("test", kind, "", data), idCompra)
	if err != nil {
		return postgres.Reply{}, err
	}
	if kind == contracts.CrearOrden {
		return o.Create(ctx, c, data)
	}
	return o.Cancelar(ctx, c)
}

func (o office) require(t testing.TB, kind contracts.MessageType, idCompra, idUsuario string, delay contracts.MessageType) postgres.Reply {
	t.Helper()
	r, err := o.ask(kind, idCompra, idUsuario)
	if err != nil || r.Tipo != delay || r.Data.RespondeA != string(kind) || r.Data.IDCompra != idCompra {
		t.Fatalf("%s: the reply is %+v, %v; want %s", kind, r, err, delay)
	}
	return r
}

func (o office) estado(t testing.TB, id string) contracts.EstadoOrden {
	t.Helper()
	orden, err := o.Orden(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return orden.Estado
}

func (o office) tell(t testing.TB, query string) (n int) {
	t.Helper()
	if err := o.pool.QueryRow(context.Background(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (o office) do(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := o.pool.Exec(context.Background(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func compra() string { return uuid.Must(uuid.NewV7()).String() }

// published records the published events, and fails while failure is set.
type published struct {
	mu      sync.Mutex
	list    []contracts.DatosEventoOrden
	failure error
}

func (p *published) publish(_ context.Context, kind contracts.MessageType, data contracts.DatosEventoOrden) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return p.failure
	}
	if kind != contracts.OrdenDespachada || data.RespondeA != "" {
		panic("not the event of a dispatch")
	}
	p.list = append(p.list, data)
	return nil
}
