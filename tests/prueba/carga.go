package prueba

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/tests/cliente"
)

// Carga buys on and on while something is done to the system.
type Carga struct {
	s       *Sistema
	t       *testing.T
	parar   context.CancelFunc
	grupo   sync.WaitGroup
	mu      sync.Mutex
	ids     []string
	usuario string
}

// Productos that the load buys: see to it that there are enough.
var productosDeCarga = []string{"1", "2", "5", "7"}

// Cargar begins to buy, enVuelo purchases at a time, each sent again under its own key until it was taken, as a careful
// client does.
func (s *Sistema) Cargar(t *testing.T, enVuelo int) *Carga {
	t.Helper()
	minimos := map[string]int{}
	for _, p := range productosDeCarga {
		minimos[p] = 2000
	}
	s.Surtir(t, minimos)
	ctx, parar := context.WithCancel(t.Context())
	c := &Carga{s: s, t: t, parar: parar, usuario: Usuario(t)}
	for i := range enVuelo {
		c.grupo.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				c.una(ctx, fmt.Sprintf("%s-%d", c.usuario, i), n)
			}
		})
	}
	return c
}

func (c *Carga) una(ctx context.Context, usuario string, n int) {
	pedida := contracts.SolicitudCompra{IDUsuario: usuario, Domicilio: n%3 == 0, Productos: []contracts.Linea{
		Linea(productosDeCarga[n%len(productosDeCarga)], 1), Linea(productosDeCarga[(n+1)%len(productosDeCarga)], 2),
	}}
	// Not ctx: what was begun is carried through, so that it is known.
	aceptada, err := c.s.Insistir(c.t.Context(), pedida)
	if err != nil {
		c.t.Errorf("la compra no se tomó: %v", err)
		c.parar()
		return
	}
	c.mu.Lock()
	c.ids = append(c.ids, aceptada.ID)
	c.mu.Unlock()
	for ctx.Err() == nil {
		estado, err := cliente.Uno[contracts.Estado](ctx, c.s.BaseGestor, `select estado from compra where id = $1`, aceptada.ID)
		if err == nil && estado.Reposa() {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Insistir sends a purchase under one key until it is taken. A refusal that will not change ends it.
func (s *Sistema) Insistir(ctx context.Context, pedida contracts.SolicitudCompra) (contracts.Aceptada, error) {
	clave := cliente.ClaveIdempotencia(uuid.NewString())
	ctx, soltar := context.WithTimeout(ctx, Plazo)
	defer soltar()
	for {
		aceptada, err := s.BFF.Comprar(ctx, pedida, clave)
		var p *cliente.Problema
		if err == nil || ctx.Err() != nil || (errors.As(err, &p) && p.Status < http.StatusInternalServerError) {
			return aceptada, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Van is how many purchases were taken so far.
func (c *Carga) Van() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.ids)
}

// Esperar waits until n more purchases than now were taken.
func (c *Carga) Esperar(n int) {
	c.t.Helper()
	meta := c.Van() + n
	Hasta(c.t, fmt.Sprintf("%d compras más", n), func(context.Context) (bool, error) { return c.Van() >= meta, nil })
}

// Terminar stops to buy and requires that every purchase was confirmed and all is as it should be.
func (c *Carga) Terminar(plazo time.Duration) {
	c.t.Helper()
	c.parar()
	c.grupo.Wait()
	c.s.TodasConfirmadas(c.t, plazo, c.ids)
	if n := Contar(c.t, c.s.BaseGestor, `select count(*) from compra where starts_with(id_usuario, $1)`, c.usuario); n != len(c.ids) {
		c.t.Errorf("se tomaron %d compras y hay %d", len(c.ids), n)
	}
	c.t.Logf("%d compras, todas confirmadas", len(c.ids))
}

// TodasConfirmadas waits for the purchases, and requires that each was confirmed and its story is one in all databases.
func (s *Sistema) TodasConfirmadas(t *testing.T, plazo time.Duration, ids []string) {
	t.Helper()
	if cuantas := s.TodasReposan(t, plazo, ids); cuantas[contracts.EstadoConfirmada] != len(ids) {
		t.Errorf("de %d compras: %v", len(ids), cuantas)
	}
	s.Cuadran(t, ids)
}

// SinMuertos gives a check that since now no message became a dead letter.
func (s *Sistema) SinMuertos(t *testing.T) func() {
	t.Helper()
	contar := func() map[string]int64 {
		cuantos := map[string]int64{}
		for _, tema := range contracts.Nombres() {
			n, err := s.Broker.Entraron(context.WithoutCancel(t.Context()), tema+"-dlq")
			if err != nil {
				t.Fatal(err)
			}
			cuantos[tema] = n
		}
		return cuantos
	}
	antes := contar()
	return func() {
		t.Helper()
		if despues := contar(); fmt.Sprint(antes) != fmt.Sprint(despues) {
			t.Errorf("mensajes muertos: antes %v, después %v", antes, despues)
		}
	}
}
