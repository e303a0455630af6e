package mensajes_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/admin-productos/mensajes"
	"entregas/services/admin-productos/postgres"
	"entregas/services/internal/basetest"
	"entregas/services/internal/inbox"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
)

// programa is admin-productos without its sidecar.
type programa struct {
	rutas  *mux.Router
	broker pubsubtest.Broker
}

func nuevo(t *testing.T, ritmo *mensajes.Ritmo) *programa {
	pool := basetest.Nueva(t, postgres.Migraciones)
	p := &programa{rutas: mux.NewRouter()}
	publicador := pubsub.NuevoPublicador(&p.broker, "admin-productos")
	mensajes.Recibir(pubsub.NuevoReceptor(p.rutas, publicador, inbox.NuevosIntentos(pool)), publicador, postgres.Nuevo(pool), ritmo)
	return p
}

func rapido() *mensajes.Ritmo { return mensajes.NuevoRitmo(0, 0) }

func comando(tipo contracts.Tipo, id string, lineas ...contracts.Linea) contracts.Mensaje[contracts.DatosComandoProducto] {
	return contracts.NuevoMensaje("gestor-compra", tipo, "", contracts.DatosComandoProducto{IDCompra: id, Productos: lineas})
}

func linea(id string, cantidad int) contracts.Linea {
	return contracts.Linea{IDProducto: id, Cantidad: cantidad}
}

func (p *programa) respuestas(t *testing.T) []contracts.Mensaje[contracts.DatosEventoProductos] {
	return pubsubtest.Publicados(t, &p.broker, contracts.EventosProductos)
}

func (p *programa) muertos() []map[string]string {
	return p.broker.Metadatos(string(contracts.ComandosProducto) + "-dlq")
}

func TestCadaComandoTieneSuRespuesta(t *testing.T) {
	p, id, sin := nuevo(t, rapido()), uuid.NewString(), uuid.NewString()
	pasos := []struct {
		comando  contracts.Mensaje[contracts.DatosComandoProducto]
		responde contracts.Tipo
	}{
		{comando(contracts.ReservarProducto, id, linea("14", 2)), contracts.ProductosReservados},
		{comando(contracts.DespacharReserva, id), contracts.ReservaDespachada},
		{comando(contracts.ReservarProducto, sin, linea("14", 9)), contracts.ReservaRechazada},
		{comando(contracts.LiberarReserva, sin, linea("14", 9)), contracts.ReservaLiberada},
	}
	for i, paso := range pasos {
		if estado := pubsubtest.Entregar(t, p.rutas, contracts.ComandosProducto, paso.comando); estado != "SUCCESS" {
			t.Fatalf("%s: %s", paso.comando.Type, estado)
		}
		r := p.respuestas(t)[i]
		if r.Type != paso.responde || r.Data.RespondeA != string(paso.comando.Type) || r.Data.IDCompra != paso.comando.Data.IDCompra {
			t.Errorf("%s: %+v", paso.comando.Type, r)
		}
	}
	if f := p.respuestas(t)[2].Data.Faltantes; len(f) != 1 || f[0] != (contracts.Faltante{IDProducto: "14", Solicitada: 9, Disponible: 8}) {
		t.Errorf("faltantes: %v", f)
	}
	if len(p.muertos()) != 0 {
		t.Errorf("mensajes muertos: %v", p.muertos())
	}
}

// Issue 5: a command that decodes but makes no sense goes to its dead letter topic with its reason.
func TestLoQueNoTieneSentidoEsUnMensajeMuerto(t *testing.T) {
	id := uuid.NewString()
	viejo := comando(contracts.ReservarProducto, id, linea("1", 1))
	viejo.Time = time.Now().Add(-inbox.Retencion - time.Hour).UnixMilli()
	p := nuevo(t, rapido())
	for nombre, c := range map[string]struct {
		comando contracts.Mensaje[contracts.DatosComandoProducto]
		motivo  string
	}{
		"unknown type":        {comando("RegalarProducto", id), "RegalarProducto"},
		"an event":            {comando(contracts.ProductosReservados, id), "ProductosReservados"},
		"no lines":            {comando(contracts.ReservarProducto, id), "productos"},
		"quantity 0":          {comando(contracts.ReservarProducto, id, linea("1", 0)), "productos[0].cantidad"},
		"not a purchase's id": {comando(contracts.LiberarReserva, "1; drop table"), "id_compra"},
		"older than memory":   {viejo, "ya no se sabe"},
	} {
		t.Run(nombre, func(t *testing.T) {
			antes := len(p.muertos())
			estado := pubsubtest.Entregar(t, p.rutas, contracts.ComandosProducto, c.comando)
			muertos := p.muertos()
			if estado != "SUCCESS" || len(muertos) != antes+1 {
				t.Fatalf("%s, %d mensajes muertos", estado, len(muertos)-antes)
			}
			if motivo := muertos[antes]["motivo"]; !strings.Contains(motivo, c.motivo) {
				t.Errorf("motivo %q", motivo)
			}
		})
	}
	if len(p.respuestas(t)) != 0 {
		t.Errorf("se respondió: %v", p.respuestas(t))
	}
}

// docs/adr/stored-replies.md: publish, then ack. A reply that could not be published is published when the command comes again.
func TestSiNoSePuedeResponderElComandoVuelve(t *testing.T) {
	p, c := nuevo(t, rapido()), comando(contracts.ReservarProducto, uuid.NewString(), linea("14", 6))
	p.broker.Fallar(context.DeadlineExceeded)
	for range 20 { // more than MaxIntentos: trouble does not count
		if estado := pubsubtest.Entregar(t, p.rutas, contracts.ComandosProducto, c); estado != "RETRY" {
			t.Fatal(estado)
		}
	}
	p.broker.Fallar(nil)
	if estado := pubsubtest.Entregar(t, p.rutas, contracts.ComandosProducto, c); estado != "SUCCESS" {
		t.Fatal(estado)
	}
	if r := p.respuestas(t); len(r) != 1 || r[0].Type != contracts.ProductosReservados || len(p.muertos()) != 0 {
		t.Errorf("%v; muertos %v", r, p.muertos())
	}
}

// DELAY slows the work, not the answer that is known already.
func TestLaDemoraNoAlcanzaALoYaRespondido(t *testing.T) {
	const demora = time.Second
	p, c := nuevo(t, mensajes.NuevoRitmo(demora, 1)), comando(contracts.ReservarProducto, uuid.NewString(), linea("1", 1))
	dura := func() time.Duration {
		inicio := time.Now()
		pubsubtest.Entregar(t, p.rutas, contracts.ComandosProducto, c)
		return time.Since(inicio)
	}
	if primera := dura(); primera < demora {
		t.Errorf("la primera vez tardó %s", primera)
	}
	if segunda := dura(); segunda >= demora {
		t.Errorf("la segunda vez tardó %s", segunda)
	}
	if r := p.respuestas(t); len(r) != 2 || r[0].Type != r[1].Type {
		t.Errorf("%v", r)
	}
}

func TestRitmo(t *testing.T) {
	if !rapido().Libre() || mensajes.NuevoRitmo(0, 1).Libre() || mensajes.NuevoRitmo(1, 0).Libre() {
		t.Error("Libre")
	}
	r := mensajes.NuevoRitmo(10*time.Millisecond, 2)
	var mu sync.Mutex
	var grupo sync.WaitGroup
	dentro, maximo := 0, 0
	for range 8 {
		grupo.Go(func() {
			salir, err := r.Entrar(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			dentro++
			maximo = max(maximo, dentro)
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			dentro--
			mu.Unlock()
			salir()
		})
	}
	grupo.Wait()
	if maximo > 2 {
		t.Errorf("%d a la vez", maximo)
	}
	lento := mensajes.NuevoRitmo(time.Hour, 1)
	breve, soltar := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer soltar()
	for range 3 { // each gives its place back
		if _, err := lento.Entrar(breve); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}
