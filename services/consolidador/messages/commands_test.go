package messages_test

import (
	"slices"
	"strings"
	"testing"
	"time"

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

// askAt delivers ValidarInventario for a purchase that was accepted at the instant at, and returns the reply.
func (p *program) askAt(t *testing.T, at time.Time, lineas ...contracts.Linea) contracts.Message[contracts.DatosEventoInventario] {
	t.Helper()
	data := contracts.DatosComandoInventario{IDCompra: uuid.NewString(), Productos: lineas}
	if !at.IsZero() {
		data.AceptadaEn = at.UnixMilli()
	}
	if status := pubsubtest.Deliver(t, p.routes, contracts.ComandosInventario, contracts.NewMessage("gestor-compra", contracts.ValidarInventario, "", data)); status != "SUCCESS" {
		t.Error(status)
	}
	return p.last(t)
}

// The prices of a purchase are those of the instant of its acceptance, in each copy of the reply
// (docs/adr/prices-are-those-of-the-acceptance.md).
func TestPricesAreThoseOfTheAcceptance(t *testing.T) {
	owner, readOnly := asReader(t)
	p, own := newProgram(readOnly), store.New(owner)
	lines := []contracts.Linea{{IDProducto: "14", Cantidad: 2}, {IDProducto: "1", Cantidad: 3}}
	before := time.Now()
	time.Sleep(2 * time.Millisecond) // an instant in a message has milliseconds
	for key, amount := range map[string]int64{"14": 100, "1": 10} {
		if _, err := own.CambiarPrecio(t.Context(), key, contracts.CambioDePrecio{Precio: amount, Moneda: "COP"}, key); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(2 * time.Millisecond)
	after := time.Now()
	if _, err := owner.Exec(t.Context(), `insert into producto (id, nombre, cantidad) values ('99', 'Sin precio', 5)`); err != nil {
		t.Fatal(err)
	}
	if _, err := own.CambiarPrecio(t.Context(), "2", contracts.CambioDePrecio{Precio: 1, Moneda: "USD"}, "other currency"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		at     time.Time
		lines  []contracts.Linea
		moneda string
		total  int64
	}{
		"before the change":  {before, lines, "COP", 2*17_900_000 + 3*3_200_000},
		"after the change":   {after, lines, "COP", 2*100 + 3*10},
		"before all prices":  {before.Add(-time.Hour), lines, "", 0},
		"nobody asks for it": {time.Time{}, lines, "", 0},
		"one without":        {after, append([]contracts.Linea{{IDProducto: "99", Cantidad: 1}}, lines...), "", 0},
		"two currencies":     {time.Now().Add(time.Second), append([]contracts.Linea{{IDProducto: "2", Cantidad: 1}}, lines...), "", 0},
	} {
		for range 2 {
			r := p.askAt(t, c.at, c.lines...)
			var v contracts.Validator
			v.Importes(r.Data.Importes(), c.lines)
			if r.Type != contracts.InventarioValidado || r.Data.Moneda != c.moneda || r.Data.Total != c.total || v.Error() != nil || (len(r.Data.Precios) > 0) != (c.total > 0) {
				t.Errorf("%s: %+v: %v", name, r, v.Error())
			}
		}
	}
	if _, err := own.CambiarPrecio(t.Context(), "11", contracts.CambioDePrecio{Precio: contracts.MaxPrecio, Moneda: "COP"}, "the highest"); err != nil {
		t.Fatal(err)
	}
	if _, err := own.Reponer(t.Context(), "11", contracts.MaxCantidad, "many"); err != nil {
		t.Fatal(err)
	}
	if r := p.askAt(t, time.Now().Add(time.Second), contracts.Linea{IDProducto: "11", Cantidad: contracts.MaxCantidad}); r.Type != contracts.TotalExcedido || r.Data.Total != 0 {
		t.Errorf("more than a purchase may cost: %+v", r)
	}
}

// A change that is not committed yet holds from before its commit. A read meanwhile waits for it: else a copy of the command would get
// another price.
func TestAReadWaitsForAChangeOfAPrice(t *testing.T) {
	owner, readOnly := asReader(t)
	p, line := newProgram(readOnly), contracts.Linea{IDProducto: "1", Cantidad: 1}
	tx, err := owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `select lock_prices(true)`); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `insert into precio (id_producto, precio) values ('1', 7)`); err != nil {
		t.Fatal(err)
	}
	accepted := time.Now().Add(time.Second)
	replied := make(chan int64)
	go func() { replied <- p.askAt(t, accepted, line).Data.Total }()
	select {
	case total := <-replied:
		t.Errorf("a read did not wait, and says %d", total)
		return
	case <-time.After(200 * time.Millisecond):
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first, second := <-replied, p.askAt(t, accepted, line).Data.Total; first != 7 || second != 7 {
		t.Errorf("two copies say %d and %d, want 7", first, second)
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
