package messages_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/inbox"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	"entregas/services/ordenes/messages"
	"entregas/services/ordenes/postgres"
)

func TestEachOrdenCommandHasItsReply(t *testing.T) {
	pool, routes, broker := databasetest.New(t, postgres.Migrations), mux.NewRouter(), &pubsubtest.Broker{}
	publisher := pubsub.NewPublisher(broker, "ordenes")
	messages.Receive(pubsub.NewReceiver(routes, publisher, inbox.NewAttempts(pool)), publisher, postgres.New(pool, 1))

	one, other := uuid.NewString(), uuid.NewString()
	lineas := []contracts.Linea{{IDProducto: "1", Cantidad: 1}}
	for _, c := range []struct {
		name    string
		kind    contracts.MessageType
		data    contracts.DatosComandoOrden
		replies contracts.MessageType // empty means a dead letter
		motivo  string
	}{
		{"an order", contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: one, IDUsuario: "ana", Productos: lineas}, contracts.OrdenCreada, ""},
		{"the same again", contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: one, IDUsuario: "ana", Productos: lineas}, contracts.OrdenCreada, ""},
		{"the same of a sender that knows codes", contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: one, Codigo: contracts.NewCodigo(), IDUsuario: "ana", Productos: lineas}, contracts.OrdenCreada, ""},
		{"one too many", contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: other, IDUsuario: "ana", Productos: lineas}, contracts.OrdenRechazada, ""},
		{"a rollback", contracts.CancelarOrden, contracts.DatosComandoOrden{IDCompra: one}, contracts.OrdenCancelada, ""},
		{"other content", contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: one, IDUsuario: "beto", Productos: lineas}, "", "otro contenido"},
		{"no customer", contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: uuid.NewString(), Productos: lineas}, "", "id_usuario"},
		{"unknown type", "RegalarOrden", contracts.DatosComandoOrden{IDCompra: one}, "", "RegalarOrden"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dlq := string(contracts.ComandosOrden) + "-dlq"
			deadLetters, told := len(broker.Metadata(dlq)), len(pubsubtest.Published(t, broker, contracts.EventosOrden))
			m := contracts.NewMessage("gestor-compra", c.kind, "", c.data)
			if status := pubsubtest.Deliver(t, routes, contracts.ComandosOrden, m); status != "SUCCESS" {
				t.Fatal(status)
			}
			if c.replies == "" {
				if m := broker.Metadata(dlq); len(m) != deadLetters+1 || !strings.Contains(m[deadLetters]["motivo"], c.motivo) {
					t.Fatalf("dead letters: %v", m)
				}
				return
			}
			r := pubsubtest.Published(t, broker, contracts.EventosOrden)
			if len(r) != told+1 || r[told].Type != c.replies || r[told].Data.RespondeA != string(c.kind) {
				t.Errorf("%+v", r)
			}
		})
	}
}
