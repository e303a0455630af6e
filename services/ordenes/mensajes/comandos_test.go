package mensajes_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/internal/basetest"
	"entregas/services/internal/inbox"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
	"entregas/services/ordenes/mensajes"
	"entregas/services/ordenes/postgres"
)

func TestCadaComandoTieneSuRespuesta(t *testing.T) {
	pool, rutas, broker := basetest.Nueva(t, postgres.Migraciones), mux.NewRouter(), &pubsubtest.Broker{}
	publicador := pubsub.NuevoPublicador(broker, "ordenes")
	mensajes.Recibir(pubsub.NuevoReceptor(rutas, publicador, inbox.NuevosIntentos(pool)), publicador, postgres.Nuevo(pool, 1))

	una, otra := uuid.NewString(), uuid.NewString()
	lineas := []contracts.Linea{{IDProducto: "1", Cantidad: 1}}
	for _, c := range []struct {
		nombre   string
		tipo     contracts.Tipo
		datos    contracts.DatosComandoOrden
		responde contracts.Tipo // empty: a dead letter
		motivo   string
	}{
		{"an order", contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: una, IDUsuario: "ana", Productos: lineas}, contracts.OrdenCreada, ""},
		{"the same again", contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: una, IDUsuario: "ana", Productos: lineas}, contracts.OrdenCreada, ""},
		{"one too many", contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: otra, IDUsuario: "ana", Productos: lineas}, contracts.OrdenRechazada, ""},
		{"a rollback", contracts.CancelarOrden, contracts.DatosComandoOrden{IDCompra: una}, contracts.OrdenCancelada, ""},
		{"other content", contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: una, IDUsuario: "beto", Productos: lineas}, "", "otro contenido"},
		{"no customer", contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: uuid.NewString(), Productos: lineas}, "", "id_usuario"},
		{"unknown type", "RegalarOrden", contracts.DatosComandoOrden{IDCompra: una}, "", "RegalarOrden"},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			dlq := string(contracts.ComandosOrden) + "-dlq"
			muertos, dichos := len(broker.Metadatos(dlq)), len(pubsubtest.Publicados(t, broker, contracts.EventosOrden))
			m := contracts.NuevoMensaje("gestor-compra", c.tipo, "", c.datos)
			if estado := pubsubtest.Entregar(t, rutas, contracts.ComandosOrden, m); estado != "SUCCESS" {
				t.Fatal(estado)
			}
			if c.responde == "" {
				if m := broker.Metadatos(dlq); len(m) != muertos+1 || !strings.Contains(m[muertos]["motivo"], c.motivo) {
					t.Fatalf("mensajes muertos: %v", m)
				}
				return
			}
			r := pubsubtest.Publicados(t, broker, contracts.EventosOrden)
			if len(r) != dichos+1 || r[dichos].Type != c.responde || r[dichos].Data.RespondeA != string(c.tipo) {
				t.Errorf("%+v", r)
			}
		})
	}
}
