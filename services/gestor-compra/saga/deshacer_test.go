package saga_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/saga"
	"entregas/workflows/compra"
)

var enCurso = compra.InFlight

func rollback(c contracts.SolicitudCompra, comando contracts.Tipo) compra.Rollback {
	return compra.Rollback{Compra: c, Comando: comando, Motivo: "porque sí", Causa: contracts.OrdenRechazada, Desde: enCurso}
}

// A rollback takes the purchase to COMPENSANDO, once; what was undone is told, once, in the order in which it was.
func TestDeshacer(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	for _, comando := range []contracts.Tipo{contracts.CancelarOrden, contracts.LiberarReserva, contracts.CancelarValidacionInventario} {
		for range 2 { // an activity may run again after its end
			if d, err := e.Deshacer(t.Context(), rollback(s, comando)); err != nil || d.Resultado != compra.Aceptada {
				t.Fatalf("%s: %+v %v", comando, d, err)
			}
		}
	}
	c, err := e.Leer(t.Context(), s.ID)
	if err != nil || c.Estado != contracts.EstadoCompensando || c.Motivo != "porque sí" || len(e.preguntas()) != 3 {
		t.Fatalf("%+v %v tras preguntar %v", c, err, e.preguntas())
	}
	var pasos []string
	for _, h := range c.Historia {
		pasos = append(pasos, h.Paso+" "+h.Tipo)
	}
	if esperado := []string{"RECIBIDA CrearCompra", "COMPENSANDO OrdenRechazada", "CancelarOrden OrdenCancelada", "LiberarReserva ReservaLiberada",
		"CancelarValidacionInventario ValidacionCancelada"}; !slices.Equal(pasos, esperado) {
		t.Errorf("la historia cuenta %q", pasos)
	}
	e.SinHuecos(t, s.ID)
}

// Not answered in its turn: it goes on later, under the same question, which is never given up.
func TestDeshacerSinConfirmacion(t *testing.T) {
	e := nuevaEscena(t, saga.Ajustes{Insistencia: time.Hour, VueltaRevision: time.Millisecond, EsperaRollback: 10 * time.Millisecond})
	s := e.Compra(t, contracts.EstadoProductosReservados)
	e.responder = nil
	for vez := 1; vez <= 2; vez++ {
		if d, err := e.Deshacer(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil || d.Resultado != compra.SinRespuesta || len(e.preguntas()) != vez {
			t.Fatalf("vez %d: %+v %v tras preguntar %v", vez, d, err, e.preguntas())
		}
		e.Hacer(t, `update paso set preguntada_en = preguntada_en - interval '1 hour' where id_compra = $1`, s.ID)
	}
	if anotada, err := e.AnotarRespuesta(t.Context(), s.ID, contracts.LiberarReserva, compras.Respuesta{Tipo: contracts.ReservaLiberada}); err != nil || anotada != compras.Primera {
		t.Fatal(anotada, err)
	}
	if d, err := e.Deshacer(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil || d.Resultado != compra.Aceptada || len(e.preguntas()) != 2 {
		t.Fatalf("%+v %v tras preguntar %v", d, err, e.preguntas())
	}
}

// docs/adr/who-owns-a-fact-decides.md: an order that has left is not cancelled, its owner says. Nothing was undone, and nothing
// is told as if.
func TestDeshacerLoQueYaSalio(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	e.responder = siempre(despachada)
	d, err := e.Deshacer(t.Context(), rollback(s, contracts.CancelarOrden))
	if err != nil || d.Resultado != compra.Rechazada || d.Respuesta != contracts.OrdenDespachada || d.IDOrden != "o1" {
		t.Fatalf("%+v %v", d, err)
	}
	if c, err := e.Leer(t.Context(), s.ID); err != nil || len(c.Historia) != 2 || c.Estado != contracts.EstadoCompensando {
		t.Fatalf("%+v %v", c, err)
	}
}

// Only ordenes says that a purchase has left. Another who refuses a rollback is in trouble: it is told once, and asked again
// until the rollback is confirmed.
func TestARefusedRollbackIsAskedAgain(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoProductosReservados)
	refuse := true
	e.responder = func(contracts.Tipo, int) *compras.Respuesta {
		if refuse {
			return &compras.Respuesta{Tipo: contracts.ReservaDespachada, Motivo: "Los productos ya se habían despachado."}
		}
		return &compras.Respuesta{Tipo: contracts.ReservaLiberada}
	}
	for try := 1; try <= 3; try++ {
		d, err := e.Deshacer(t.Context(), rollback(s, contracts.LiberarReserva))
		if err != nil || d.Resultado != compra.SinRespuesta || d.Respuesta != contracts.ReservaDespachada || len(e.preguntas()) != try {
			t.Fatalf("try %d: %+v %v after asking %v", try, d, err, e.preguntas())
		}
	}
	refuse = false
	if d, err := e.Deshacer(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil || d.Resultado != compra.Aceptada || len(e.preguntas()) != 4 {
		t.Fatalf("%+v %v after asking %v", d, err, e.preguntas())
	}
	c, err := e.Leer(t.Context(), s.ID)
	if err != nil || c.Estado != contracts.EstadoCompensando {
		t.Fatalf("%+v %v", c, err)
	}
	told := 0
	for _, h := range c.Historia {
		if h.Paso == "ReversaNegada" && h.Tipo == string(contracts.ReservaDespachada) {
			told++
		}
	}
	if late := postgrestest.Uno[int](t, e.Almacen, `select jsonb_array_length(tardias) from paso where id_compra = $1`, s.ID); told != 1 || late != 3 {
		t.Errorf("told %d times, kept %d replies", told, late)
	}
}

// What a refused rollback means is a fact of the table: one reply of ordenes says that the order has left. Whatever else any
// participant answers is trouble, in a compensation and where a cancellation of a confirmed purchase begins with it.
func TestTheTableSaysWhatARefusedRollbackMeans(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	for _, step := range compra.Saga() {
		for _, reply := range answers(step) {
			for name, undo := range map[string]func(contracts.SolicitudCompra) (compra.Desenlace, error){
				"compensation": func(s contracts.SolicitudCompra) (compra.Desenlace, error) {
					return e.Deshacer(t.Context(), rollback(s, step.Undo.Command))
				},
				"cancellation": func(s contracts.SolicitudCompra) (compra.Desenlace, error) {
					return e.Preguntar(t.Context(), compra.Anulacion.Question(s))
				},
			} {
				if name == "cancellation" && step.Undo.Command != compra.Anulacion.Command {
					continue
				}
				s := e.Compra(t, map[string]contracts.Estado{"compensation": contracts.EstadoProductosReservados, "cancellation": contracts.EstadoConfirmada}[name])
				before := len(e.preguntas())
				e.responder = siempre(&compras.Respuesta{Tipo: reply, IDOrden: "o1"})
				d, err := undo(s)
				if err != nil {
					t.Fatal(err)
				}
				left := reply == contracts.OrdenDespachada && step.Command == contracts.CrearOrden
				told := postgrestest.Uno[int](t, e.Almacen, `select count(*) from historia where id_compra = $1 and paso = 'ReversaNegada' and tipo = $2`, s.ID, reply)
				if left != (d.Resultado == compra.Rechazada) || left != (told == 0) {
					t.Errorf("%s of %s answered by %s: %s, told %d times", name, step.Undo.Command, reply, d.Resultado, told)
				}
				if left {
					continue
				}
				e.responder = siempre(&compras.Respuesta{Tipo: step.Undo.Confirmed.Type})
				if d, err := undo(s); err != nil || d.Resultado != compra.Aceptada || len(e.preguntas()) != before+2 {
					t.Errorf("%s of %s after %s: %+v %v, asked %v", name, step.Undo.Command, reply, d, err, e.preguntas()[before:])
				}
			}
		}
	}
}

// answers are the messages of the participant of step, and one that is not of the table, but for the one that confirms the rollback.
func answers(step compra.Step) []contracts.Tipo {
	all := append([]contracts.Tipo{"RollbackNegado"}, contracts.TopicOf(step.Accepted.Type).Messages...)
	return slices.DeleteFunc(all, func(t contracts.Tipo) bool { return t == step.Undo.Confirmed.Type })
}

// What is at its end is not undone: that would be a mistake of ours, and no outcome.
func TestNoSeDeshaceLoTerminado(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	for _, estado := range []contracts.Estado{contracts.EstadoConfirmada, contracts.EstadoDespachada, contracts.EstadoRechazada, contracts.EstadoCancelada} {
		s := e.Compra(t, estado)
		if d, err := e.Deshacer(t.Context(), rollback(s, contracts.LiberarReserva)); err == nil || len(e.preguntas()) != 0 || e.Estado(t, s.ID) != estado {
			t.Errorf("%s: %+v %v tras preguntar %v", estado, d, err, e.preguntas())
		}
	}
}

// The end is recorded once, told once, and gives the place back.
func TestCerrar(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	faltan := []contracts.Faltante{{IDProducto: "1", Solicitada: 2, Disponible: 1}}
	for _, c := range []struct {
		nombre string
		desde  contracts.Estado
		cierre compra.Cierre
		queda  contracts.Estado
	}{
		{"out of stock", contracts.EstadoIniciada, compra.Cierre{Estado: contracts.EstadoRechazada, Motivo: "no hay", Causa: contracts.InventarioInsuficiente, Faltantes: faltan, Desde: enCurso}, contracts.EstadoRechazada},
		{"cancelled before it began", contracts.EstadoRecibida, compra.Cierre{Estado: contracts.EstadoCancelada, Motivo: "ya no", Causa: contracts.CancelarCompra, Desde: enCurso}, contracts.EstadoCancelada},
		{"all undone", contracts.EstadoCompensando, compra.Cierre{Estado: contracts.EstadoCancelada, Motivo: "ya no", Causa: contracts.CancelarCompra, Desde: append(en(contracts.EstadoCompensando), enCurso...)}, contracts.EstadoCancelada},
		{"confirmed after all", contracts.EstadoCompensando, compra.Cierre{Estado: contracts.EstadoConfirmada, Causa: contracts.OrdenDespachada, IDOrden: "o1", Desde: en(contracts.EstadoCompensando)}, contracts.EstadoConfirmada},
		{"it is at another end", contracts.EstadoDespachada, compra.Cierre{Estado: contracts.EstadoRechazada, Motivo: "no", Desde: enCurso}, contracts.EstadoDespachada},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			s := e.Compra(t, c.desde)
			c.cierre.IDCompra = s.ID
			e.testigo.Olvidar()
			for range 2 {
				if err := e.Cerrar(t.Context(), c.cierre); err != nil {
					t.Fatal(err)
				}
			}
			vista, err := e.Leer(t.Context(), s.ID)
			if err != nil || vista.Estado != c.queda {
				t.Fatalf("%+v %v", vista, err)
			}
			veces := map[bool]int{true: 1, false: 0}[c.queda == c.cierre.Estado]
			if visto := e.testigo.Olvidar(); len(visto.Difundidas) != veces || visto.Avisos != veces || len(vista.Historia) != 1+veces {
				t.Errorf("contó %+v, %+v", visto, vista.Historia)
			}
			if veces == 1 && (vista.Motivo == "" && c.cierre.Motivo != "" || !slices.Equal(vista.Faltantes, c.cierre.Faltantes) || vista.IDOrden != c.cierre.IDOrden) {
				t.Errorf("%+v", vista)
			}
		})
	}
}

func TestTerminarTramite(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	for _, c := range []struct {
		tipo  string
		hecho bool
		pasos int // what the history tells beside the reception
	}{{compra.TramiteDespacho, true, 0}, {compra.TramiteCancelacion, true, 0}, {compra.TramiteCancelacion, false, 1}} {
		s := e.Compra(t, contracts.EstadoConfirmada)
		e.Hacer(t, `insert into tramite (id_compra, tipo) values ($1, $2)`, s.ID, c.tipo)
		if c.pasos > 0 { // ordenes refused
			e.Hacer(t, `insert into paso (id_compra, comando, respuesta, datos) values ($1, 'CancelarOrden', 'OrdenDespachada', '{}')`, s.ID)
		}
		for range 2 {
			if err := e.TerminarTramite(t.Context(), compra.Tramite{IDCompra: s.ID, Tipo: c.tipo, Hecho: c.hecho}); err != nil {
				t.Fatal(err)
			}
		}
		vista, err := e.Leer(t.Context(), s.ID)
		if err != nil || len(vista.Historia) != 1+c.pasos || vista.Estado != contracts.EstadoConfirmada {
			t.Errorf("%s %v: %+v %v", c.tipo, c.hecho, vista, err)
		}
		if hecho := postgrestest.Uno[bool](t, e.Almacen, `select hecho and terminado_en is not null from tramite where id_compra = $1`, s.ID); hecho != c.hecho {
			t.Errorf("%s quedó hecho %v", c.tipo, hecho)
		}
	}
}

// A broker that is away while something is undone is ridden out too: the workflow comes again.
func TestDeshacerSinBroker(t *testing.T) {
	e := nuevaEscena(t, saga.Ajustes{Insistencia: time.Hour, VueltaRevision: time.Millisecond, EsperaRollback: 5 * time.Millisecond})
	s := e.Compra(t, contracts.EstadoProductosReservados)
	e.Fallar(errors.New("el broker no responde"))
	if d, err := e.Deshacer(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil || d.Resultado != compra.SinRespuesta {
		t.Fatalf("%+v %v", d, err)
	}
	e.Fallar(nil)
	e.Saga = e.conAvisos(postgres.NuevosAvisos(e.Pool), pacientes)
	if d, err := e.Deshacer(t.Context(), rollback(s, contracts.LiberarReserva)); err != nil || d.Resultado != compra.Aceptada {
		t.Fatalf("%+v %v", d, err)
	}
}
