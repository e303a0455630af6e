package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"entregas/contracts"
	"entregas/services/internal/basetest"
)

// orden is one thing that is asked of the warehouse.
type orden struct {
	tipo     contracts.Tipo // empty for a restock
	compra   int
	lineas   []contracts.Linea
	clave    string
	cantidad int
}

// docs/adr/stock-is-conserved.md: whatever is asked, in any order, twice, and all at once, units are neither lost nor made up:
// not afterwards and at no instant in between.
func TestElInventarioSeConserva(t *testing.T) {
	b := nuevaBodega(t)
	observar, terminar := observador(t, b)
	defer terminar()
	rapid.Check(t, func(rt *rapid.T) {
		const compras = 6
		ids := make([]string, compras)
		lineas := make([][]contracts.Linea, compras)
		for i := range ids {
			ids[i] = uuid.NewString()
			lineas[i] = rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) contracts.Linea {
				return linea(fmt.Sprint(rapid.IntRange(12, 16).Draw(rt, "producto")), rapid.IntRange(1, 8).Draw(rt, "cantidad"))
			}), 1, 4, func(l contracts.Linea) string { return l.IDProducto }).Draw(rt, "lineas")
		}
		ordenes := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) orden {
			i := rapid.IntRange(0, compras-1).Draw(rt, "compra")
			tipo := rapid.SampledFrom([]contracts.Tipo{
				contracts.ReservarProducto, contracts.ReservarProducto, contracts.LiberarReserva, contracts.DespacharReserva, "",
			}).Draw(rt, "tipo")
			return orden{tipo, i, lineas[i], fmt.Sprint(ids[0], rapid.IntRange(0, 2).Draw(rt, "clave")), 4}
		}), 1, 30).Draw(rt, "ordenes")

		antes := b.saldos(t)
		respuestas := b.hacer(t, ids, ordenes, rapid.IntRange(1, 8).Draw(rt, "a la vez"))
		b.cuadra(t)
		b.comprobarRespuestas(t, antes, ids, lineas, ordenes, respuestas)
		if t.Failed() {
			rt.Fatalf("con %+v", ordenes)
		}
	})
	t.Logf("los libros se leyeron %d veces mientras tanto", observar())
}

type respuestas struct {
	mu sync.Mutex
	de map[string]map[contracts.Tipo]contracts.Tipo // by purchase and command
}

func (b bodega) hacer(t *testing.T, ids []string, ordenes []orden, ancho int) map[string]map[contracts.Tipo]contracts.Tipo {
	r := respuestas{de: map[string]map[contracts.Tipo]contracts.Tipo{}}
	for _, id := range ids {
		r.de[id] = map[contracts.Tipo]contracts.Tipo{}
	}
	basetest.ALaVez(len(ordenes), ancho, func(n int) {
		o := ordenes[n]
		if o.tipo == "" {
			if _, err := b.Reponer(context.Background(), "14", o.cantidad, o.clave); err != nil {
				t.Errorf("reponer: %v", err)
			}
			return
		}
		dicho, err := b.pedir(o.tipo, ids[o.compra], o.lineas)
		if err != nil {
			t.Errorf("%s: %v", o.tipo, err)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if antes, hubo := r.de[ids[o.compra]][o.tipo]; hubo && antes != dicho.Tipo {
			t.Errorf("%s respondió %s y luego %s", o.tipo, antes, dicho.Tipo)
		}
		r.de[ids[o.compra]][o.tipo] = dicho.Tipo
	})
	return r.de
}

// comprobarRespuestas holds what was answered against where the units are: each purchase got what it was told.
func (b bodega) comprobarRespuestas(t *testing.T, antes map[string]saldo, ids []string, lineas [][]contracts.Linea, ordenes []orden, dichas map[string]map[contracts.Tipo]contracts.Tipo) {
	reservado, despachado, repuesto := map[string]int{}, map[string]int{}, map[string]bool{}
	for i, id := range ids {
		dicho := dichas[id]
		se := dicho[contracts.ReservarProducto] == contracts.ProductosReservados
		fue := dicho[contracts.DespacharReserva] == contracts.ReservaDespachada
		volvio := dicho[contracts.LiberarReserva] == contracts.ReservaLiberada
		if fue && (volvio || !se) {
			t.Errorf("compra %s: despachada, y además %v", id, dicho)
		}
		for _, l := range lineas[i] {
			switch {
			case fue:
				despachado[l.IDProducto] += l.Cantidad
			case se && !volvio:
				reservado[l.IDProducto] += l.Cantidad
			}
		}
	}
	for _, o := range ordenes {
		if o.tipo == "" {
			repuesto[o.clave] = true
		}
	}
	for id, s := range b.saldos(t) {
		a := antes[id]
		mas := 0
		if id == "14" {
			mas = 4 * len(repuesto)
		}
		if s.Reservado-a.Reservado != reservado[id] || s.Despachado-a.Despachado != despachado[id] || s.Repuesto-a.Repuesto != mas {
			t.Errorf("producto %s: antes %+v, después %+v, respondido: reservado %d, despachado %d, repuesto %d", id, a, s, reservado[id], despachado[id], mas)
		}
	}
}

// observador reads the books over and over until terminar; observar says how often.
func observador(t *testing.T, b bodega) (observar func() int, terminar func()) {
	ctx, parar := context.WithCancel(context.Background())
	var mu sync.Mutex
	var veces int
	fin := make(chan struct{})
	go func() {
		defer close(fin)
		for ctx.Err() == nil {
			var malos int
			err := b.pool.QueryRow(ctx, `select count(*) from balance where diferencia <> 0`).Scan(&malos)
			if err == nil && malos != 0 {
				t.Errorf("%d productos no cuadran en medio", malos)
				return
			}
			mu.Lock()
			veces++
			mu.Unlock()
		}
	}()
	observar = func() int { mu.Lock(); defer mu.Unlock(); return veces }
	return observar, func() { parar(); <-fin }
}
