package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/tests/cliente"
)

// seguida is a purchase that a customer was told of, and what must become of it.
type seguida struct {
	id       string
	clase    string
	aceptada time.Time
	finales  []contracts.Estado // where it may end; empty until its customer is done with it
	llegada  time.Time          // when it was seen there; zero until then
	estado   contracts.Estado
}

// carga buys without end, and follows what it bought.
type carga struct {
	bff    *cliente.Cliente
	gestor *cliente.Base
	corte  string // names this run's customers
	mu     sync.Mutex
	todas  map[string]*seguida
	grupo  sync.WaitGroup
	parar  context.CancelFunc
	fallos []string // answers that no customer should get
	door   answers
}

// clases of purchases, as often as they stand here.
var clases = []string{"simple", "simple", "simple", "cancelada", "cancelada", "despachada", "sin existencias", "aprobada", "no aprobada", "cancelada tarde"}

const (
	grande     = 101  // units that need an approval
	agotado    = "15" // a product of which there is none
	existencia = 400_000
)

// iniciar lets n customers buy at once until detener.
func (c *carga) iniciar(ctx context.Context, n int, semilla uint64) {
	c.todas = map[string]*seguida{}
	propio, parar := context.WithCancel(ctx)
	c.parar = parar
	for i := range n {
		azar := rand.New(rand.NewPCG(semilla, uint64(i)))
		c.grupo.Go(func() {
			for k := 0; propio.Err() == nil; k++ {
				c.una(ctx, azar, fmt.Sprintf("caos-%s-%d-%d", c.corte, i, k/20))
				dormir(propio, time.Duration(300+azar.IntN(500))*time.Millisecond)
			}
		})
	}
	go c.mirar(ctx)
}

// detener lets each customer finish what it began.
func (c *carga) detener() {
	c.parar()
	c.grupo.Wait()
}

func (c *carga) una(ctx context.Context, azar *rand.Rand, usuario string) {
	s := contracts.SolicitudCompra{IDUsuario: usuario, Domicilio: azar.IntN(3) == 0}
	primero := 1 + azar.IntN(4)
	for k := range 1 + azar.IntN(3) {
		s.Productos = append(s.Productos, contracts.Linea{IDProducto: fmt.Sprint(1 + (primero+k)%4), Cantidad: 1 + azar.IntN(3)})
	}
	clase := clases[azar.IntN(len(clases))]
	switch clase {
	case "sin existencias":
		s.Productos[0].IDProducto = agotado
	case "aprobada", "no aprobada":
		s.Productos[0].Cantidad = grande
	}
	p := c.comprar(ctx, s, clase)
	if p == nil {
		return
	}
	finales := c.seguir(ctx, azar, p)
	c.mu.Lock()
	defer c.mu.Unlock()
	p.finales = finales
}

// comprar sends the purchase under one key until it is taken: an answer that names it, and nothing else, makes it one that a
// customer was told of. What was given up or broke off in the middle is sent again, and the key makes it the same purchase.
func (c *carga) comprar(ctx context.Context, s contracts.SolicitudCompra, clase string) *seguida {
	clave := cliente.ClaveIdempotencia(uuid.NewString())
	for ctx.Err() == nil {
		aceptada, err := c.bff.Comprar(ctx, s, clave)
		c.seen(ctx, statusOf(err))
		if err == nil && aceptada.ID == "" {
			c.fallo("comprar: una respuesta de éxito sin id")
			return nil
		}
		if err == nil {
			p := &seguida{id: aceptada.ID, clase: clase, aceptada: time.Now()}
			c.mu.Lock()
			c.todas[p.id] = p
			c.mu.Unlock()
			return p
		}
		if definitiva(err) {
			c.fallo("comprar: %v", err)
			return nil
		}
		dormir(ctx, 200*time.Millisecond)
	}
	return nil
}

// seguir does what this kind of customer does next, and tells where the purchase may then end.
func (c *carga) seguir(ctx context.Context, azar *rand.Rand, p *seguida) []contracts.Estado {
	switch p.clase {
	case "sin existencias":
		return []contracts.Estado{contracts.EstadoRechazada}
	case "cancelada":
		dormir(ctx, time.Duration(azar.IntN(250))*time.Millisecond)
		return c.cancelar(ctx, p.id)
	case "cancelada tarde":
		c.hasta(ctx, p.id, contracts.EstadoConfirmada)
		return c.cancelar(ctx, p.id)
	case "despachada":
		if orden := c.hasta(ctx, p.id, contracts.EstadoConfirmada).IDOrden; orden != "" {
			c.insistir(ctx, http.MethodPost, "/ordenes/"+orden+"/despacho", nil)
			return []contracts.Estado{contracts.EstadoDespachada}
		}
	case "aprobada", "no aprobada":
		c.hasta(ctx, p.id, contracts.EstadoPorAprobar)
		c.insistir(ctx, http.MethodPost, "/compras/"+p.id+"/aprobacion", map[string]any{"aprobada": p.clase == "aprobada"})
		if p.clase == "no aprobada" {
			return []contracts.Estado{contracts.EstadoRechazada}
		}
	}
	return []contracts.Estado{contracts.EstadoConfirmada}
}

func (c *carga) cancelar(ctx context.Context, id string) []contracts.Estado {
	if c.insistir(ctx, http.MethodPost, "/compras/"+id+"/cancelacion", map[string]any{"motivo": "caos"})/100 == 2 {
		return []contracts.Estado{contracts.EstadoCancelada}
	}
	return []contracts.Estado{contracts.EstadoConfirmada, contracts.EstadoCancelada}
}

// insistir sends a request until it is answered with something other than trouble, and gives the answer's status.
func (c *carga) insistir(ctx context.Context, metodo, ruta string, cuerpo any) int {
	for ctx.Err() == nil {
		r, err := c.bff.Pedir(ctx, metodo, ruta, cuerpo)
		if err != nil {
			r.Estado = 0
		}
		c.seen(ctx, r.Estado)
		if r.Estado != 0 && !comesAgain(r.Estado) && r.Estado != http.StatusNotFound {
			return r.Estado
		}
		dormir(ctx, 300*time.Millisecond)
	}
	return 0
}

// hasta reads the purchase until it is in the state, or at another end.
func (c *carga) hasta(ctx context.Context, id string, estado contracts.Estado) contracts.Compra {
	for ctx.Err() == nil {
		leida, err := c.bff.Leer(ctx, id)
		c.seen(ctx, statusOf(err))
		if err == nil && (leida.Estado == estado || leida.Estado.Reposa()) {
			return leida
		}
		dormir(ctx, 150*time.Millisecond)
	}
	return contracts.Compra{}
}

// mirar notes when purchases come to their end: one query for all of them.
func (c *carga) mirar(ctx context.Context) {
	type fila struct {
		ID     string
		Estado contracts.Estado
	}
	for ; ctx.Err() == nil; dormir(ctx, 250*time.Millisecond) {
		ids := c.pendientes(func(*seguida) bool { return true })
		plazo, soltar := context.WithTimeout(ctx, 5*time.Second)
		filas, err := cliente.Filas[fila](plazo, c.gestor, `select id, estado from compra where id = any($1)`, ids)
		soltar()
		if err != nil {
			continue // the database is down, as it may be
		}
		ahora := time.Now()
		c.mu.Lock()
		for _, f := range filas {
			p := c.todas[f.ID]
			p.estado = f.Estado
			if slices.Contains(p.finales, f.Estado) {
				p.llegada = ahora
			}
		}
		c.mu.Unlock()
	}
}

// pendientes are the purchases that have not come to their end, of those that cual says.
func (c *carga) pendientes(cual func(*seguida) bool) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := []string{}
	for id, p := range c.todas {
		if p.llegada.IsZero() && cual(p) {
			ids = append(ids, id)
		}
	}
	return ids
}

// ultimaLlegada is when the last of these purchases came to its end.
func (c *carga) ultimaLlegada(ids []string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ultima time.Time
	for _, id := range ids {
		if l := c.todas[id].llegada; l.After(ultima) {
			ultima = l
		}
	}
	return ultima
}

func (c *carga) ids() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.todas))
}

func (c *carga) fallo(formato string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fallos = append(c.fallos, fmt.Sprintf(formato, args...))
}

func dormir(ctx context.Context, cuanto time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(cuanto):
	}
}
