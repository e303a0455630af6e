package messages_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	"entregas/services/avisos/avisos"
	"entregas/services/avisos/correo"
	"entregas/services/avisos/messages"
	"entregas/services/avisos/postgres"
)

const id = "01938f5e-7c1a-7000-8000-000000000001"

func event(estado contracts.Estado, numero int) contracts.DatosEventoCompra {
	now := time.Now().Add(time.Second).UnixMilli()
	e := contracts.DatosEventoCompra{
		IDCompra: id, IDUsuario: "ana", Numero: numero, Estado: string(estado), Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}}, CreadaEn: now, ActualizadaEn: now,
	}
	for n := 1; n < numero; n++ {
		e.Historia = append(e.Historia, contracts.Hecho{Numero: n, Paso: "RECIBIDA", Tipo: "CrearCompra", En: now})
	}
	e.Historia = append(e.Historia, contracts.Hecho{Numero: numero, Paso: string(estado), Tipo: "x", En: now})
	return e
}

// Each event makes its deliveries once, however often the broker delivers it. A message that is not an event is a dead letter, and
// while the database is away every message comes again.
func TestEvents(t *testing.T) {
	pool, routes, broker, woken := databasetest.New(t, postgres.Migrations), mux.NewRouter(), &pubsubtest.Broker{}, 0
	store := postgres.New(pool)
	messages.Receive(pubsub.NewReceiver(routes, pubsub.NewPublisher(broker, "avisos"), &pubsubtest.Attempts{}), store, messages.Wake{Deliveries: func() { woken++ }})
	if _, err := store.CreateDireccion(t.Context(), contracts.NuevaDireccion{URL: "https://example.com/"}, "x"); err != nil {
		t.Fatal(err)
	}
	bad := event(contracts.EstadoRecibida, 1)
	bad.Estado = "REGALADA"
	for _, c := range []struct {
		name        string
		kind        contracts.MessageType
		data        contracts.DatosEventoCompra
		rows, woken int
		motivo      string // of a dead letter
	}{
		{"an event", contracts.CompraActualizada, event(contracts.EstadoRecibida, 1), 1, 1, ""},
		{"the same again", contracts.CompraActualizada, event(contracts.EstadoRecibida, 1), 1, 1, ""},
		{"two events in one message", contracts.CompraActualizada, event(contracts.EstadoConfirmada, 3), 3, 2, ""},
		{"an older one", contracts.CompraActualizada, event(contracts.EstadoRecibida, 2), 3, 2, ""},
		{"no state of a purchase", contracts.CompraActualizada, bad, 3, 2, "estado"},
		{"another type", contracts.CrearCompra, event(contracts.EstadoRecibida, 1), 3, 2, "CrearCompra"},
	} {
		dlq := string(contracts.EventosCompra) + "-dlq"
		dead := len(broker.Metadata(dlq))
		if status := pubsubtest.Deliver(t, routes, contracts.EventosCompra, contracts.NewMessage("gestor-compra", c.kind, "", c.data)); status != "SUCCESS" {
			t.Fatal(c.name, status)
		}
		var rows int
		if err := pool.QueryRow(t.Context(), `select count(*) from entrega`).Scan(&rows); err != nil || rows != c.rows || woken != c.woken {
			t.Errorf("%s: %d deliveries, woken %d times, %v; want %d and %d", c.name, rows, woken, err, c.rows, c.woken)
		}
		letters := broker.Metadata(dlq)
		if (len(letters) > dead) != (c.motivo != "") || c.motivo != "" && !strings.Contains(letters[dead]["motivo"], c.motivo) {
			t.Errorf("%s: dead letters %v", c.name, letters)
		}
	}
	pool.Close()
	if status := pubsubtest.Deliver(t, routes, contracts.EventosCompra, contracts.NewMessage("gestor-compra", contracts.CompraActualizada, "", event(contracts.EstadoRecibida, 1))); status != "RETRY" {
		t.Errorf("without a database: %s", status)
	}
}

// broken fails for a reason that no retry mends.
type broken struct{}

func (broken) Record(context.Context, []avisos.Suceso, ...correo.Carta) (int, int, error) {
	return 0, 0, errors.New("a bug")
}

// Failure prevented: one event that always fails holds up all that follow.
func TestABugEndsAsADeadLetter(t *testing.T) {
	routes, broker := mux.NewRouter(), &pubsubtest.Broker{}
	messages.Receive(pubsub.NewReceiver(routes, pubsub.NewPublisher(broker, "avisos"), &pubsubtest.Attempts{}), broken{}, messages.Wake{Deliveries: func() {}})
	m := contracts.NewMessage("gestor-compra", contracts.CompraActualizada, "", event(contracts.EstadoRecibida, 1))
	for range pubsub.MaxAttempts - 1 {
		if status := pubsubtest.Deliver(t, routes, contracts.EventosCompra, m); status != "RETRY" {
			t.Fatal(status)
		}
	}
	if status := pubsubtest.Deliver(t, routes, contracts.EventosCompra, m); status != "SUCCESS" || len(broker.Metadata(string(contracts.EventosCompra)+"-dlq")) != 1 {
		t.Error(status)
	}
}

// Where nobody sends mails, none is recorded, also for a customer who gave an address when they were sent.
func TestMailsAreOffUnlessSetUp(t *testing.T) {
	pool, woken := databasetest.New(t, postgres.Migrations), 0
	store := postgres.New(pool)
	if err := store.SetCorreo(t.Context(), "ana", "ana@ejemplo.com"); err != nil {
		t.Fatal(err)
	}
	for i, wake := range []messages.Wake{{}, {Mails: func() { woken++ }}} {
		routes, broker := mux.NewRouter(), &pubsubtest.Broker{}
		messages.Receive(pubsub.NewReceiver(routes, pubsub.NewPublisher(broker, "avisos"), &pubsubtest.Attempts{}), store, wake)
		pubsubtest.Deliver(t, routes, contracts.EventosCompra, contracts.NewMessage("gestor-compra", contracts.CompraActualizada, "", event(contracts.EstadoConfirmada, 2)))
		var n int
		if err := pool.QueryRow(t.Context(), `select count(*) from correo`).Scan(&n); err != nil || n != i || woken != i {
			t.Errorf("%d mails, woken %d times, want %d: %v", n, woken, i, err)
		}
	}
}
