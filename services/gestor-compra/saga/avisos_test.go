package saga_test

import (
	"context"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/saga"
	"entregas/workflows/compra"
)

// The wake-up may come before the publish returns, the earliest that it can: the waiter gets it all the same, without looking.
func TestElAvisoDespierta(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	avisos := postgres.NuevosAvisos(e.Pool)
	e.escuchar(t, avisos)
	e.anotar = func(ctx context.Context, id string, comando contracts.Tipo, r compras.Respuesta) (compras.Anotada, error) {
		otro, soltar := avisos.Esperar(id, comando)
		defer soltar()
		anotada, err := e.AnotarRespuesta(ctx, id, comando, r)
		<-otro // all who wait by now have been woken
		return anotada, err
	}
	e.Saga = e.conAvisos(avisos, saga.Ajustes{Paciencia: time.Hour, Insistencia: time.Hour, VueltaRevision: time.Hour})
	s := e.Compra(t, contracts.EstadoRecibida)
	for _, comando := range []contracts.Tipo{contracts.ValidarInventario, contracts.ReservarProducto, contracts.CrearOrden} {
		if d, err := e.Preguntar(t.Context(), pregunta(s, comando)); err != nil || d.Resultado != compra.Aceptada {
			t.Fatalf("%s: %+v %v", comando, d, err)
		}
	}
}

// The connection that listens is lost: it is made anew, and wake-ups come again.
func TestLosAvisosVuelven(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	avisos := postgres.NuevosAvisos(e.Pool)
	e.escuchar(t, avisos)
	pid := postgrestest.Uno[int](t, e.Almacen, `select pid from pg_stat_activity where datname = current_database() and query = 'listen respuestas'`)
	e.Hacer(t, `select pg_terminate_backend($1)`, pid)
	hasta(t, "perder la conexión", func() bool {
		return !postgrestest.Uno[bool](t, e.Almacen, `select exists (select from pg_stat_activity where pid = $1)`, pid)
	})
	s := postgrestest.Solicitud()
	aviso, soltar := avisos.Esperar(s.ID, contracts.CrearOrden)
	defer soltar()
	hasta(t, "despertar otra vez", func() bool {
		e.Hacer(t, `select pg_notify($$respuestas$$, $1)`, s.ID+"/"+string(contracts.CrearOrden))
		select {
		case <-aviso:
			return true
		default:
			return false
		}
	})
}
