package messages_test

import (
	"testing"
	"time"

	"github.com/gorilla/mux"

	"entregas/bff/compras"
	"entregas/bff/comprastest"
	"entregas/bff/dapr"
	"entregas/bff/live"
	"entregas/bff/messages"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
)

const id = "01938f5e-7c1a-7000-8000-000000000001"

func TestEvents(t *testing.T) {
	good := contracts.DatosEventoCompra{
		IDCompra: id, IDUsuario: "ana", Numero: 1, Estado: "RECIBIDA", ActualizadaEn: time.Now().UnixMilli(), Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}},
		Historia: []contracts.Hecho{{Numero: 1, Paso: "RECIBIDA", Tipo: "CrearCompra"}},
	}
	withoutID, otherNumber := good, good
	withoutID.IDCompra, otherNumber.Numero = "x", 7
	cases := []struct {
		name  string
		kind  contracts.MessageType
		data  contracts.DatosEventoCompra
		down  bool
		says  string
		dies  bool
		knows bool
	}{
		{"good", contracts.CompraActualizada, good, false, "SUCCESS", false, true},
		{"the store does not answer: delivered again", contracts.CompraActualizada, good, true, "RETRY", false, false},
		{"of another type", contracts.OrdenCreada, good, false, "SUCCESS", true, false},
		{"bad id", contracts.CompraActualizada, withoutID, false, "SUCCESS", true, false},
		{"a number that is not that of its history", contracts.CompraActualizada, otherNumber, false, "SUCCESS", true, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var broker pubsubtest.Broker
			var store comprastest.Store
			publisher := pubsub.NewPublisher(&broker, "bff")
			core := compras.New(comprastest.NewManager(), dapr.Commands{Publisher: publisher}, &store)
			routes := mux.NewRouter()
			messages.Receive(pubsub.NewReceiver(routes, publisher, &pubsubtest.Attempts{}), core, live.NewWakeups())
			if c.down {
				store.Fail(errs.New(errs.Unavailable, "down"))
			}
			m := contracts.NewMessage("gestor-compra", c.kind, "", c.data)
			if says := pubsubtest.Deliver(t, routes, contracts.EventosCompra, m); says != c.says {
				t.Errorf("answered %s", says)
			}
			text, err := m.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if says := pubsubtest.DeliverText(t, routes, "/vivo/eventos-compra", text); says != "SUCCESS" {
				t.Errorf("the live route answered %s", says)
			}
			if dead := pubsubtest.Published(t, &broker, contracts.EventosCompra.DeadLetters()); (len(dead) == 1) != c.dies {
				t.Errorf("got %d dead letters", len(dead))
			}
			if keys := store.Keys("compra/"); (len(keys) == 1) != c.knows {
				t.Errorf("known %v", keys)
			}
		})
	}
}
