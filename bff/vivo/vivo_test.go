package vivo_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/comprastest"
	"entregas/services/bff/dapr"
	"entregas/services/bff/identidad"
	"entregas/services/bff/vivo"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
)

// replica is one bff: its streams and what it is told. Replicas share gestor and almacen.
type replica struct {
	*httptest.Server
	nucleo *compras.Servicio
	avisos *vivo.Avisos
	parar  func()
	quien  identidad.Persona // the caller
}

type sistema struct {
	gestor  *comprastest.Gestor
	almacen *comprastest.Almacen
	id      string
}

// nuevoSistema has one purchase, RECIBIDA.
func nuevoSistema(t *testing.T) sistema {
	t.Helper()
	s := sistema{gestor: comprastest.NewGestor(), almacen: &comprastest.Almacen{}}
	a, err := s.nucleo().Crear(t.Context(), contracts.SolicitudCompra{IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	s.id = a.ID
	return s
}

func (s sistema) nucleo() *compras.Servicio {
	return compras.Nuevo(s.gestor, dapr.Comandos{Publicador: pubsub.NuevoPublicador(&pubsubtest.Broker{}, "bff")}, s.almacen)
}

func (s sistema) replica(t *testing.T) *replica {
	t.Helper()
	parada, parar := context.WithCancel(context.Background())
	r := &replica{nucleo: s.nucleo(), avisos: vivo.NuevosAvisos(), parar: parar}
	enVivo := vivo.NuevoServidor(parada, r.nucleo, r.avisos)
	rutas := http.NewServeMux()
	rutas.HandleFunc("/eventos/{id}", func(w http.ResponseWriter, p *http.Request) {
		enVivo.UnaCompra(w, p.WithContext(identidad.Con(p.Context(), r.quien)), p.PathValue("id"), p.Header.Get("Last-Event-ID"))
	})
	rutas.HandleFunc("/stream", enVivo.Todas)
	r.Server = httptest.NewServer(rutas)
	t.Cleanup(func() { parar(); r.Close() })
	return r
}

// avanzar enters a step and tells it as the broker does: one replica writes the read model, all are woken.
func (s sistema) avanzar(t *testing.T, paso contracts.Estado, escribe *replica, todas ...*replica) {
	t.Helper()
	c := s.gestor.Avanzar(s.id, paso)
	for _, r := range todas {
		r.avisos.Cambio(c.ID, c.Numero())
		r.avisos.Contar(c)
	}
	if err := escribe.nucleo.Registrar(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// flujo reads server-sent events.
type flujo struct {
	t         *testing.T
	respuesta *http.Response
	lineas    chan string
}

type suceso struct {
	id, tipo string
	compra   contracts.Compra
}

func abrir(t *testing.T, url, ultimo string) *flujo {
	t.Helper()
	peticion, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ultimo != "" {
		peticion.Header.Set("Last-Event-ID", ultimo)
	}
	respuesta, err := http.DefaultClient.Do(peticion) //nolint:bodyclose // by the clean-up below
	if err != nil {
		t.Fatal(err)
	}
	f := &flujo{t: t, respuesta: respuesta, lineas: make(chan string, 100)}
	go func() {
		defer close(f.lineas)
		lector := bufio.NewScanner(respuesta.Body)
		for lector.Scan() {
			f.lineas <- lector.Text()
		}
	}()
	t.Cleanup(func() { _ = respuesta.Body.Close() })
	return f
}

// siguiente waits for the next event; false is the end of the stream.
func (f *flujo) siguiente() (s suceso, hay bool) {
	f.t.Helper()
	limite := time.After(5 * time.Second)
	for {
		select {
		case <-limite:
			f.t.Fatal("no llega nada")
		case linea, sigue := <-f.lineas:
			campo, valor, _ := strings.Cut(linea, ": ")
			switch {
			case !sigue:
				return s, false
			case campo == "id":
				s.id = valor
			case campo == "event":
				s.tipo = valor
			case campo == "data":
				if err := json.Unmarshal([]byte(valor), &s.compra); err != nil {
					f.t.Fatal(err)
				}
			case linea == "" && s.compra.ID != "":
				return s, true
			}
		}
	}
}

func (f *flujo) espera(id string, estado contracts.Estado) {
	f.t.Helper()
	if s, hay := f.siguiente(); !hay || s.id != id || s.tipo != "estado" || s.compra.Estado != estado {
		f.t.Fatalf("llegó %s %s %s (hay: %v), quiero %s %s", s.id, s.tipo, s.compra.Estado, hay, id, estado)
	}
}

func (f *flujo) termina() {
	f.t.Helper()
	if s, hay := f.siguiente(); hay {
		f.t.Fatalf("sigue: %+v", s)
	}
}

func TestSeguirHastaElFinal(t *testing.T) {
	s := nuevoSistema(t)
	una, otra := s.replica(t), s.replica(t)
	f := abrir(t, otra.URL+"/eventos/"+s.id, "")
	f.espera("1", contracts.EstadoRecibida)
	s.avanzar(t, contracts.EstadoIniciada, una, una, otra) // another replica writes, after this one was woken
	f.espera("2", contracts.EstadoIniciada)
	s.avanzar(t, contracts.EstadoProductosValidos, una) // nobody is woken: it looks by itself
	f.espera("3", contracts.EstadoProductosValidos)
	s.avanzar(t, contracts.EstadoConfirmada, una, otra)
	f.espera("4", contracts.EstadoConfirmada)
	s.avanzar(t, contracts.EstadoDespachada, una, otra)
	f.espera("5", contracts.EstadoDespachada)
	f.termina()

	if f := abrir(t, otra.URL+"/eventos/"+s.id, "5"); f.respuesta.StatusCode != http.StatusNoContent {
		t.Errorf("cuando ya no hay qué contar: %d", f.respuesta.StatusCode)
	}
}

// Each cut loses nothing and repeats nothing, whichever replica the client comes back to, also a new one.
func TestReanudar(t *testing.T) {
	s := nuevoSistema(t)
	una := s.replica(t)
	f := abrir(t, una.URL+"/eventos/"+s.id, "")
	f.espera("1", contracts.EstadoRecibida)
	una.CloseClientConnections()
	s.avanzar(t, contracts.EstadoIniciada, una, una)
	s.avanzar(t, contracts.EstadoProductosValidos, una, una)
	f = abrir(t, una.URL+"/eventos/"+s.id, "1")
	f.espera("2", contracts.EstadoIniciada)
	una.parar()
	f.espera("3", contracts.EstadoProductosValidos)

	nueva := s.replica(t)
	s.avanzar(t, contracts.EstadoRechazada, nueva)
	f = abrir(t, nueva.URL+"/eventos/"+s.id, "3")
	f.espera("4", contracts.EstadoRechazada)
	f.termina()
}

// A client that names a later change than there is gets what comes, not silence; what is no number is refused.
func TestALastEventIDBeyondTheNewest(t *testing.T) {
	s := nuevoSistema(t)
	una := s.replica(t)
	f := abrir(t, una.URL+"/eventos/"+s.id, "999")
	s.avanzar(t, contracts.EstadoIniciada, una, una)
	f.espera("2", contracts.EstadoIniciada)
	cambios, err := vivo.NuevoServidor(t.Context(), una.nucleo, una.avisos).Cambios(t.Context(), s.id, 999)
	if err != nil {
		t.Fatal(err)
	}
	s.avanzar(t, contracts.EstadoRechazada, una, una)
	f.espera("3", contracts.EstadoRechazada)
	f.termina()
	select {
	case c := <-cambios:
		if c.Numero != 3 {
			t.Errorf("%+v", c)
		}
	case <-time.After(5 * time.Second):
		t.Error("nothing is told")
	}
	for _, bad := range []string{"x", "-5", "+5", "1.5", "99999999999999999999", "0x1"} {
		if f := abrir(t, una.URL+"/eventos/"+s.id, bad); f.respuesta.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", bad, f.respuesta.StatusCode)
		}
	}
	if _, err := vivo.NuevoServidor(t.Context(), una.nucleo, una.avisos).Cambios(t.Context(), s.id, -2); errores.De(err) != errores.Invalido {
		t.Errorf("-2: %v", err)
	}
}

func TestConGestorCaido(t *testing.T) {
	s := nuevoSistema(t)
	una := s.replica(t)
	s.gestor.Caer()
	f := abrir(t, una.URL+"/eventos/"+s.id, "")
	f.espera("0", contracts.EstadoRecibida) // its owner has told nothing yet
	s.avanzar(t, contracts.EstadoIniciada, una, una)
	f.espera("1", contracts.EstadoRecibida)
	f.espera("2", contracts.EstadoIniciada)
}

// A stop of the program waits for no client.
func TestParada(t *testing.T) {
	s := nuevoSistema(t)
	una := s.replica(t)
	f, todas := abrir(t, una.URL+"/eventos/"+s.id, ""), abrir(t, una.URL+"/stream", "")
	f.espera("1", contracts.EstadoRecibida)
	una.parar()
	f.termina()
	todas.termina()
}

func TestTodas(t *testing.T) {
	s := nuevoSistema(t)
	una := s.replica(t)
	f := abrir(t, una.URL+"/stream", "")
	s.avanzar(t, contracts.EstadoIniciada, una, una)
	if suceso, hay := f.siguiente(); !hay || suceso.compra.Estado != contracts.EstadoIniciada || suceso.tipo != "" {
		t.Errorf("%+v", suceso)
	}
}

func TestQuienNoLeeNoDetieneANadie(t *testing.T) {
	s := nuevoSistema(t)
	una := s.replica(t)
	abrir(t, una.URL+"/stream", "").respuesta.Body.Close()
	grande := contracts.Compra{SolicitudCompra: contracts.SolicitudCompra{ID: s.id}, Motivo: strings.Repeat("x", 1<<16)}
	for range 2000 { // if it waited for the reader it would not end
		una.avisos.Contar(grande)
	}
}

// A stream ends with the token or the session that it was asked with.
func TestElFlujoTerminaConElToken(t *testing.T) {
	s := nuevoSistema(t)
	una := s.replica(t)
	una.quien = identidad.Persona{Usuario: "ana", Hasta: time.Now().Add(time.Second)}
	f := abrir(t, una.URL+"/eventos/"+s.id, "")
	f.espera("1", contracts.EstadoRecibida)
	f.termina()
}

// One subject's streams are bounded, and one that ends makes room.
func TestMuchosFlujosDeUno(t *testing.T) {
	s := nuevoSistema(t)
	enVivo := vivo.NuevoServidor(t.Context(), s.nucleo(), vivo.NuevosAvisos())
	ctx, soltar := context.WithCancel(identidad.Con(t.Context(), identidad.Persona{Usuario: "ana"}))
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		_, err = enVivo.Cambios(ctx, s.id, -1)
	}
	if errores.De(err) != errores.Demasiadas || n != 201 {
		t.Errorf("el %d: %v", n, err)
	}
	if _, err := enVivo.Cambios(identidad.Con(t.Context(), identidad.Persona{Usuario: "eva"}), s.id, -1); err != nil {
		t.Errorf("otra: %v", err)
	}
	soltar()
	for range 200 {
		if _, err = enVivo.Cambios(identidad.Con(t.Context(), identidad.Persona{Usuario: "ana"}), s.id, -1); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("después de cerrarlos: %v", err)
}

// A program that stops ends its streams with a word on when to come back.
func TestAStopTellsStreamsToComeBack(t *testing.T) {
	s := nuevoSistema(t)
	una := s.replica(t)
	deUna, deTodas := abrir(t, una.URL+"/eventos/"+s.id, ""), abrir(t, una.URL+"/stream", "")
	deUna.espera("1", contracts.EstadoRecibida)
	<-deTodas.lineas
	una.parar()
	for nombre, f := range map[string]*flujo{"one purchase": deUna, "all": deTodas} {
		dicho := ""
		for linea := range f.lineas {
			dicho += linea + "\n"
		}
		if !strings.Contains(dicho, "retry: 500\n") {
			t.Errorf("%s: terminó con %q", nombre, dicho)
		}
	}
}
