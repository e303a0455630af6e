package mensajes_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	almacen "entregas/services/admin-productos/postgres"
	"entregas/services/consolidador/mensajes"
	"entregas/services/consolidador/postgres"
	"entregas/services/internal/basetest"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
)

const lector = "consolidador"

// comoLector gives admin-productos' database as its owner sees it, and as the role that reads it does.
func comoLector(t *testing.T) (dueno, lee *pgxpool.Pool) {
	basetest.Rol(t, lector)
	dueno = basetest.Nueva(t, almacen.Migraciones)
	return dueno, basetest.Como(t, dueno, lector)
}

type programa struct {
	rutas  *mux.Router
	broker pubsubtest.Broker
}

func nuevo(pool *pgxpool.Pool) *programa {
	p := &programa{rutas: mux.NewRouter()}
	publicador := pubsub.NuevoPublicador(&p.broker, "consolidador")
	mensajes.Recibir(pubsub.NuevoReceptor(p.rutas, publicador, &pubsubtest.Intentos{}), publicador, postgres.Nuevo(pool))
	return p
}

func (p *programa) pedir(t *testing.T, tipo contracts.Tipo, id string, lineas ...contracts.Linea) string {
	t.Helper()
	m := contracts.NuevoMensaje("gestor-compra", tipo, "", contracts.DatosComandoInventario{IDCompra: id, Productos: lineas})
	return pubsubtest.Entregar(t, p.rutas, contracts.ComandosInventario, m)
}

func (p *programa) ultima(t *testing.T) contracts.Mensaje[contracts.DatosEventoInventario] {
	t.Helper()
	todas := pubsubtest.Publicados(t, &p.broker, contracts.EventosInventario)
	if len(todas) == 0 {
		t.Fatal("no respondió")
	}
	return todas[len(todas)-1]
}

// Each copy of a command is answered from the present stock (docs/adr/stored-replies.md).
func TestRespondeConLasExistenciasDeAhora(t *testing.T) {
	dueno, lee := comoLector(t)
	p, id := nuevo(lee), uuid.NewString()
	for _, c := range []struct {
		hay       int
		responde  contracts.Tipo
		faltantes []contracts.Faltante
	}{
		{3, contracts.InventarioValidado, nil},
		{2, contracts.InventarioInsuficiente, []contracts.Faltante{{IDProducto: "14", Solicitada: 3, Disponible: 2}}},
		{30, contracts.InventarioValidado, nil},
	} {
		if _, err := dueno.Exec(t.Context(), `update producto set cantidad = $1 where id = '14'`, c.hay); err != nil {
			t.Fatal(err)
		}
		estado := p.pedir(t, contracts.ValidarInventario, id, contracts.Linea{IDProducto: "14", Cantidad: 3}, contracts.Linea{IDProducto: "1", Cantidad: 1})
		r := p.ultima(t)
		if estado != "SUCCESS" || r.Type != c.responde || r.Data.IDCompra != id || r.Data.RespondeA != "ValidarInventario" || !slices.Equal(r.Data.Faltantes, c.faltantes) {
			t.Errorf("con %d: %s %+v", c.hay, estado, r)
		}
	}
	p.pedir(t, contracts.ValidarInventario, id, contracts.Linea{IDProducto: "no existe", Cantidad: 1})
	if r := p.ultima(t); r.Type != contracts.InventarioInsuficiente || r.Data.Faltantes[0].Disponible != 0 {
		t.Errorf("un producto desconocido: %+v", r)
	}
	p.pedir(t, contracts.CancelarValidacionInventario, id)
	if r := p.ultima(t); r.Type != contracts.ValidacionCancelada || r.Data.RespondeA != "CancelarValidacionInventario" {
		t.Errorf("la reversa: %+v", r)
	}
}

// docs/adr/one-owner-migrates-a-database.md: consolidador's role reads the stock and can do nothing else.
func TestElLectorSoloLee(t *testing.T) {
	_, lee := comoLector(t)
	for _, sentencia := range []string{
		`update producto set cantidad = 0`, `delete from producto`, `insert into producto values ('x', 'x', 1)`,
		`select * from reserva`, `select * from movimiento`, `select * from inbox`, `select * from balance`, `create table x ()`,
	} {
		if _, err := lee.Exec(t.Context(), sentencia); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", sentencia, err)
		}
	}
}

// docs/adr/trouble-is-not-a-bad-message.md: without the database commands wait; a rollback needs none
// (docs/adr/stored-replies.md: at once).
func TestSinBaseDeDatosSeEspera(t *testing.T) {
	_, lee := comoLector(t)
	p := nuevo(lee)
	lee.Close()
	for range 2 * pubsub.MaxIntentos {
		if estado := p.pedir(t, contracts.ValidarInventario, uuid.NewString(), contracts.Linea{IDProducto: "1", Cantidad: 1}); estado != "RETRY" {
			t.Fatal(estado)
		}
	}
	if estado := p.pedir(t, contracts.CancelarValidacionInventario, uuid.NewString()); estado != "SUCCESS" || p.ultima(t).Type != contracts.ValidacionCancelada {
		t.Error(estado)
	}
}

func TestLoQueNoTieneSentidoEsUnMensajeMuerto(t *testing.T) {
	p := nuevo(nil)
	p.pedir(t, "ContarInventario", uuid.NewString())
	p.pedir(t, contracts.ValidarInventario, uuid.NewString(), contracts.Linea{IDProducto: "1", Cantidad: -1})
	p.pedir(t, contracts.ValidarInventario, "x", contracts.Linea{IDProducto: "1", Cantidad: 1})
	muertos := p.broker.Metadatos(string(contracts.ComandosInventario) + "-dlq")
	for i, motivo := range []string{"ContarInventario", "productos[0].cantidad", "id_compra"} {
		if len(muertos) != 3 || !strings.Contains(muertos[i]["motivo"], motivo) {
			t.Errorf("%v", muertos)
		}
	}
}
