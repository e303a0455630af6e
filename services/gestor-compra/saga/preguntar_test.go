package saga_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/saga"
	"entregas/services/internal/pubsubtest"
	"entregas/workflows/compra"
)

var (
	insuficiente = &compras.Respuesta{Tipo: contracts.InventarioInsuficiente, Faltantes: []contracts.Faltante{{IDProducto: "1", Solicitada: 2}}}
	rechazada    = &compras.Respuesta{Tipo: contracts.OrdenRechazada, Motivo: "Tiene demasiadas órdenes abiertas."}
	despachada   = &compras.Respuesta{Tipo: contracts.OrdenDespachada, IDOrden: "o1"}
)

// What each step comes to, by the state in which it finds the purchase, what is answered, and who wants to cancel.
func TestPreguntar(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	for _, c := range []struct {
		nombre    string
		comando   contracts.Tipo
		estado    contracts.Estado
		marcada   bool
		responde  *compras.Respuesta // nil: gladly
		resultado compra.Resultado
		preguntas int // how often it asked
		queda     contracts.Estado
	}{
		{"stock: enough", contracts.ValidarInventario, contracts.EstadoRecibida, false, nil, compra.Aceptada, 1, contracts.EstadoIniciada},
		{"stock: not enough", contracts.ValidarInventario, contracts.EstadoRecibida, false, insuficiente, compra.Rechazada, 1, contracts.EstadoIniciada},
		{"stock: cancelled before it began", contracts.ValidarInventario, contracts.EstadoRecibida, true, nil, compra.Cancelada, 0, contracts.EstadoRecibida},
		{"stock: it is past that", contracts.ValidarInventario, contracts.EstadoConfirmada, false, nil, compra.Terminada, 0, contracts.EstadoConfirmada},
		{"stock: cancelled at once", contracts.ValidarInventario, contracts.EstadoCancelada, false, nil, compra.Terminada, 0, contracts.EstadoCancelada},
		{"stock: being undone", contracts.ValidarInventario, contracts.EstadoCompensando, true, nil, compra.Terminada, 0, contracts.EstadoCompensando},
		{"reservation: done", contracts.ReservarProducto, contracts.EstadoIniciada, false, nil, compra.Aceptada, 1, contracts.EstadoProductosValidos},
		{"reservation: refused", contracts.ReservarProducto, contracts.EstadoIniciada, false, &compras.Respuesta{Tipo: contracts.ReservaRechazada}, compra.Rechazada, 1, contracts.EstadoProductosValidos},
		{"reservation: cancelled before", contracts.ReservarProducto, contracts.EstadoIniciada, true, nil, compra.Cancelada, 0, contracts.EstadoIniciada},
		{"order: created", contracts.CrearOrden, contracts.EstadoProductosValidos, false, nil, compra.Aceptada, 1, contracts.EstadoConfirmada},
		{"order: created after an approval", contracts.CrearOrden, contracts.EstadoPorAprobar, false, nil, compra.Aceptada, 1, contracts.EstadoConfirmada},
		{"order: refused", contracts.CrearOrden, contracts.EstadoProductosValidos, false, rechazada, compra.Rechazada, 1, contracts.EstadoProductosReservados},
		{"order: cancelled before", contracts.CrearOrden, contracts.EstadoProductosValidos, true, nil, compra.Cancelada, 0, contracts.EstadoProductosValidos},
		{"order: approved, then cancelled", contracts.CrearOrden, contracts.EstadoPorAprobar, true, nil, compra.Cancelada, 0, contracts.EstadoPorAprobar},
		{"dispatch", contracts.DespacharReserva, contracts.EstadoConfirmada, false, nil, compra.Aceptada, 1, contracts.EstadoDespachada},
		{"dispatch: cancelled meanwhile", contracts.DespacharReserva, contracts.EstadoCompensando, false, nil, compra.Terminada, 0, contracts.EstadoCompensando},
		{"cancellation", contracts.CancelarOrden, contracts.EstadoConfirmada, false, nil, compra.Aceptada, 1, contracts.EstadoConfirmada},
		{"cancellation: it has left", contracts.CancelarOrden, contracts.EstadoConfirmada, false, despachada, compra.Rechazada, 1, contracts.EstadoConfirmada},
		{"cancellation: dispatched before", contracts.CancelarOrden, contracts.EstadoDespachada, false, nil, compra.Terminada, 0, contracts.EstadoDespachada},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			s := e.Compra(t, c.estado)
			if c.marcada {
				e.Hacer(t, `update compra set cancelacion_pedida = 'ya no' where id = $1`, s.ID)
			}
			if e.responder = deBuenaGana; c.responde != nil {
				e.responder = siempre(c.responde)
			}
			antes := len(e.preguntas())
			d, err := e.Preguntar(t.Context(), pregunta(s, c.comando))
			if err != nil || d.Resultado != c.resultado || d.Preguntada != (c.preguntas > 0) {
				t.Fatalf("%+v: %v", d, err)
			}
			if preguntas := e.preguntas()[antes:]; len(preguntas) != c.preguntas || len(preguntas) > 0 && preguntas[0] != c.comando {
				t.Errorf("preguntó %v", preguntas)
			}
			if queda := e.Estado(t, s.ID); queda != c.queda {
				t.Errorf("quedó %s", queda)
			}
			if d.Resultado == compra.Rechazada && (d.Respuesta != c.responde.Tipo || d.Motivo == "" || !slices.Equal(d.Faltantes, c.responde.Faltantes)) {
				t.Errorf("cuenta %+v", d)
			}
			if d.Resultado == compra.Cancelada && d.Motivo != "ya no" {
				t.Errorf("no dice por qué se canceló: %+v", d)
			}
			e.SinHuecos(t, s.ID)
		})
	}
}

// The whole forward path by its three activities: each state is told once, in order, and the admission hears of the end.
func TestLaCompraSencilla(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoRecibida)
	for _, comando := range []contracts.Tipo{contracts.ValidarInventario, contracts.ReservarProducto, contracts.CrearOrden} {
		for range 2 { // an activity may run again after its end
			if d, err := e.Preguntar(t.Context(), pregunta(s, comando)); err != nil || d.Resultado != compra.Aceptada || !d.Preguntada {
				t.Fatalf("%s: %+v %v", comando, d, err)
			}
		}
	}
	contadas := []contracts.Estado{contracts.EstadoIniciada, contracts.EstadoProductosValidos, contracts.EstadoProductosReservados, contracts.EstadoConfirmada}
	if visto := e.testigo.Olvidar(); !slices.Equal(visto.Difundidas, contadas) || visto.Avisos != 1 || len(e.preguntas()) != 3 {
		t.Errorf("contó %+v, preguntó %v", visto, e.preguntas())
	}
	c, err := e.Leer(t.Context(), s.ID)
	if err != nil || c.IDOrden != "o1" || len(c.Historia) != 5 {
		t.Fatalf("%+v: %v", c, err)
	}
	for _, h := range c.Historia[1:] {
		if h.Tipo == "" || h.Detalle == "" {
			t.Errorf("la historia no cuenta nada: %+v", h)
		}
	}
}

// The command carries what its participant needs, under the purchase's key.
func TestQueSePregunta(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoProductosValidos)
	e.Hacer(t, `update compra set domicilio = true where id = $1`, s.ID)
	s.Domicilio = true
	if _, err := e.Preguntar(t.Context(), pregunta(s, contracts.CrearOrden)); err != nil {
		t.Fatal(err)
	}
	m := pubsubtest.Publicados(t, &e.Broker, contracts.ComandosOrden)[0]
	esperado := contracts.DatosComandoOrden{IDCompra: s.ID, IDUsuario: "ana", Productos: s.Productos, Domicilio: true}
	if m.Type != contracts.CrearOrden || m.ServiceName != "gestor-compra" || fmt.Sprint(m.Data) != fmt.Sprint(esperado) {
		t.Errorf("%+v", m)
	}
	if clave := e.Metadatos(string(contracts.ComandosOrden))[0]["partitionKey"]; clave != s.ID {
		t.Errorf("la clave es %q", clave)
	}
}

// docs/adr/a-step-asks-and-waits.md: a restarted activity that finds the reply returns it, without asking; one that does not
// asks again and moves nothing a second time.
func TestUnPasoQueVuelveAEmpezar(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoIniciada)
	e.responder = nil
	p := pregunta(s, contracts.ReservarProducto)
	e.empezarYParar(t, p, 1)
	e.empezarYParar(t, p, 2)
	if paso, err := e.LeerPaso(t.Context(), s.ID, p.Comando); err != nil || paso.Abandonada || paso.Respuesta != nil {
		t.Fatalf("%+v: %v", paso, err)
	}
	if anotada, err := e.AnotarRespuesta(t.Context(), s.ID, p.Comando, compras.Respuesta{Tipo: contracts.ProductosReservados}); err != nil || anotada != compras.Primera {
		t.Fatal(anotada, err)
	}
	d, err := e.Preguntar(t.Context(), p)
	if visto := e.testigo.Olvidar(); err != nil || d.Resultado != compra.Aceptada || len(e.preguntas()) != 2 || len(visto.Difundidas) != 1 {
		t.Fatalf("%+v %v; preguntó %v y contó %+v", d, err, e.preguntas(), visto)
	}
}

// empezarYParar runs a step until it has asked, for the vez-th time, and stops its worker then: it returns promptly, and
// what it returns is no outcome.
func (e *escena) empezarYParar(t *testing.T, p compra.Pregunta, vez int) {
	t.Helper()
	ctx, parar := context.WithCancel(t.Context())
	defer parar()
	fin := make(chan error, 1)
	go func() { _, err := e.Preguntar(ctx, p); fin <- err }()
	hasta(t, "preguntar", func() bool { return len(e.preguntas()) == vez })
	parar()
	if err := <-fin; !errors.Is(err, context.Canceled) {
		t.Fatalf("un trabajador que para responde %v", err)
	}
}

// docs/adr/steps-outwait-outages.md: patience is counted from the first ask. A reply that comes after it is kept, and changes
// nothing any more.
func TestSeAcabaLaPaciencia(t *testing.T) {
	e := nuevaEscena(t, saga.Ajustes{Paciencia: time.Hour, Insistencia: time.Hour, VueltaRevision: time.Millisecond})
	s := e.Compra(t, contracts.EstadoIniciada)
	p := pregunta(s, contracts.ReservarProducto)
	e.responder = nil
	for vez := 1; vez <= 2; vez++ { // forty minutes, a restart that asks again, and forty more
		e.empezarYParar(t, p, vez)
		e.Hacer(t, `update paso set preguntada_en = preguntada_en - interval '40 minutes' where id_compra = $1`, s.ID)
	}
	for range 2 {
		d, err := e.Preguntar(t.Context(), p)
		if err != nil || d.Resultado != compra.SinRespuesta || !d.Preguntada || len(e.preguntas()) != 2 {
			t.Fatalf("%+v %v tras preguntar %v", d, err, e.preguntas())
		}
	}
	if anotada, err := e.AnotarRespuesta(t.Context(), s.ID, p.Comando, compras.Respuesta{Tipo: contracts.ProductosReservados}); err != nil || anotada != compras.Tardia {
		t.Fatal(anotada, err)
	}
	if d, err := e.Preguntar(t.Context(), p); err != nil || d.Resultado != compra.SinRespuesta || e.Estado(t, s.ID) != contracts.EstadoProductosValidos {
		t.Fatalf("la respuesta tardía tuvo efecto: %+v %v", d, err)
	}
}

// A question that was lost is asked again, under the same key, until it is answered.
func TestInsiste(t *testing.T) {
	e := nuevaEscena(t, saga.Ajustes{Paciencia: time.Hour, Insistencia: time.Millisecond, VueltaRevision: time.Hour})
	s := e.Compra(t, contracts.EstadoIniciada)
	e.responder = func(c contracts.Tipo, vez int) *compras.Respuesta {
		if vez < 4 {
			return nil
		}
		return deBuenaGana(c, vez)
	}
	d, err := e.Preguntar(t.Context(), pregunta(s, contracts.ReservarProducto))
	if err != nil || d.Resultado != compra.Aceptada || len(e.preguntas()) != 4 {
		t.Fatalf("%+v %v tras preguntar %v", d, err, e.preguntas())
	}
}

// What is begun after CONFIRMADA has no end but an answer: it goes on asking, however long ago it began.
func TestLosTramitesNoPierdenLaPaciencia(t *testing.T) {
	for _, comando := range []contracts.Tipo{contracts.DespacharReserva, contracts.CancelarOrden} {
		t.Run(string(comando), func(t *testing.T) {
			e := nuevaEscena(t, saga.Ajustes{Paciencia: 20 * time.Millisecond, Insistencia: time.Hour, VueltaRevision: time.Millisecond})
			s := e.Compra(t, contracts.EstadoConfirmada)
			for vez := 1; vez <= 3; vez++ {
				if e.responder = nil; vez == 3 {
					e.responder = deBuenaGana
				}
				d, err := e.Preguntar(t.Context(), pregunta(s, comando))
				esperado := map[bool]compra.Resultado{true: compra.Aceptada, false: compra.SinRespuesta}[vez == 3]
				if err != nil || d.Resultado != esperado || len(e.preguntas()) != vez {
					t.Fatalf("vez %d: %+v %v tras preguntar %v", vez, d, err, e.preguntas())
				}
				e.Hacer(t, `update paso set preguntada_en = preguntada_en - interval '1 hour' where id_compra = $1`, s.ID)
			}
		})
	}
}

// docs/adr/who-owns-a-fact-decides.md: a cancellation that comes while the order is created wins over CONFIRMADA; the order
// then is to be undone.
func TestCancelarMientrasSeCreaLaOrden(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoProductosValidos)
	e.responder = func(c contracts.Tipo, vez int) *compras.Respuesta {
		if _, _, err := e.Cancelar(context.Background(), s.ID, "ya no"); err != nil {
			t.Error(err)
		}
		return deBuenaGana(c, vez)
	}
	for range 2 {
		d, err := e.Preguntar(t.Context(), pregunta(s, contracts.CrearOrden))
		if err != nil || d.Resultado != compra.Cancelada || !d.Preguntada || d.Motivo != "ya no" || e.Estado(t, s.ID) != contracts.EstadoProductosReservados {
			t.Fatalf("%+v %v, y quedó %s", d, err, e.Estado(t, s.ID))
		}
	}
}

// A broker that is away for a while is nobody's failure: the step rides it out.
func TestElBrokerVuelve(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoRecibida)
	e.Fallar(errors.New("el broker no responde"))
	fin := make(chan error, 1)
	go func() {
		d, err := e.Preguntar(t.Context(), pregunta(s, contracts.ValidarInventario))
		if err == nil && d.Resultado != compra.Aceptada {
			err = fmt.Errorf("%+v", d)
		}
		fin <- err
	}()
	hasta(t, "plantear", func() bool { return e.Estado(t, s.ID) == contracts.EstadoIniciada })
	e.Fallar(nil)
	if err := <-fin; err != nil {
		t.Fatal(err)
	}
}

// Trouble with the database is an error, which the engine tries again, and no outcome.
func TestSinBaseNoHayDesenlace(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	s := e.Compra(t, contracts.EstadoRecibida)
	e.responder = func(contracts.Tipo, int) *compras.Respuesta { e.Pool.Close(); return nil }
	if d, err := e.Preguntar(t.Context(), pregunta(s, contracts.ValidarInventario)); err == nil || d.Resultado != "" {
		t.Fatalf("%+v %v", d, err)
	}
}
