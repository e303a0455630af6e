package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// tooBig is a number of units that needs the approval of an operator: one more than APPROVAL_THRESHOLD of gestor-compra.
const tooBig = 101

// supply adds cantidad units of product 11 to the stock. Tests that run at the same time use this product: each adds what it buys,
// because another test may buy the units that it finds there.
func supply(t *testing.T, s *System, cantidad int) {
	t.Helper()
	if _, err := s.Admin.Reponer(t.Context(), "11", cantidad, NewID()); err != nil {
		t.Fatal(err)
	}
}

// comprarAs sends a purchase of cantidad units of product 11 by usuario, and returns its id.
func comprarAs(t *testing.T, s *System, usuario string, cantidad int) string {
	t.Helper()
	supply(t, s, cantidad)
	return s.Comprar(t, contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{Linea("11", cantidad)}})
}

// withSteps fails the test unless the history has these steps in this order. The history may have other steps between them.
func withSteps(t *testing.T, c contracts.Compra, steps ...string) {
	t.Helper()
	remainder := Steps(c)
	for _, p := range steps {
		i := slices.Index(remainder, p)
		if i < 0 {
			t.Errorf("%s: the history %v lacks, in this order, %s", c.ID, Steps(c), p)
			return
		}
		remainder = remainder[i+1:]
	}
}

// wantDenied fails the test unless err is a problem with this status and a text for a person.
func wantDenied(t *testing.T, what string, err error, status int) {
	t.Helper()
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != status || p.Detail == "" {
		t.Errorf("%s: want a %d with its reason, got: %v", what, status, err)
	}
}

// A customer with too many open purchases is refused before anything is reserved: the interface refuses a request, and a purchase that
// comes as a message ends in a refused state. ordenes has the last word: when it refuses the order, the purchase is rolled back.
func TestRefusedOrden(t *testing.T) {
	t.Parallel()
	s := Open(t)
	supply(t, s, 100)
	u := Usuario(t)
	ids := s.ComprarMany(t, 100, 32, func(int) contracts.SolicitudCompra {
		return contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}}
	})
	s.AllConfirmed(t, Deadline, ids)
	t.Run("by the interface", func(t *testing.T) {
		_, err := s.BFF.Comprar(t.Context(), contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}})
		wantDenied(t, "one purchase more", err, http.StatusConflict)
	})
	t.Run("by message", func(t *testing.T) {
		id := NewID()
		command := contracts.NewMessage("test", contracts.CrearCompra, "", contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}})
		if err := client.Publish(t.Context(), s.Broker, contracts.ComandosGestorCompra, command); err != nil {
			t.Fatal(err)
		}
		c := s.Wait(t, id, contracts.EstadoRechazada)
		if steps := Steps(c); c.Motivo == "" || !slices.Equal(steps, []string{"RECIBIDA", "RECHAZADA"}) {
			t.Errorf("%v, motivo %q", steps, c.Motivo)
		}
	})
	t.Run("by ordenes", func(t *testing.T) {
		other := Usuario(t) + "-other"
		conn, err := pgx.Connect(t.Context(), s.Env.OrdenesDSN)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_, err := conn.Exec(context.Background(), `delete from orden where id_usuario = $1`, other)
			if err != nil {
				t.Error(err)
			}
			_ = conn.Close(context.Background())
		})
		if _, err := conn.Exec(t.Context(), `insert into orden (id, id_compra, id_usuario, productos, domicilio, estado)
			select gen_random_uuid(), gen_random_uuid(), $1, '[]', false, 'CREADA' from generate_series(1, 100)`, other); err != nil {
			t.Fatal(err)
		}
		c := s.Wait(t, comprarAs(t, s, other, 1), contracts.EstadoRechazada)
		withSteps(t, c, "PRODUCTOS_RESERVADOS", "COMPENSANDO", "LiberarReserva", "RECHAZADA")
		if c.Motivo == "" || c.IDOrden != "" {
			t.Errorf("motivo %q, orden %q", c.Motivo, c.IDOrden)
		}
		s.Balanced(t, []string{c.ID})
	})
}

// An operator approves one purchase and rejects another. The same decision again changes nothing, and the opposite decision is
// refused.
func TestAprobacion(t *testing.T) {
	t.Parallel()
	s := Open(t)
	u := Usuario(t)
	aprobada, refused := comprarAs(t, s, u, tooBig), comprarAs(t, s, u, tooBig)
	for _, id := range []string{aprobada, refused} {
		s.Wait(t, id, contracts.EstadoPorAprobar)
	}
	if _, err := s.BFF.Decide(t.Context(), aprobada, true, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BFF.Decide(t.Context(), refused, false, "No cabe."); err != nil {
		t.Fatal(err)
	}
	c := s.Wait(t, aprobada, contracts.EstadoConfirmada)
	withSteps(t, c, "PRODUCTOS_RESERVADOS", "POR_APROBAR", "CONFIRMADA")
	c = s.Wait(t, refused, contracts.EstadoRechazada)
	withSteps(t, c, "POR_APROBAR", "COMPENSANDO", "LiberarReserva", "RECHAZADA")
	if _, err := s.BFF.Decide(t.Context(), aprobada, true, ""); err != nil {
		t.Errorf("the same decision again: %v", err)
	}
	_, err := s.BFF.Decide(t.Context(), aprobada, false, "")
	wantDenied(t, "reject the approved one", err, http.StatusConflict)
	_, err = s.BFF.Decide(t.Context(), refused, true, "")
	wantDenied(t, "approve the rejected one", err, http.StatusConflict)
	s.Balanced(t, []string{aprobada, refused})
}

// A customer can cancel a purchase while it waits for approval, after it was confirmed and right after it was sent. The purchase ends
// CANCELADA, and all of its steps are rolled back.
func TestCancelarEndToEnd(t *testing.T) {
	t.Parallel()
	s := Open(t)
	u := Usuario(t)
	t.Run("while it waits for approval", func(t *testing.T) {
		id := comprarAs(t, s, u, tooBig)
		s.Wait(t, id, contracts.EstadoPorAprobar)
		cancelar(t, s, id)
		c := s.Wait(t, id, contracts.EstadoCancelada)
		withSteps(t, c, "POR_APROBAR", "COMPENSANDO", "LiberarReserva", "CANCELADA")
		_, err := s.BFF.Decide(t.Context(), id, true, "")
		wantDenied(t, "approve the cancelled one", err, http.StatusConflict)
		cancelar(t, s, id) // a second time changes nothing
		s.Balanced(t, []string{id})
	})
	t.Run("after it was confirmed", func(t *testing.T) {
		id := comprarAs(t, s, u, 2)
		s.Wait(t, id, contracts.EstadoConfirmada)
		cancelar(t, s, id)
		c := s.Wait(t, id, contracts.EstadoCancelada)
		withSteps(t, c, "CONFIRMADA", "LiberarReserva", "CANCELADA")
		_, err := s.BFF.Despachar(t.Context(), c.IDOrden)
		wantDenied(t, "dispatch a cancelled order", err, http.StatusConflict)
		s.Balanced(t, []string{id})
	})
	t.Run("right after it was sent", func(t *testing.T) {
		var ids []string
		for range 20 { // the cancellation meets the saga at different steps
			id := comprarAs(t, s, u, 1)
			ids = append(ids, id)
			cancelar(t, s, id)
		}
		if howMany := s.AllIn(t, contracts.EstadoCancelada, ids); howMany != len(ids) {
			t.Errorf("of %d purchases %d are cancelled", len(ids), howMany)
		}
		s.Balanced(t, ids)
	})
}

func cancelar(t *testing.T, s *System, id string) {
	t.Helper()
	if _, err := s.BFF.Cancelar(t.Context(), id, "Ya no la quiero."); err != nil {
		t.Error(err)
	}
}

// An order is dispatched once, and its purchase cannot be cancelled any more.
func TestDespacho(t *testing.T) {
	t.Parallel()
	s := Open(t)
	id := comprarAs(t, s, Usuario(t), 3)
	c := s.Wait(t, id, contracts.EstadoConfirmada)
	for range 2 { // a second time changes nothing
		if o, err := s.BFF.Despachar(t.Context(), c.IDOrden); err != nil || o.Estado != "DESPACHADA" || o.IDCompra != id {
			t.Fatalf("dispatch: %+v, %v", o, err)
		}
	}
	withSteps(t, s.Wait(t, id, contracts.EstadoDespachada), "CONFIRMADA", "DESPACHADA")
	_, err := s.BFF.Cancelar(t.Context(), id, "")
	wantDenied(t, "cancel a dispatched purchase", err, http.StatusConflict)
	s.Balanced(t, []string{id})
}

// A decision that is not possible is refused with a clear error and changes nothing.
func TestImpossibleDecisions(t *testing.T) {
	t.Parallel()
	s := Open(t)
	u := Usuario(t)
	confirmed := s.Wait(t, comprarAs(t, s, u, 1), contracts.EstadoConfirmada)
	refused := s.Wait(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("llama", 1)}}), contracts.EstadoRechazada)
	for _, c := range []contracts.Compra{confirmed, refused} {
		_, err := s.BFF.Decide(t.Context(), c.ID, true, "")
		wantDenied(t, "approve one that is "+string(c.Estado), err, http.StatusConflict)
	}
	_, err := s.BFF.Cancelar(t.Context(), refused.ID, "")
	wantDenied(t, "cancel a rejected one", err, http.StatusConflict)
	for _, id := range []string{NewID(), "something-else"} {
		status := http.StatusNotFound
		if id == "something-else" {
			status = http.StatusBadRequest
		}
		_, err := s.BFF.Cancelar(t.Context(), id, "")
		wantDenied(t, "cancel "+id, err, status)
		_, err = s.BFF.Decide(t.Context(), id, true, "")
		wantDenied(t, "approve "+id, err, status)
		_, err = s.BFF.Despachar(t.Context(), id)
		wantDenied(t, "dispatch "+id, err, status)
		_, err = s.BFF.Orden(t.Context(), id)
		wantDenied(t, "read order "+id, err, status)
	}
	for _, m := range []badCase{
		{"no body", ``, 400, ""}, {"no decision", `{}`, 400, "aprobada"}, {"a decision that is no boolean", `{"aprobada": "sí"}`, 400, "aprobada"},
		{"a motivo with control characters", `{"aprobada": true, "motivo": "\u0007"}`, 400, "motivo"},
	} {
		r, err := s.BFF.Request(t.Context(), http.MethodPost, "/compras/"+confirmed.ID+"/aprobacion", []byte(m.body))
		if err != nil {
			t.Fatal(err)
		}
		isProblem(t, m.name, r, m.status, m.field)
	}
	for i, earlier := range []contracts.Compra{confirmed, refused} {
		if now, err := s.BFF.Load(t.Context(), earlier.ID); err != nil || now.Numero() != earlier.Numero() {
			t.Errorf("%d: the purchase changed: %v, %v", i, Steps(now), err)
		}
	}
}

// An approval, a rejection and a cancellation come at the same time. One of them decides, and the responses to all three agree with
// the result.
func TestConcurrentDecisions(t *testing.T) {
	t.Parallel()
	s := Open(t)
	u := Usuario(t)
	var ids []string
	for range 8 {
		id := comprarAs(t, s, u, tooBig)
		ids = append(ids, id)
		s.Wait(t, id, contracts.EstadoPorAprobar)
		errs := Concurrently(
			func() error { _, err := s.BFF.Decide(t.Context(), id, true, ""); return err },
			func() error { _, err := s.BFF.Decide(t.Context(), id, false, "No."); return err },
			func() error { _, err := s.BFF.Cancelar(t.Context(), id, "Ya no."); return err },
		)
		c := s.Wait(t, id, contracts.EstadoConfirmada, contracts.EstadoRechazada, contracts.EstadoCancelada)
		if errs[0] == nil && errs[2] == nil { // the approval came first, and the cancellation after it
			c = s.Wait(t, id, contracts.EstadoCancelada)
		}
		won := map[contracts.Estado]int{contracts.EstadoConfirmada: 0, contracts.EstadoRechazada: 1, contracts.EstadoCancelada: 2}[c.Estado]
		if errs[won] != nil || (errs[0] == nil && errs[1] == nil) {
			t.Errorf("it is %s, and the answers were: approve %v, reject %v, cancel %v", c.Estado, errs[0], errs[1], errs[2])
		}
		for i, err := range errs {
			if err != nil {
				wantDenied(t, fmt.Sprint("decision ", i), err, http.StatusConflict)
			}
		}
	}
	s.Balanced(t, ids)
}

// CancelarCompra comes over the topic before CrearCompra. A purchase that comes later with the same id is not carried out
// (docs/adr/rollback-may-come-first.md).
func TestCancelarBeforeCreate(t *testing.T) {
	t.Parallel()
	s := Open(t)
	supply(t, s, 1)
	u, id := Usuario(t), NewID()
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	data := contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}}
	for _, kind := range []contracts.MessageType{contracts.CancelarCompra, contracts.CrearCompra} {
		if err := client.Publish(ctx, s.Broker, contracts.ComandosGestorCompra, contracts.NewMessage("test", kind, "", data)); err != nil {
			t.Fatal(err)
		}
	}
	Until(t, "the purchase cancelled", func(ctx context.Context) (bool, error) {
		c, err := s.BFF.Load(ctx, id)
		return c.Estado == contracts.EstadoCancelada, err
	})
	s.Balanced(t, []string{id})
}
