package messages_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	store "entregas/services/admin-productos/postgres"
	"entregas/services/consolidador/messages"
	"entregas/services/consolidador/postgres"
)

const reader = "consolidador"

// asReader returns two pools on one database of admin-productos: one with the rights of its owner, one with those of
// consolidador.
func asReader(t *testing.T) (owner, readOnly *pgxpool.Pool) {
	databasetest.Role(t, reader)
	owner = databasetest.New(t, store.Migrations)
	return owner, databasetest.As(t, owner, reader)
}

type program struct {
	routes *mux.Router
	broker pubsubtest.Broker
}

func newProgram(pool *pgxpool.Pool) *program {
	p := &program{routes: mux.NewRouter()}
	publisher := pubsub.NewPublisher(&p.broker, "consolidador")
	messages.Receive(pubsub.NewReceiver(p.routes, publisher, &pubsubtest.Attempts{}), publisher, postgres.New(pool))
	return p
}

func (p *program) ask(t *testing.T, kind contracts.MessageType, id string, lineas ...contracts.Linea) string {
	t.Helper()
	m := contracts.NewMessage("gestor-compra", kind, "", contracts.DatosComandoInventario{IDCompra: id, Productos: lineas})
	return pubsubtest.Deliver(t, p.routes, contracts.ComandosInventario, m)
}

func (p *program) last(t *testing.T) contracts.Message[contracts.DatosEventoInventario] {
	t.Helper()
	all := pubsubtest.Published(t, &p.broker, contracts.EventosInventario)
	if len(all) == 0 {
		t.Fatal("there is no reply")
	}
	return all[len(all)-1]
}

// Each copy of a command is answered from the present stock (docs/adr/stored-replies.md).
func TestRepliesWithThePresentExistencias(t *testing.T) {
	owner, readOnly := asReader(t)
	p, id := newProgram(readOnly), uuid.NewString()
	for _, c := range []struct {
		stock     int
		replies   contracts.MessageType
		faltantes []contracts.Faltante
	}{
		{3, contracts.InventarioValidado, nil},
		{2, contracts.InventarioInsuficiente, []contracts.Faltante{{IDProducto: "14", Solicitada: 3, Disponible: 2}}},
		{30, contracts.InventarioValidado, nil},
	} {
		if _, err := owner.Exec(t.Context(), `update producto set cantidad = $1 where id = '14'`, c.stock); err != nil {
			t.Fatal(err)
		}
		status := p.ask(t, contracts.ValidarInventario, id, contracts.Linea{IDProducto: "14", Cantidad: 3}, contracts.Linea{IDProducto: "1", Cantidad: 1})
		r := p.last(t)
		if status != "SUCCESS" || r.Type != c.replies || r.Data.IDCompra != id || r.Data.RespondeA != "ValidarInventario" || !slices.Equal(r.Data.Faltantes, c.faltantes) {
			t.Errorf("with %d: %s %+v", c.stock, status, r)
		}
	}
	p.ask(t, contracts.ValidarInventario, id, contracts.Linea{IDProducto: "no existe", Cantidad: 1})
	if r := p.last(t); r.Type != contracts.InventarioInsuficiente || r.Data.Faltantes[0].Disponible != 0 {
		t.Errorf("an unknown product: %+v", r)
	}
	p.ask(t, contracts.CancelarValidacionInventario, id)
	if r := p.last(t); r.Type != contracts.ValidacionCancelada || r.Data.RespondeA != "CancelarValidacionInventario" {
		t.Errorf("the rollback: %+v", r)
	}
}

// docs/adr/one-owner-migrates-a-database.md: consolidador's role reads the stock and can do nothing else.
func TestReaderOnlyReads(t *testing.T) {
	_, readOnly := asReader(t)
	for _, statement := range []string{
		`update producto set cantidad = 0`, `delete from producto`, `insert into producto values ('x', 'x', 1)`,
		`select * from reserva`, `select * from movimiento`, `select * from inbox`, `select * from balance`, `create table x ()`,
		`insert into precio (id_producto, precio) values ('1', 1)`, `update precio set precio = 1`, `delete from precio`,
	} {
		if _, err := readOnly.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// Without the database the commands are redelivered (docs/adr/trouble-is-not-a-bad-message.md). A rollback needs no database
// and is answered at once (docs/adr/stored-replies.md).
func TestWithoutADatabaseItWaits(t *testing.T) {
	_, readOnly := asReader(t)
	p := newProgram(readOnly)
	readOnly.Close()
	for range 2 * pubsub.MaxAttempts {
		if status := p.ask(t, contracts.ValidarInventario, uuid.NewString(), contracts.Linea{IDProducto: "1", Cantidad: 1}); status != "RETRY" {
			t.Fatal(status)
		}
	}
	if status := p.ask(t, contracts.CancelarValidacionInventario, uuid.NewString()); status != "SUCCESS" || p.last(t).Type != contracts.ValidacionCancelada {
		t.Error(status)
	}
}

func TestSenselessValidationIsADeadLetter(t *testing.T) {
	p := newProgram(nil)
	p.ask(t, "ContarInventario", uuid.NewString())
	p.ask(t, contracts.ValidarInventario, uuid.NewString(), contracts.Linea{IDProducto: "1", Cantidad: -1})
	p.ask(t, contracts.ValidarInventario, "x", contracts.Linea{IDProducto: "1", Cantidad: 1})
	deadLetters := p.broker.Metadata(string(contracts.ComandosInventario) + "-dlq")
	for i, motivo := range []string{"ContarInventario", "productos[0].cantidad", "id_compra"} {
		if len(deadLetters) != 3 || !strings.Contains(deadLetters[i]["motivo"], motivo) {
			t.Errorf("%v", deadLetters)
		}
	}
}
