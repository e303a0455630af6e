package difusion

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
)

// memoria is an Almacen that has nothing to sweep.
type memoria struct {
	mu    sync.Mutex
	hasta map[string]int
	falla error
}

func (m *memoria) MarcarPublicadas(ctx context.Context, p []compras.Publicado) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := errors.Join(m.falla, ctx.Err()); err != nil {
		return err
	}
	for _, uno := range p {
		m.hasta[uno.IDCompra] = max(m.hasta[uno.IDCompra], uno.Hasta)
	}
	return nil
}

func (m *memoria) PorPublicar(context.Context, time.Duration, int) ([]contracts.Compra, error) {
	return nil, nil
}

func (m *memoria) marcadas() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.hasta)
}

func nueva(a Almacen) (*Difusion, *pubsubtest.Broker) {
	broker := &pubsubtest.Broker{}
	return Nueva(a, pubsub.NuevoPublicador(broker, "gestor-compra")), broker
}

// correr runs d until the test has seen what it waits for.
func correr(t *testing.T, d *Difusion, hasta func() bool) {
	t.Helper()
	ctx, parar := context.WithCancel(t.Context())
	var fin sync.WaitGroup
	fin.Go(func() { d.Correr(ctx) })
	for plazo := time.Now().Add(30 * time.Second); !hasta(); time.Sleep(time.Millisecond) {
		if time.Now().After(plazo) {
			t.Error("no termina")
			break
		}
	}
	parar()
	fin.Wait()
}

func con(id string, numero int) contracts.Compra {
	return contracts.Compra{SolicitudCompra: contracts.SolicitudCompra{ID: id}, Estado: contracts.EstadoIniciada, Historia: []contracts.HechoContado{{Numero: numero}}}
}

// Each purchase's changes are published in their order, however many there are at once, under its key; and marked.
func TestCadaCompraConservaSuOrden(t *testing.T) {
	const cuantas, veces = 40, 10
	a := &memoria{hasta: map[string]int{}}
	d, broker := nueva(a)
	publicados := func() int { return len(pubsubtest.Publicados(t, broker, contracts.EventosCompra)) }
	difundir := sync.OnceFunc(func() {
		for n := 1; n <= veces; n++ {
			for _, i := range rand.Perm(cuantas) {
				d.Difundir(con(fmt.Sprint("compra ", i), n))
			}
		}
	})
	correr(t, d, func() bool {
		difundir()
		return publicados() >= cuantas*veces
	})
	ultimo := map[string]int{}
	metadatos := broker.Metadatos(string(contracts.EventosCompra))
	for i, m := range pubsubtest.Publicados(t, broker, contracts.EventosCompra) {
		if m.Type != contracts.CompraActualizada || m.Data.Numero != ultimo[m.Data.IDCompra]+1 || metadatos[i]["partitionKey"] != m.Data.IDCompra {
			t.Fatalf("tras el %d de %s va %+v (%v)", ultimo[m.Data.IDCompra], m.Data.IDCompra, m, metadatos[i])
		}
		ultimo[m.Data.IDCompra] = m.Data.Numero
	}
	for id, n := range ultimo {
		if a.hasta[id] != veces || n != veces {
			t.Errorf("%s: publicado hasta %d, marcado hasta %d", id, n, a.hasta[id])
		}
	}
}

// What is published when it stops is marked, though its context has ended.
func TestAlPararMarca(t *testing.T) {
	a := &memoria{hasta: map[string]int{}}
	d, _ := nueva(a)
	d.publicar(t.Context(), con("una", 1))
	ctx, parar := context.WithCancel(t.Context())
	parar()
	d.Correr(ctx)
	if a.hasta["una"] != 1 {
		t.Fatal("quedó sin marcar")
	}
}

// What cannot be published is not marked, and what cannot be marked is marked later.
func TestLoQueFallaNoSeMarca(t *testing.T) {
	a := &memoria{hasta: map[string]int{}, falla: errors.New("la base no responde")}
	d, broker := nueva(a)
	broker.Fallar(errors.New("el broker no responde"))
	d.publicar(t.Context(), con("una", 1))
	if err := d.marcar(t.Context()); err != nil {
		t.Fatalf("había algo por marcar: %v", err)
	}
	broker.Fallar(nil)
	d.publicar(t.Context(), con("una", 1))
	if err := d.marcar(t.Context()); err == nil || a.marcadas() != 0 {
		t.Fatal("no dice que no pudo marcar")
	}
	a.falla = nil
	if err := d.marcar(t.Context()); err != nil || a.marcadas() != 1 {
		t.Fatalf("olvidó lo que no pudo marcar: %v", err)
	}
}

// docs/adr/the-history-is-the-outbox.md: a broker that was away and lanes that were full lose nothing. The sweep finds all that
// was not published, and then nothing more.
func TestNadaSePierde(t *testing.T) {
	const cuantas = 3 * loteBarrido / 2
	a := postgrestest.Nuevo(t)
	a.Hacer(t, `insert into compra (id, id_usuario, estado, domicilio, productos) select n, 'ana', 'RECIBIDA', false, '[]' from generate_series(1, $1) n`, cuantas)
	a.Hacer(t, `insert into historia (id_compra, numero, paso, tipo, en) select id, 1, 'RECIBIDA', 'CrearCompra', now() - interval '1 minute' from compra`)
	d, broker := nueva(a)
	broker.Fallar(errors.New("el broker no responde"))
	for range carriles * profundidad { // nobody empties the lanes yet: it returns all the same
		c, err := a.Leer(t.Context(), "1")
		if err != nil {
			t.Fatal(err)
		}
		d.Difundir(c)
		d.Difundir(c)
		if len(d.carriles[0]) == profundidad {
			break
		}
	}
	sinMarcar := func() int { return postgrestest.Uno[int](t, a, `select count(*) from historia where not publicada`) }
	falla := true
	correr(t, d, func() bool {
		if falla {
			broker.Fallar(nil)
			falla = false
		}
		if err := d.barrer(t.Context()); err != nil {
			t.Error(err)
		}
		return sinMarcar() == 0
	})
	vistas := map[string]bool{}
	for _, m := range pubsubtest.Publicados(t, broker, contracts.EventosCompra) {
		vistas[m.Data.IDCompra] = true
	}
	if len(vistas) != cuantas {
		t.Fatalf("se publicaron %d de %d", len(vistas), cuantas)
	}
	if quedan, err := a.PorPublicar(t.Context(), 0, 10); err != nil || len(quedan) != 0 {
		t.Fatalf("quedan %v: %v", quedan, err)
	}
}

// A change that comes while an older one is being published is not marked with it.
func TestNoSeMarcaLoQueVieneDespues(t *testing.T) {
	a := postgrestest.Nuevo(t)
	s := a.Compra(t, contracts.EstadoRecibida)
	d, _ := nueva(a)
	antes, err := a.Leer(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	k := compras.Cambio{IDCompra: s.ID, A: contracts.EstadoIniciada, Desde: []contracts.Estado{contracts.EstadoRecibida}}
	if _, movida, err := a.Mover(t.Context(), k); err != nil || !movida {
		t.Fatal(movida, err)
	}
	d.publicar(t.Context(), antes)
	if err := d.marcar(t.Context()); err != nil {
		t.Fatal(err)
	}
	if quedan, err := a.PorPublicar(t.Context(), 0, 10); err != nil || len(quedan) != 1 {
		t.Fatalf("quedan %v: %v", quedan, err)
	}
}
