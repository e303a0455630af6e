package mensajes_test

import (
	"testing"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/comprastest"
	"entregas/services/bff/dapr"
	"entregas/services/bff/mensajes"
	"entregas/services/bff/vivo"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
)

const id = "01938f5e-7c1a-7000-8000-000000000001"

func TestEventos(t *testing.T) {
	bien := contracts.DatosEventoCompra{
		IDCompra: id, IDUsuario: "ana", Numero: 1, Estado: "RECIBIDA", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}},
		Historia: []contracts.Hecho{{Numero: 1, Paso: "RECIBIDA", Tipo: "CrearCompra"}},
	}
	sinID, otroNumero := bien, bien
	sinID.IDCompra, otroNumero.Numero = "x", 7
	casos := []struct {
		nombre string
		tipo   contracts.Tipo
		data   contracts.DatosEventoCompra
		caido  bool
		dice   string
		muere  bool
		conoce bool
	}{
		{"bien", contracts.CompraActualizada, bien, false, "SUCCESS", false, true},
		{"el almacén no responde: vuelve", contracts.CompraActualizada, bien, true, "RETRY", false, false},
		{"de otro tipo", contracts.OrdenCreada, bien, false, "SUCCESS", true, false},
		{"id que no es", contracts.CompraActualizada, sinID, false, "SUCCESS", true, false},
		{"número que no es el de su historia", contracts.CompraActualizada, otroNumero, false, "SUCCESS", true, false},
	}
	for _, c := range casos {
		t.Run(c.nombre, func(t *testing.T) {
			var broker pubsubtest.Broker
			var almacen comprastest.Almacen
			publicador := pubsub.NuevoPublicador(&broker, "bff")
			nucleo := compras.Nuevo(comprastest.NewGestor(), dapr.Comandos{Publicador: publicador}, &almacen)
			rutas := mux.NewRouter()
			mensajes.Recibir(pubsub.NuevoReceptor(rutas, publicador, &pubsubtest.Intentos{}), nucleo, vivo.NuevosAvisos())
			if c.caido {
				almacen.Fallar(errores.Nuevo(errores.NoDisponible, "caído"))
			}
			m := contracts.NuevoMensaje("gestor-compra", c.tipo, "", c.data)
			if dice := pubsubtest.Entregar(t, rutas, contracts.EventosCompra, m); dice != c.dice {
				t.Errorf("responde %s", dice)
			}
			texto, err := m.Codificar()
			if err != nil {
				t.Fatal(err)
			}
			if dice := pubsubtest.EntregarTexto(t, rutas, "/vivo/eventos-compra", texto); dice != "SUCCESS" {
				t.Errorf("en vivo responde %s", dice)
			}
			if muertas := pubsubtest.Publicados(t, &broker, contracts.EventosCompra.MensajesMuertos()); (len(muertas) == 1) != c.muere {
				t.Errorf("%d mensajes muertos", len(muertas))
			}
			if claves := almacen.Claves("compra/"); (len(claves) == 1) != c.conoce {
				t.Errorf("conocidas %v", claves)
			}
		})
	}
}
