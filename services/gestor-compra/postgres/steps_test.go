package postgres_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
)

// A change of state is made, with its entry in the history, only from a state that the change names. Otherwise nothing
// changes.
func TestMoveOnlyFromWhereItMay(t *testing.T) {
	a := postgrestest.New(t)
	for _, estado := range contracts.Estados {
		for _, marked := range []bool{false, true} {
			for _, unlessCancelled := range []bool{false, true} {
				s := a.Compra(t, estado)
				if marked {
					a.Do(t, `update compra set cancelacion_pedida = 'ya no' where id = $1`, s.ID)
				}
				k := change(s.ID, "PROBADA", contracts.EstadoIniciada, contracts.EstadoPorAprobar)
				k.UnlessCancelled, k.Motivo, k.IDOrden, k.Faltantes = unlessCancelled, "porque sí", "o1", []contracts.Faltante{{IDProducto: "1", Solicitada: 2}}
				c, moved, err := a.Move(t.Context(), k)
				if err != nil {
					t.Fatal(err)
				}
				should := slices.Contains(k.From, estado) && (!marked || !unlessCancelled)
				steps := len(c.Historia)
				if moved != should || (c.Estado == "PROBADA") != should || (steps == 2) != should || (c.Motivo == k.Motivo) != should || (c.IDOrden == "o1") != should || (len(c.Faltantes) == 1) != should {
					t.Errorf("from %s (marked %v, unless cancelled %v): moved %v, %+v", estado, marked, unlessCancelled, moved, c)
				}
				a.NoGaps(t, s.ID)
				if should && c.Historia[1] != (contracts.HechoContado{Numero: 2, Paso: "PROBADA", Tipo: "Prueba", En: c.Historia[1].En, Detalle: "a PROBADA"}) {
					t.Errorf("told %+v", c.Historia[1])
				}
			}
		}
	}
}

func TestMoveErasesNothingKnown(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoIniciada)
	k := change(s.ID, contracts.EstadoProductosValidos, contracts.EstadoIniciada)
	k.Motivo, k.IDOrden, k.Faltantes = "uno", "o1", []contracts.Faltante{{IDProducto: "1"}}
	if _, _, err := a.Move(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	c, _, err := a.Move(t.Context(), change(s.ID, contracts.EstadoCompensando, contracts.EstadoProductosValidos))
	if err != nil || c.Motivo != "uno" || c.IDOrden != "o1" || len(c.Faltantes) != 1 {
		t.Fatalf("stored is %+v: %v", c, err)
	}
}

// Of several changes at once that exclude each other, exactly one is made.
func TestMoveAtOnce(t *testing.T) {
	a := postgrestest.New(t)
	for range 20 {
		s := a.Compra(t, contracts.EstadoRecibida)
		var moves atomic.Int32
		databasetest.Concurrently(8, 8, func(i int) {
			_, moved, err := a.Move(t.Context(), change(s.ID, contracts.Estado(fmt.Sprint("PROBADA_", i)), contracts.EstadoRecibida))
			if err != nil {
				t.Error(err)
			}
			if moved {
				moves.Add(1)
			}
		})
		if moves.Load() != 1 {
			t.Fatalf("it moved %d times", moves.Load())
		}
		a.NoGaps(t, s.ID)
	}
}

// A command is posed only in its states and, unless it is a rollback, only while no cancellation is requested. A posed command
// stays posed.
func TestPose(t *testing.T) {
	a := postgrestest.New(t)
	from, inAnyOf := []contracts.Estado{contracts.EstadoIniciada}, []contracts.Estado{contracts.EstadoProductosValidos, contracts.EstadoPorAprobar}
	for _, estado := range contracts.Estados {
		for _, marked := range []bool{false, true} {
			for _, always := range []bool{false, true} {
				s := a.Compra(t, estado)
				if marked {
					a.Do(t, `update compra set cancelacion_pedida = 'ya no' where id = $1`, s.ID)
				}
				k := change(s.ID, contracts.EstadoProductosValidos, from...)
				k.UnlessCancelled = !always
				p, err := a.Pose(t.Context(), k, contracts.ReservarProducto, inAnyOf, always)
				if err != nil {
					t.Fatal(err)
				}
				free := !marked || always
				moved, asked := slices.Contains(from, estado) && free, (slices.Contains(from, estado) || slices.Contains(inAnyOf, estado)) && free
				if p.Moved != moved || (p.Step != nil) != asked || p.CancelacionAsked != marked || marked && p.CancelacionMotivo != "ya no" {
					t.Errorf("from %s (marked %v, always %v): %+v", estado, marked, always, p)
				}
			}
		}
	}
}

func TestPosingAgainIsTheSameQuestion(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoIniciada)
	pose := func() compras.Posed {
		t.Helper()
		p, err := a.Pose(t.Context(), change(s.ID, contracts.EstadoProductosValidos, contracts.EstadoIniciada), contracts.ReservarProducto, inAnyOf(contracts.EstadoProductosValidos), false)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := pose()
	a.Do(t, `update compra set cancelacion_pedida = 'ya no', estado = 'COMPENSANDO' where id = $1`, s.ID)
	second := pose()
	if second.Moved || second.Step == nil || !second.Step.PreguntadaEn.Equal(first.Step.PreguntadaEn) || len(second.Compra.Historia) != 2 {
		t.Fatalf("first %+v\nsecond %+v", first, second)
	}
}

func inAnyOf(estados ...contracts.Estado) []contracts.Estado { return estados }

// The entries of a history are numbered without gaps and each step has one entry, whatever changes are made, also repeated and
// at once.
func TestHistoryHasNoGaps(t *testing.T) {
	a := postgrestest.New(t)
	rapid.Check(t, func(r *rapid.T) {
		s := a.Compra(t, contracts.EstadoRecibida)
		estados := contracts.Estados
		act := rapid.SliceOfN(rapid.IntRange(0, 3*len(estados)-1), 4, 12).Draw(r, "qué")
		databasetest.Concurrently(len(act), len(act), func(i int) {
			estado := estados[act[i]%len(estados)]
			var err error
			switch act[i] / len(estados) {
			case 0:
				_, _, err = a.Move(t.Context(), change(s.ID, estado, estados[:slices.Index(estados, estado)]...))
			case 1:
				_, err = a.Pose(t.Context(), change(s.ID, estado, estados[:slices.Index(estados, estado)]...), contracts.MessageType(estado), estados, true)
			default:
				_, err = a.RecordFact(t.Context(), s.ID, "Hecho"+string(estado[0]), "Prueba", "")
			}
			if err != nil {
				t.Error(err)
			}
		})
		a.NoGaps(r, s.ID)
	})
}

func TestAFactIsRecordedOnce(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoCompensando)
	databasetest.Concurrently(8, 8, func(int) {
		if _, err := a.RecordFact(t.Context(), s.ID, "LiberarReserva", contracts.ReservaLiberada, "volvieron"); err != nil {
			t.Error(err)
		}
	})
	c, err := a.RecordFact(t.Context(), s.ID, "LiberarReserva", contracts.ReservaLiberada, "volvieron")
	if err != nil || len(c.Historia) != 2 || c.Estado != contracts.EstadoCompensando || c.Historia[1].Paso != "LiberarReserva" {
		t.Fatalf("%+v: %v", c, err)
	}
	a.NoGaps(t, s.ID)
}
