package admision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// cola gives out what a test put in it, once.
type cola struct {
	mu       sync.Mutex
	turnos   []compras.Turno
	tramites []compras.Tramite
	dormidas []string
	falla    map[string]error // by method
	veces    int
}

func (c *cola) TomarTurnos(_ context.Context, p compras.Places) ([]compras.Turno, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.veces++
	n := min(p.Total, len(c.turnos))
	dados := c.turnos[:n]
	c.turnos = c.turnos[n:]
	return dados, c.falla["TomarTurnos"]
}

func (c *cola) TomarTramites(context.Context, time.Duration, int) ([]compras.Tramite, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dados := c.tramites
	c.tramites = nil
	return dados, c.falla["TomarTramites"]
}

func (c *cola) PorDespertar(context.Context, time.Duration, int) ([]string, error) {
	return c.dormidas, c.falla["PorDespertar"]
}

func (c *cola) poner(t ...compras.Turno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turnos = append(c.turnos, t...)
}

func (c *cola) miradas() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.veces
}

// motor keeps what was scheduled and woken.
type motor struct {
	mu         sync.Mutex
	iniciados  map[string]compra.Entrada // by name and id
	despiertos []string
	falla      map[string]error // by id
}

func (m *motor) Start(ctx context.Context, name, id string, in compra.Entrada) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.falla[id]; err != nil {
		return err
	}
	m.iniciados[name+" "+id] = in
	return nil
}

func (m *motor) Wake(ctx context.Context, id string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.despiertos = append(m.despiertos, id)
	return m.falla[id]
}

func (m *motor) cuantos() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.iniciados)
}

var ajustes = Ajustes{Places: compras.Places{Total: 3}, Vuelta: time.Hour, Saga: compra.Ajustes{UmbralAprobacion: 7, PlazoAprobacion: time.Minute}}

func nueva(c *cola) (*Admision, *motor) {
	m := &motor{iniciados: map[string]compra.Entrada{}, falla: map[string]error{}}
	return Nueva(c, m, ajustes), m
}

func turno(id string) compras.Turno {
	return compras.Turno{ID: id, IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}}, Domicilio: true}
}

// A workflow is scheduled under its purchase's id, with the purchase and the settings as they are now.
func TestInicia(t *testing.T) {
	a, m := nueva(&cola{turnos: []compras.Turno{turno("a")}, tramites: []compras.Tramite{
		{SolicitudCompra: turno("b"), Tipo: compra.TramiteDespacho}, {SolicitudCompra: turno("b"), Tipo: compra.TramiteCancelacion, Motivo: "ya no"},
	}})
	if err := a.admitir(t.Context()); err != nil {
		t.Fatal(err)
	}
	esperados := map[string]compra.Entrada{
		"Compra a":                  {Compra: turno("a"), Ajustes: ajustes.Saga, Version: compra.Version},
		"Despacho b-despacho":       {Compra: turno("b"), Ajustes: ajustes.Saga, Version: compra.Version},
		"Cancelacion b-cancelacion": {Compra: turno("b"), Ajustes: ajustes.Saga, Version: compra.Version, Motivo: "ya no"},
	}
	if fmt.Sprint(m.iniciados) != fmt.Sprint(esperados) {
		t.Fatalf("inició   %v\nesperado %v", m.iniciados, esperados)
	}
}

// What fails does not hold up the rest.
func TestUnaFallaNoDetieneALasDemas(t *testing.T) {
	noResponde := errors.New("no responde")
	for _, c := range []struct {
		nombre   string
		almacen  map[string]error
		motor    map[string]error
		inicia   int // of two turns and one follow-up
		conError bool
	}{
		{"nothing fails", nil, nil, 3, false},
		{"one cannot be started", nil, map[string]error{"a": noResponde}, 2, true},
		{"no turns", map[string]error{"TomarTurnos": noResponde}, nil, 3, true},
		{"no follow-ups", map[string]error{"TomarTramites": noResponde}, nil, 3, true},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			a, m := nueva(&cola{turnos: []compras.Turno{turno("a"), turno("b")}, falla: c.almacen, tramites: []compras.Tramite{{SolicitudCompra: turno("c"), Tipo: compra.TramiteDespacho}}})
			m.falla = c.motor
			if err := a.admitir(t.Context()); (err != nil) != c.conError || m.cuantos() != c.inicia {
				t.Fatalf("inició %v: %v", m.iniciados, err)
			}
		})
	}
}

// It looks when it begins, when it is told, and by itself; what is told while it looks is not forgotten.
func TestCorrer(t *testing.T) {
	for nombre, vuelta := range map[string]time.Duration{"told": time.Hour, "by itself": time.Millisecond} {
		t.Run(nombre, func(t *testing.T) {
			c := &cola{}
			a, m := nueva(c)
			a.ajustes.Vuelta = vuelta
			ctx, parar := context.WithCancel(t.Context())
			var fin sync.WaitGroup
			fin.Go(func() { a.Correr(ctx) })
			for n := 1; n <= 5; n++ {
				c.poner(turno(fmt.Sprint(n)))
				if nombre == "told" {
					for range 100 { // it does not wait, however often
						a.Avisar()
					}
				}
				for m.cuantos() < n {
					time.Sleep(time.Millisecond)
				}
			}
			parar()
			fin.Wait()
			if c.miradas() < 5 {
				t.Errorf("miró %d veces", c.miradas())
			}
		})
	}
}

func TestDespierta(t *testing.T) {
	c := &cola{dormidas: []string{"a", "b", "c"}}
	a, m := nueva(c)
	m.falla["a"] = errors.New("no responde") // the sweep comes again
	if err := a.Barrer(t.Context()); err != nil || !slices.Equal(m.despiertos, []string{"a", "b", "c"}) {
		t.Fatalf("despertó %v: %v", m.despiertos, err)
	}
	c.falla = map[string]error{"PorDespertar": errors.New("no responde")}
	if err := a.Barrer(t.Context()); err == nil {
		t.Error("no dice que no pudo")
	}
}

// Failure prevented: who decides hangs up once it is recorded, as a sidecar that dies does, and the purchase sleeps until the sweep.
func TestDespiertaAunqueQuienDecidioSeVaya(t *testing.T) {
	a, m := nueva(&cola{})
	ctx, irse := context.WithCancel(t.Context())
	irse()
	a.Despertar(ctx, "a")
	if !slices.Equal(m.despiertos, []string{"a"}) {
		t.Errorf("despertó %v", m.despiertos)
	}
}
