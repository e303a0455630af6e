package compra

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dapr/durabletask-go/workflow"

	"entregas/contracts"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Trouble is tried again at once, and three times only, so that a test can see the tries used up.
	reintentos = workflow.RetryPolicy{MaxAttempts: intentos, InitialRetryInterval: time.Millisecond, BackoffCoefficient: 1, MaxRetryInterval: time.Millisecond}
	os.Exit(m.Run())
}

const intentos = 3

// The outcomes of steps.
var (
	aceptada       = Desenlace{Resultado: Aceptada, Preguntada: true}
	dudosa         = Desenlace{Resultado: SinRespuesta, Preguntada: true}
	cancelada      = Desenlace{Resultado: Cancelada, Motivo: "Ya no la quiero."}                   // before it asked
	canceladaTarde = Desenlace{Resultado: Cancelada, Preguntada: true, Motivo: "Ya no la quiero."} // after it was done
	terminada      = Desenlace{Resultado: Terminada}
	pendiente      = Desenlace{Resultado: Pendiente}
	sinConfirmar   = Desenlace{Resultado: SinRespuesta, Preguntada: true}
	faltan         = []contracts.Faltante{{IDProducto: "15", Solicitada: 1, Disponible: 0}}
)

func rechazada(r contracts.Tipo) Desenlace {
	return Desenlace{Resultado: Rechazada, Preguntada: true, Respuesta: r, Motivo: "No se pudo: " + string(r)}
}

// camino is one way that a purchase can go.
type camino struct {
	nombre     string
	flujo      string           // Compra when empty
	grande     bool             // needs an approval
	perdida    contracts.Estado // the walk was lost, and ends there once all is undone
	ajustes    Ajustes
	desenlaces map[string][]Desenlace
	despertar  []string // the calls after which somebody wakes the workflow
	falla      func(llamada string, vez int) bool
	run        string // the name of the run; none is the first under its id
	llamadas   string // that must be made, in order
	cierre     Cierre // what must be recorded at the end, but for ids and motives
	detalle    string // a part of what the history of a FALLIDA tells
}

// esperado gives the calls of a path, one an entry; "x3" after one repeats it.
func (c camino) esperado() []string {
	var todas []string
	for _, linea := range strings.Split(c.llamadas, ",") {
		llamada, veces := strings.TrimSpace(linea), 1
		if corte := strings.LastIndex(llamada, " x"); corte > 0 {
			if _, err := fmt.Sscanf(llamada[corte:], " x%d", &veces); err == nil {
				llamada = llamada[:corte]
			}
		}
		todas = append(todas, slices.Repeat([]string{llamada}, veces)...)
	}
	return todas
}

// escenario is an engine with the libretos of all that runs on it.
type escenario struct {
	*motor
	teatro *teatro
}

func nuevoEscenario(t *testing.T) escenario {
	e := escenario{teatro: &teatro{}}
	e.motor = nuevoMotor(t, func(r *workflow.Registry) error { return Registrar(r, e.teatro) })
	return e
}

// iniciar begins a path as the purchase id, and gives what will be seen of it.
func (e escenario) iniciar(t *testing.T, c camino, id string) *libreto {
	t.Helper()
	l := &libreto{desenlaces: map[string][]Desenlace{}, falla: c.falla}
	for clave, lista := range c.desenlaces {
		l.desenlaces[clave] = slices.Clone(lista)
	}
	if c.grande && l.desenlaces[nombreAprobar] == nil {
		l.desenlaces[nombreAprobar] = []Desenlace{pendiente}
	}
	l.alLlamar = func(llamada string) {
		if slices.Contains(c.despertar, llamada) {
			if err := e.cliente.RaiseEvent(t.Context(), id, EventoDecision); err != nil {
				t.Errorf("despertar: %v", err)
			}
		}
	}
	e.teatro.libretos.Store(id, l)
	flujo := c.flujo
	if flujo == "" {
		flujo = NombreCompra
	}
	e.motor.iniciar(t, flujo, id, c.entrada(id))
	return l
}

func (c camino) entrada(id string) Entrada {
	e := Entrada{Compra: contracts.SolicitudCompra{ID: id, IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "15", Cantidad: 1}}}, Ajustes: c.ajustes}
	if c.grande {
		e.Compra.Productos[0].Cantidad = 101
	}
	e.Ajustes.UmbralAprobacion, e.Run, e.Version = 100, c.run, Version
	if e.Ajustes.PlazoAprobacion == 0 {
		e.Ajustes.PlazoAprobacion = 24 * time.Hour
	}
	if e.Ajustes.PlazoCompensacion == 0 {
		e.Ajustes.PlazoCompensacion = 24 * time.Hour
	}
	if e.Ajustes.EsperaCompensacion == 0 {
		e.Ajustes.EsperaCompensacion = time.Millisecond
	}
	if c.flujo == NombreCancelacion {
		e.Motivo = "Ya no la quiero."
	}
	if c.perdida != "" {
		return undoing(e, c.perdida)
	}
	return e
}

// Every way that a purchase can go, with every compensation: what is called, in which order, and how it ends.
func TestCaminos(t *testing.T) {
	e := nuevoEscenario(t)
	libretos := map[string]*libreto{}
	for _, c := range caminos {
		libretos[c.nombre] = e.iniciar(t, c, c.nombre)
	}
	for _, c := range caminos {
		t.Run(c.nombre, func(t *testing.T) {
			e.terminar(t, c.nombre)
			l := libretos[c.nombre]
			if hecho := l.hecho(); !slices.Equal(hecho, c.esperado()) {
				t.Fatalf("hizo     %q\nesperado %q", hecho, c.esperado())
			}
			l.comprobarCierre(t, c)
		})
	}
	if *grabar {
		for _, c := range caminos {
			grabarHistorias(t, c.nombre, e.ejecutor.de(c.nombre))
		}
	}
}

// comprobarCierre looks at how the walk was ended, and at what was told with each rollback.
func (l *libreto) comprobarCierre(t *testing.T, c camino) {
	t.Helper()
	if (l.cierre != nil) != (c.cierre.Estado != "") {
		t.Fatalf("terminó con %+v, esperado %+v", l.cierre, c.cierre)
	}
	desde := InFlight
	if c.flujo == NombreCancelacion {
		desde = en(contracts.EstadoConfirmada)
	}
	for _, r := range l.rollbacks {
		if !slices.Equal(r.Desde, desde) || r.Motivo == "" || r.Causa == "" {
			t.Errorf("deshizo %s desde %v por %q (%s)", r.Comando, r.Desde, r.Motivo, r.Causa)
		}
	}
	if l.cierre == nil {
		return
	}
	k := *l.cierre
	if k.Estado != c.cierre.Estado || k.Causa != c.cierre.Causa || k.IDOrden != c.cierre.IDOrden || !slices.Equal(k.Faltantes, c.cierre.Faltantes) {
		t.Errorf("terminó con %+v, esperado %+v", k, c.cierre)
	}
	if failed := k.Estado == contracts.EstadoFallida; failed != (k.Motivo == "") || failed && !strings.Contains(k.Detalle, c.detalle) || failed != (c.detalle != "") {
		t.Errorf("the reason is %q and the history tells %q, expected %q", k.Motivo, k.Detalle, c.detalle) // a FALLIDA keeps its reason
	}
	if len(l.rollbacks) > 0 && !slices.Contains(k.Desde, contracts.EstadoCompensando) {
		t.Errorf("termina desde %v", k.Desde)
	}
}

// Trouble at any one call, once: the engine tries again, and the purchase goes the same way.
func TestUnaFallaEnCadaLlamada(t *testing.T) {
	e := nuevoEscenario(t)
	type caso struct {
		camino
		id       string
		libreto  *libreto
		esperado []string
	}
	var casos []caso
	for _, c := range caminos {
		if c.falla != nil || len(c.esperado()) > 9 { // long ones repeat what short ones have
			continue
		}
		for i := range c.esperado() {
			nuevo := caso{camino: c, id: fmt.Sprint(c.nombre, " ", i), esperado: slices.Insert(c.esperado(), i, c.esperado()[i])}
			vez := 0
			for _, llamada := range c.esperado()[:i+1] {
				if llamada == c.esperado()[i] {
					vez++
				}
			}
			nuevo.falla = func(llamada string, v int) bool { return llamada == c.esperado()[i] && v == vez }
			nuevo.libreto = e.iniciar(t, nuevo.camino, nuevo.id)
			casos = append(casos, nuevo)
		}
	}
	for _, c := range casos {
		t.Run(c.id, func(t *testing.T) {
			e.terminar(t, c.id)
			if hecho := c.libreto.hecho(); !slices.Equal(hecho, c.esperado) {
				t.Fatalf("hizo     %q\nesperado %q", hecho, c.esperado)
			}
			c.libreto.comprobarCierre(t, c.camino)
		})
	}
}

// docs/adr/accept-then-start-by-priority.md: a purchase whose lease ran out may be scheduled after its workflow has ended, and
// the engine then runs it from the start. What its first step finds ends it.
func TestOtraVezDesdeElPrincipioNoHaceNada(t *testing.T) {
	e := nuevoEscenario(t)
	for _, c := range caminos[:4] {
		e.iniciar(t, c, c.nombre)
	}
	for _, c := range caminos[:4] {
		e.terminar(t, c.nombre)
		if err := e.cliente.PurgeWorkflowState(t.Context(), c.nombre); err != nil {
			t.Fatal(err)
		}
		l := e.iniciar(t, camino{desenlaces: map[string][]Desenlace{"ValidarInventario": {terminada}}}, c.nombre)
		e.terminar(t, c.nombre)
		if hecho := l.hecho(); len(hecho) != 1 {
			t.Errorf("%s otra vez hizo %q", c.nombre, hecho)
		}
	}
}

func TestQueNecesitaAprobacion(t *testing.T) {
	for unidades, necesita := range map[int]bool{1: false, 100: false, 101: true} {
		e := Entrada{Ajustes: Ajustes{UmbralAprobacion: 100}}
		e.Compra.Productos = []contracts.Linea{{IDProducto: "1", Cantidad: unidades - 1}, {IDProducto: "2", Cantidad: 1}}
		if e.RequiereAprobacion() != necesita {
			t.Errorf("con %d unidades necesita aprobación: %v", unidades, !necesita)
		}
	}
}

func TestCuantoEsperaUnaCompensacion(t *testing.T) {
	for _, c := range []struct {
		primera time.Duration // a setting
		vueltas int
		espera  time.Duration
	}{
		{0, 0, 5 * time.Second}, {0, 1, 10 * time.Second}, {0, 3, LongestSleep}, {0, 1000, LongestSleep},
		{time.Second, 0, time.Second}, {time.Second, 2, 4 * time.Second}, {time.Second, 1000, 16 * time.Second},
	} {
		if espera := (Ajustes{EsperaCompensacion: c.primera}).espera(c.vueltas); espera != c.espera {
			t.Errorf("tras %d vueltas espera %v, no %v", c.vueltas, espera, c.espera)
		}
	}
}
