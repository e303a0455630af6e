package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/internal/basetest"
	"entregas/workflows/compra"
)

const (
	ventaja = 10 * time.Minute
	largo   = time.Hour // a lease that does not run out in a test
)

// places are so many, all of which one customer may have.
func places(total int) compras.Places {
	return compras.Places{Total: total, PerCustomer: total, HeadStart: ventaja, Lease: largo}
}

// Never more than cupo in flight, over all replicas, whatever they do at once; and everything gets its turn, once.
func TestElCupoSeRespeta(t *testing.T) {
	a := postgrestest.Nuevo(t)
	rapid.Check(t, func(r *rapid.T) {
		a.Hacer(t, `truncate compra cascade`)
		cupo, replicas, cuantas := rapid.IntRange(1, 6).Draw(r, "cupo"), rapid.IntRange(2, 6).Draw(r, "réplicas"), rapid.IntRange(1, 25).Draw(r, "compras")
		a.Hacer(t, `insert into compra (id, id_usuario, estado, domicilio, productos)
select gen_random_uuid(), 'ana', 'RECIBIDA', n % 3 = 0, '[]' from generate_series(1, $1) n`, cuantas)
		var enVuelo, entregadas atomic.Int32
		vistas := sync.Map{}
		basetest.ALaVez(replicas, replicas, func(i int) {
			for entregadas.Load() < int32(cuantas) && r.Context().Err() == nil && !t.Failed() {
				turnos, err := a.TomarTurnos(t.Context(), places(cupo))
				if err != nil {
					t.Error(err)
				}
				// Counted after it was given and no more before it is given back, so this is never above the truth.
				if n := enVuelo.Add(int32(len(turnos))); n > int32(cupo) {
					t.Errorf("hay %d en vuelo y el cupo es %d", n, cupo)
				}
				for _, turno := range turnos {
					if _, repetida := vistas.LoadOrStore(turno.ID, true); repetida {
						t.Errorf("se entregó dos veces %s", turno.ID)
					}
					terminarTurno(t, a, turno, &enVuelo, []contracts.Estado{contracts.EstadoConfirmada, contracts.EstadoPorAprobar, contracts.EstadoRechazada}[i%3])
					entregadas.Add(1)
				}
			}
		})
		if t.Failed() || int(entregadas.Load()) != cuantas {
			r.Fatalf("se entregaron %d de %d", entregadas.Load(), cuantas)
		}
	})
}

// terminarTurno does what the saga does: start, and give the place back.
func terminarTurno(t *testing.T, a postgrestest.Almacen, turno compras.Turno, enVuelo *atomic.Int32, final contracts.Estado) {
	for _, k := range []compras.Cambio{
		cambio(turno.ID, contracts.EstadoIniciada, contracts.EstadoRecibida), cambio(turno.ID, final, contracts.EstadoIniciada),
	} {
		if k.A == final {
			enVuelo.Add(-1)
		}
		if _, movida, err := a.Mover(t.Context(), k); err != nil || !movida {
			t.Errorf("%s a %s: %v %v", turno.ID, k.A, movida, err)
		}
	}
}

// The states that hold a place, in the query as in compras.LugaresOcupados; a lease holds one too.
func TestQueOcupaUnLugar(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for _, estado := range contracts.Estados {
		t.Run(string(estado), func(t *testing.T) {
			a.Hacer(t, `truncate compra cascade`)
			ocupa := a.Compra(t, estado)
			a.Hacer(t, `update compra set arriendo_hasta = now() + interval '1 hour' where id = $1`, ocupa.ID) // as after a turn
			espera := a.Compra(t, contracts.EstadoRecibida)
			turnos, err := a.TomarTurnos(t.Context(), places(1))
			if err != nil {
				t.Fatal(err)
			}
			debe := slices.Contains(compras.LugaresOcupados, estado) || estado == contracts.EstadoRecibida
			if (len(turnos) == 0) != debe || !debe && turnos[0].ID != espera.ID {
				t.Errorf("ocupa un lugar: %v; se dio turno a %v", debe, turnos)
			}
		})
	}
}

// Home delivery first, then the oldest; but no purchase waits longer than the head start behind a later one.
func TestQuienSigue(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for _, c := range []struct {
		minutos   int // since it came
		domicilio bool
	}{ // in the order in which they must start
		{13, false}, {2, true}, {1, true}, {9, false}, {3, false}, {0, false},
	} {
		s := a.Compra(t, contracts.EstadoRecibida)
		a.Hacer(t, `update compra set domicilio = $2, creada_en = now() - make_interval(mins => $3), id_usuario = $4 where id = $1`,
			s.ID, c.domicilio, c.minutos, fmt.Sprint(c.minutos, c.domicilio))
	}
	var orden []string
	for cupo := 1; cupo <= 6; cupo++ {
		turnos, err := a.TomarTurnos(t.Context(), places(cupo))
		if err != nil || len(turnos) != 1 {
			t.Fatalf("%v: %v", turnos, err)
		}
		orden = append(orden, turnos[0].IDUsuario)
	}
	if esperado := []string{"13 false", "2 true", "1 true", "9 false", "3 false", "0 false"}; !slices.Equal(orden, esperado) {
		t.Fatalf("empezaron %v\nesperado  %v", orden, esperado)
	}
}

func TestUnTurnoDiceTodo(t *testing.T) {
	a := postgrestest.Nuevo(t)
	s := a.Compra(t, contracts.EstadoRecibida)
	turnos, err := a.TomarTurnos(t.Context(), places(5))
	if err != nil || len(turnos) != 1 || fmt.Sprint(turnos[0]) != fmt.Sprint(s) {
		t.Fatalf("%v: %v", turnos, err)
	}
}

// A lease that ran out without a start is given out again; one that has not is not, nor one that has started.
func TestElArriendoVence(t *testing.T) {
	a := postgrestest.Nuevo(t)
	s := a.Compra(t, contracts.EstadoRecibida)
	for _, c := range []struct {
		nombre string
		antes  string // a statement
		turnos int
	}{
		{"the first time", ``, 1},
		{"its lease runs", ``, 0},
		{"its lease ran out", `update compra set arriendo_hasta = now() - interval '1 second'`, 1},
		{"its lease runs again", ``, 0},
		{"it has started", `update compra set estado = 'INICIADA', arriendo_hasta = now() - interval '1 second'`, 0},
		{"it was cancelled before it started", `update compra set estado = 'CANCELADA'`, 0},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			if c.antes != "" {
				a.Hacer(t, c.antes+` where id = $1`, s.ID)
			}
			turnos, err := a.TomarTurnos(t.Context(), places(2))
			if err != nil || len(turnos) != c.turnos {
				t.Fatalf("%v: %v", turnos, err)
			}
		})
	}
}

// A dispatch waits for its purchase to be confirmed; a cancellation does not; neither is given to two, nor after its end.
func TestTomarTramites(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for _, tipo := range []string{compra.TramiteDespacho, compra.TramiteCancelacion} {
		for _, estado := range contracts.Estados {
			a.Hacer(t, `truncate compra cascade`)
			s := a.Compra(t, estado)
			a.Hacer(t, `insert into tramite (id_compra, tipo, motivo) values ($1, $2, 'porque sí')`, s.ID, tipo)
			tramites, err := a.TomarTramites(t.Context(), largo, 10)
			if debe := tipo == compra.TramiteCancelacion || estado == contracts.EstadoConfirmada; err != nil || (len(tramites) == 1) != debe {
				t.Fatalf("%s de una %s: %v %v", tipo, estado, tramites, err)
			}
			if len(tramites) == 1 && fmt.Sprint(tramites[0]) != fmt.Sprint(compras.Tramite{SolicitudCompra: s, Tipo: tipo, Motivo: "porque sí"}) {
				t.Errorf("%+v", tramites[0])
			}
		}
	}
}

func TestTomarTramitesALaVez(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for range 30 {
		s := a.Compra(t, contracts.EstadoConfirmada)
		if err := a.AnotarDespacho(t.Context(), s.ID); err != nil {
			t.Fatal(err)
		}
	}
	vistos := sync.Map{}
	var cuantos atomic.Int32
	basetest.ALaVez(4, 4, func(int) {
		for range 10 {
			tramites, err := a.TomarTramites(context.Background(), largo, 3)
			if err != nil {
				t.Error(err)
			}
			for _, tramite := range tramites {
				if _, repetido := vistos.LoadOrStore(tramite.ID, true); repetido {
					t.Errorf("se tomó dos veces %s", tramite.ID)
				}
				cuantos.Add(1)
			}
		}
	})
	if cuantos.Load() != 30 {
		t.Errorf("se tomaron %d de 30", cuantos.Load())
	}
}

func TestUnTramiteTerminadoNoVuelve(t *testing.T) {
	a := postgrestest.Nuevo(t)
	s := a.Compra(t, contracts.EstadoConfirmada)
	if err := a.AnotarDespacho(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	tomar := func() int {
		t.Helper()
		tramites, err := a.TomarTramites(t.Context(), -time.Second, 10) // a lease that has run out
		if err != nil {
			t.Fatal(err)
		}
		return len(tramites)
	}
	for range 2 {
		if tomar() != 1 {
			t.Fatal("un arriendo que venció no vuelve")
		}
	}
	for _, hecho := range []bool{true, false} { // the second time is a repetition, and changes nothing
		if err := a.TerminarTramite(t.Context(), compra.Tramite{IDCompra: s.ID, Tipo: compra.TramiteDespacho, Hecho: hecho}); err != nil {
			t.Fatal(err)
		}
	}
	if tomar() != 0 || !postgrestest.Uno[bool](t, a, `select hecho from tramite where id_compra = $1`, s.ID) {
		t.Fatal("un trámite terminado vuelve, o cambió")
	}
}
