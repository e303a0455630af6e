package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/internal/basetest"
)

// preguntada is a purchase whose reservation has been asked for.
func preguntada(t *testing.T, a postgrestest.Almacen) string {
	t.Helper()
	s := a.Compra(t, contracts.EstadoProductosValidos)
	p, err := a.Plantear(t.Context(), cambio(s.ID, contracts.EstadoProductosValidos, contracts.EstadoIniciada), contracts.ReservarProducto, en(contracts.EstadoProductosValidos), false)
	if err != nil || p.Paso == nil {
		t.Fatalf("%+v: %v", p, err)
	}
	return s.ID
}

var (
	reservados = compras.Respuesta{Tipo: contracts.ProductosReservados}
	negada     = compras.Respuesta{Tipo: contracts.ReservaRechazada, Motivo: "no hay", Faltantes: []contracts.Faltante{{IDProducto: "1", Solicitada: 2, Disponible: 1}}}
)

// The first reply in time is the reply; what comes after it, or after patience ran out, is kept and changes nothing.
func TestAnotarRespuesta(t *testing.T) {
	a := postgrestest.Nuevo(t)
	const abandonar = "abandonar"
	for _, c := range []struct {
		nombre   string
		llegan   []any // replies and abandonar, in order
		anotadas []compras.Anotada
		vale     *compras.Respuesta
		tardias  int
	}{
		{"one", []any{reservados}, []compras.Anotada{compras.Primera}, &reservados, 0},
		{"a refusal, with what is missing", []any{negada}, []compras.Anotada{compras.Primera}, &negada, 0},
		{"the same again", []any{reservados, reservados, reservados}, []compras.Anotada{compras.Primera, compras.Repetida, compras.Repetida}, &reservados, 0},
		{"another one", []any{negada, reservados}, []compras.Anotada{compras.Primera, compras.Tardia}, &negada, 1},
		{"too late", []any{abandonar, reservados}, []compras.Anotada{compras.Tardia}, nil, 1},
		{"too late, of each kind", []any{abandonar, reservados, negada}, []compras.Anotada{compras.Tardia, compras.Tardia}, nil, 2},
		{"in time, and then patience ran out", []any{reservados, abandonar, reservados}, []compras.Anotada{compras.Primera, compras.Repetida}, &reservados, 0},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			id := preguntada(t, a)
			var anotadas []compras.Anotada
			for _, llega := range c.llegan {
				if r, es := llega.(compras.Respuesta); es {
					anotada, err := a.AnotarRespuesta(t.Context(), id, contracts.ReservarProducto, r)
					if err != nil {
						t.Fatal(err)
					}
					anotadas = append(anotadas, anotada)
				} else if _, err := a.Abandonar(t.Context(), id, contracts.ReservarProducto); err != nil {
					t.Fatal(err)
				}
			}
			paso, err := a.LeerPaso(t.Context(), id, contracts.ReservarProducto)
			if err != nil || fmt.Sprint(anotadas) != fmt.Sprint(c.anotadas) || !mismaRespuesta(paso.Respuesta, c.vale) {
				t.Fatalf("anotadas %v, esperado %v; vale %+v: %v", anotadas, c.anotadas, paso.Respuesta, err)
			}
			if n := postgrestest.Uno[int](t, a, `select jsonb_array_length(tardias) from paso where id_compra = $1`, id); n != c.tardias {
				t.Errorf("guardó %d tardías, esperado %d", n, c.tardias)
			}
		})
	}
}

func mismaRespuesta(x, y *compras.Respuesta) bool {
	if x == nil || y == nil {
		return x == y
	}
	return fmt.Sprintf("%+v", *x) == fmt.Sprintf("%+v", *y)
}

func TestAnotarRespuestaQueNadieEspera(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for nombre, id := range map[string]string{"an unknown purchase": postgrestest.Solicitud().ID, "another question's": preguntada(t, a)} {
		anotada, err := a.AnotarRespuesta(t.Context(), id, contracts.CrearOrden, compras.Respuesta{Tipo: contracts.OrdenCreada})
		if err != nil || anotada != compras.Desconocida {
			t.Errorf("%s: %s %v", nombre, anotada, err)
		}
	}
	if paso, err := a.LeerPaso(t.Context(), postgrestest.Solicitud().ID, contracts.CrearOrden); paso != nil || err != nil {
		t.Errorf("hay un paso que nadie planteó: %+v %v", paso, err)
	}
}

// A reply that is delivered for ever does not grow the row for ever.
func TestLasTardiasSonPocas(t *testing.T) {
	a := postgrestest.Nuevo(t)
	id := preguntada(t, a)
	if _, err := a.Abandonar(t.Context(), id, contracts.ReservarProducto); err != nil {
		t.Fatal(err)
	}
	for range 15 {
		if _, err := a.AnotarRespuesta(t.Context(), id, contracts.ReservarProducto, reservados); err != nil {
			t.Fatal(err)
		}
	}
	if n := postgrestest.Uno[int](t, a, `select jsonb_array_length(tardias) from paso where id_compra = $1`, id); n != 10 {
		t.Errorf("guardó %d tardías", n)
	}
}

// Whatever comes at once, one reply counts and all who look see that one; or patience ran out, and none does.
func TestAnotarRespuestaALaVez(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for range 30 {
		id := preguntada(t, a)
		var primeras atomic.Int32
		var abandono atomic.Pointer[compras.Paso]
		basetest.ALaVez(7, 7, func(i int) {
			if i == 0 {
				paso, err := a.Abandonar(t.Context(), id, contracts.ReservarProducto)
				if err != nil {
					t.Error(err)
					return
				}
				abandono.Store(paso)
				return
			}
			r := reservados
			if i%2 == 0 {
				r = negada
			}
			anotada, err := a.AnotarRespuesta(t.Context(), id, contracts.ReservarProducto, r)
			if err != nil || anotada == compras.Desconocida {
				t.Errorf("%s %v", anotada, err)
			}
			if anotada == compras.Primera {
				primeras.Add(1)
			}
		})
		final, err := a.LeerPaso(t.Context(), id, contracts.ReservarProducto)
		if err != nil || t.Failed() {
			t.Fatal(err)
		}
		if respondida := final.Respuesta != nil; int(primeras.Load()) != map[bool]int{true: 1, false: 0}[respondida] || final.Abandonada == respondida {
			t.Fatalf("%d primeras y quedó %+v", primeras.Load(), final)
		}
		if visto := abandono.Load(); !mismaRespuesta(visto.Respuesta, final.Respuesta) || visto.Abandonada != final.Abandonada {
			t.Fatalf("quien abandonó vio %+v y quedó %+v", visto, final)
		}
	}
}

// The wake-up comes after the reply can be read, so that the workflow that is woken finds it.
func TestElAvisoLlegaConLaRespuestaGuardada(t *testing.T) {
	a := postgrestest.Nuevo(t)
	id := preguntada(t, a)
	conexion, err := a.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conexion.Release()
	if _, err := conexion.Exec(t.Context(), "listen respuestas"); err != nil {
		t.Fatal(err)
	}
	if anotada, err := a.AnotarRespuesta(t.Context(), id, contracts.ReservarProducto, reservados); err != nil || anotada != compras.Primera {
		t.Fatalf("%s %v", anotada, err)
	}
	ctx, soltar := context.WithTimeout(t.Context(), time.Minute)
	defer soltar()
	aviso, err := conexion.Conn().WaitForNotification(ctx)
	if err != nil || aviso.Payload != id+"/"+string(contracts.ReservarProducto) {
		t.Fatalf("avisó %+v: %v", aviso, err)
	}
	if paso, err := a.LeerPaso(t.Context(), id, contracts.ReservarProducto); err != nil || paso.Respuesta == nil {
		t.Fatalf("%+v: %v", paso, err)
	}
}
