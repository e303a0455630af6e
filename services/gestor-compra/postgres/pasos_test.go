package postgres_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/internal/basetest"
)

// A change of state is made from where it may be made, with its history entry, or not at all.
func TestMoverSoloDesdeDondeSePuede(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for _, estado := range contracts.Estados {
		for _, marcada := range []bool{false, true} {
			for _, siNoCancelada := range []bool{false, true} {
				s := a.Compra(t, estado)
				if marcada {
					a.Hacer(t, `update compra set cancelacion_pedida = 'ya no' where id = $1`, s.ID)
				}
				k := cambio(s.ID, "PROBADA", contracts.EstadoIniciada, contracts.EstadoPorAprobar)
				k.SiNoCancelada, k.Motivo, k.IDOrden, k.Faltantes = siNoCancelada, "porque sí", "o1", []contracts.Faltante{{IDProducto: "1", Solicitada: 2}}
				c, movida, err := a.Mover(t.Context(), k)
				if err != nil {
					t.Fatal(err)
				}
				debe := slices.Contains(k.Desde, estado) && (!marcada || !siNoCancelada)
				pasos := len(c.Historia)
				if movida != debe || (c.Estado == "PROBADA") != debe || (pasos == 2) != debe || (c.Motivo == k.Motivo) != debe || (c.IDOrden == "o1") != debe || (len(c.Faltantes) == 1) != debe {
					t.Errorf("desde %s (marcada %v, si no cancelada %v): movida %v, %+v", estado, marcada, siNoCancelada, movida, c)
				}
				a.SinHuecos(t, s.ID)
				if debe && c.Historia[1] != (contracts.HechoContado{Numero: 2, Paso: "PROBADA", Tipo: "Prueba", En: c.Historia[1].En, Detalle: "a PROBADA"}) {
					t.Errorf("cuenta %+v", c.Historia[1])
				}
			}
		}
	}
}

func TestMoverNoBorraLoQueYaSeSabe(t *testing.T) {
	a := postgrestest.Nuevo(t)
	s := a.Compra(t, contracts.EstadoIniciada)
	k := cambio(s.ID, contracts.EstadoProductosValidos, contracts.EstadoIniciada)
	k.Motivo, k.IDOrden, k.Faltantes = "uno", "o1", []contracts.Faltante{{IDProducto: "1"}}
	if _, _, err := a.Mover(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	c, _, err := a.Mover(t.Context(), cambio(s.ID, contracts.EstadoCompensando, contracts.EstadoProductosValidos))
	if err != nil || c.Motivo != "uno" || c.IDOrden != "o1" || len(c.Faltantes) != 1 {
		t.Fatalf("quedó %+v: %v", c, err)
	}
}

// Of changes that exclude each other one is made, whoever asks when.
func TestMoverALaVez(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for range 20 {
		s := a.Compra(t, contracts.EstadoRecibida)
		var movidas atomic.Int32
		basetest.ALaVez(8, 8, func(i int) {
			_, movida, err := a.Mover(t.Context(), cambio(s.ID, contracts.Estado(fmt.Sprint("PROBADA_", i)), contracts.EstadoRecibida))
			if err != nil {
				t.Error(err)
			}
			if movida {
				movidas.Add(1)
			}
		})
		if movidas.Load() != 1 {
			t.Fatalf("se movió %d veces", movidas.Load())
		}
		a.SinHuecos(t, s.ID)
	}
}

// A question is asked in its state and, but for rollbacks, only while nobody wants to cancel. Once asked it stays asked.
func TestPlantear(t *testing.T) {
	a := postgrestest.Nuevo(t)
	desde, en := []contracts.Estado{contracts.EstadoIniciada}, []contracts.Estado{contracts.EstadoProductosValidos, contracts.EstadoPorAprobar}
	for _, estado := range contracts.Estados {
		for _, marcada := range []bool{false, true} {
			for _, siempre := range []bool{false, true} {
				s := a.Compra(t, estado)
				if marcada {
					a.Hacer(t, `update compra set cancelacion_pedida = 'ya no' where id = $1`, s.ID)
				}
				k := cambio(s.ID, contracts.EstadoProductosValidos, desde...)
				k.SiNoCancelada = !siempre
				p, err := a.Plantear(t.Context(), k, contracts.ReservarProducto, en, siempre)
				if err != nil {
					t.Fatal(err)
				}
				libre := !marcada || siempre
				movida, preguntada := slices.Contains(desde, estado) && libre, (slices.Contains(desde, estado) || slices.Contains(en, estado)) && libre
				if p.Movida != movida || (p.Paso != nil) != preguntada || p.CancelacionPedida != marcada || marcada && p.MotivoDeCancelacion != "ya no" {
					t.Errorf("desde %s (marcada %v, siempre %v): %+v", estado, marcada, siempre, p)
				}
			}
		}
	}
}

func TestPlantearOtraVezEsLaMismaPregunta(t *testing.T) {
	a := postgrestest.Nuevo(t)
	s := a.Compra(t, contracts.EstadoIniciada)
	plantear := func() compras.Planteada {
		t.Helper()
		p, err := a.Plantear(t.Context(), cambio(s.ID, contracts.EstadoProductosValidos, contracts.EstadoIniciada), contracts.ReservarProducto, en(contracts.EstadoProductosValidos), false)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	primera := plantear()
	a.Hacer(t, `update compra set cancelacion_pedida = 'ya no', estado = 'COMPENSANDO' where id = $1`, s.ID)
	segunda := plantear()
	if segunda.Movida || segunda.Paso == nil || !segunda.Paso.PreguntadaEn.Equal(primera.Paso.PreguntadaEn) || len(segunda.Compra.Historia) != 2 {
		t.Fatalf("primera %+v\nsegunda %+v", primera, segunda)
	}
}

func en(estados ...contracts.Estado) []contracts.Estado { return estados }

// The history counts up without gaps and has each step once, whatever is done, how often, and at once.
func TestLaHistoriaNoTieneHuecos(t *testing.T) {
	a := postgrestest.Nuevo(t)
	rapid.Check(t, func(r *rapid.T) {
		s := a.Compra(t, contracts.EstadoRecibida)
		estados := contracts.Estados
		hacer := rapid.SliceOfN(rapid.IntRange(0, 3*len(estados)-1), 4, 12).Draw(r, "qué")
		basetest.ALaVez(len(hacer), len(hacer), func(i int) {
			estado := estados[hacer[i]%len(estados)]
			var err error
			switch hacer[i] / len(estados) {
			case 0:
				_, _, err = a.Mover(t.Context(), cambio(s.ID, estado, estados[:slices.Index(estados, estado)]...))
			case 1:
				_, err = a.Plantear(t.Context(), cambio(s.ID, estado, estados[:slices.Index(estados, estado)]...), contracts.Tipo(estado), estados, true)
			default:
				_, err = a.AnotarHecho(t.Context(), s.ID, "Hecho"+string(estado[0]), "Prueba", "")
			}
			if err != nil {
				t.Error(err)
			}
		})
		a.SinHuecos(r, s.ID)
	})
}

func TestAnotarHechoUnaVez(t *testing.T) {
	a := postgrestest.Nuevo(t)
	s := a.Compra(t, contracts.EstadoCompensando)
	basetest.ALaVez(8, 8, func(int) {
		if _, err := a.AnotarHecho(t.Context(), s.ID, "LiberarReserva", contracts.ReservaLiberada, "volvieron"); err != nil {
			t.Error(err)
		}
	})
	c, err := a.AnotarHecho(t.Context(), s.ID, "LiberarReserva", contracts.ReservaLiberada, "volvieron")
	if err != nil || len(c.Historia) != 2 || c.Estado != contracts.EstadoCompensando || c.Historia[1].Paso != "LiberarReserva" {
		t.Fatalf("%+v: %v", c, err)
	}
	a.SinHuecos(t, s.ID)
}
