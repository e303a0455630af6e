package postgres_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/internal/basetest"
	"entregas/services/internal/errores"
)

// Only a purchase that awaits approval takes a decision.
func TestDecidirSoloLoQueEspera(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for _, estado := range contracts.Estados {
		s := a.Compra(t, estado)
		espera := estado == contracts.EstadoPorAprobar
		vigente, primera, err := a.Decidir(t.Context(), s.ID, compras.Decision{Decision: compras.Aprobada, Motivo: "bien"})
		if err != nil || primera != espera || (vigente.Decision == compras.Aprobada) != espera {
			t.Errorf("%s: %+v %v %v", estado, vigente, primera, err)
		}
		entregada, err := a.EntregarDecision(t.Context(), s.ID)
		if err != nil || (entregada.Decision == compras.Aprobada) != espera {
			t.Errorf("%s: entrega %+v %v", estado, entregada, err)
		}
	}
	vigente, primera, err := a.Decidir(t.Context(), postgrestest.Solicitud().ID, compras.Decision{Decision: compras.Aprobada})
	if err != nil || primera || vigente.Decision != compras.Ninguna {
		t.Errorf("de una compra que no hay: %+v %v %v", vigente, primera, err)
	}
}

// What an operator is told.
func TestAprobar(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for _, c := range []struct {
		nombre string
		estado contracts.Estado
		antes  string // decided before
		codigo errores.Codigo
	}{
		{"it awaits approval", contracts.EstadoPorAprobar, "", ""},
		{"approved before, in the same words", contracts.EstadoPorAprobar, compras.Aprobada, ""},
		{"rejected before", contracts.EstadoPorAprobar, compras.Rechazada, errores.Conflicto},
		{"cancelled before", contracts.EstadoPorAprobar, compras.Cancelada, errores.Conflicto},
		{"expired before", contracts.EstadoPorAprobar, compras.Expirada, errores.Conflicto},
		{"it awaits none yet", contracts.EstadoProductosValidos, "", errores.Conflicto},
		{"approved before and past that", contracts.EstadoConfirmada, compras.Aprobada, ""},
		{"rejected before and past that", contracts.EstadoRechazada, compras.Rechazada, errores.Conflicto},
		{"it never awaited one", contracts.EstadoConfirmada, "", errores.Conflicto},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			s := a.Compra(t, c.estado)
			if c.antes != "" {
				a.Hacer(t, `insert into decision (id_compra, decision) values ($1, $2)`, s.ID, c.antes)
			}
			_, err := a.Aprobar(t.Context(), s.ID, compras.Decision{Decision: compras.Aprobada})
			esperarCodigo(t, err, c.codigo)
		})
	}
	s := a.Compra(t, contracts.EstadoPorAprobar)
	for _, c := range []struct {
		motivo string
		codigo errores.Codigo
	}{{"bien", ""}, {"bien", ""}, {"muy bien", errores.Conflicto}} {
		_, err := a.Aprobar(t.Context(), s.ID, compras.Decision{Decision: compras.Aprobada, Motivo: c.motivo})
		esperarCodigo(t, err, c.codigo)
	}
	_, err := a.Aprobar(t.Context(), postgrestest.Solicitud().ID, compras.Decision{Decision: compras.Aprobada})
	esperarCodigo(t, err, errores.NoEncontrado)
}

// docs/adr/who-owns-a-fact-decides.md: approve, reject, cancel and expire at once. One wins, it alone is told that it did, all
// others are told which, and the workflow reads the same.
func TestUnaDecisionGana(t *testing.T) {
	a := postgrestest.Nuevo(t)
	ganadas := map[string]int{}
	for range 60 {
		s := a.Compra(t, contracts.EstadoPorAprobar)
		var ganadoras atomic.Pointer[string]
		var cuantas atomic.Int32
		gano := func(cual string, gano bool) {
			if gano {
				ganadoras.Store(&cual)
				cuantas.Add(1)
			}
		}
		basetest.ALaVez(6, 6, func(i int) {
			var err error
			switch i % 4 {
			case 0, 1:
				d := []string{compras.Aprobada, compras.Rechazada}[i%4]
				_, err = a.Aprobar(t.Context(), s.ID, compras.Decision{Decision: d, Motivo: fmt.Sprint(i)})
				gano(d, err == nil)
			case 2:
				_, _, err = a.Cancelar(t.Context(), s.ID, "ya no")
			default:
				var primera bool
				_, primera, err = a.Decidir(t.Context(), s.ID, compras.Decision{Decision: compras.Expirada})
				gano(compras.Expirada, primera)
			}
			if err != nil && errores.De(err) != errores.Conflicto {
				t.Errorf("%d: %v", i, err)
			}
		})
		leida, err := a.EntregarDecision(t.Context(), s.ID)
		if err != nil || t.Failed() {
			t.Fatal(err)
		}
		// A cancellation is told nothing but that it is on its way: then nobody else may have won.
		if leida.Decision == compras.Cancelada && cuantas.Load() != 0 || leida.Decision != compras.Cancelada && (cuantas.Load() != 1 || *ganadoras.Load() != leida.Decision) {
			t.Fatalf("ganaron %d y el flujo lee %+v", cuantas.Load(), leida)
		}
		ganadas[leida.Decision]++
	}
	t.Log(ganadas)
}

// Delivered, or too young: nobody has to be woken again.
func TestPorDespertar(t *testing.T) {
	a := postgrestest.Nuevo(t)
	var ids []string
	for i := range 4 {
		s := a.Compra(t, contracts.EstadoPorAprobar)
		if _, _, err := a.Decidir(t.Context(), s.ID, compras.Decision{Decision: compras.Aprobada}); err != nil {
			t.Fatal(err)
		}
		a.Hacer(t, `update decision set tomada_en = now() - make_interval(mins => $2) where id_compra = $1`, s.ID, 3-i) // the last one just now
		ids = append(ids, s.ID)
	}
	if _, err := a.EntregarDecision(t.Context(), ids[1]); err != nil {
		t.Fatal(err)
	}
	for limite, esperadas := range map[int][]string{10: {ids[0], ids[2]}, 1: {ids[0]}} {
		if por, err := a.PorDespertar(t.Context(), 30*time.Second, limite); err != nil || !slices.Equal(por, esperadas) {
			t.Errorf("por despertar %v: %v", por, err)
		}
	}
}
