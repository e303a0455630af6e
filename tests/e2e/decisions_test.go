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

// tooBig is more units than are confirmed without an operator (APPROVAL_THRESHOLD).
const tooBig = 101

// comprarAs buys so many units of product 11.
func comprarAs(t *testing.T, s *System, usuario string, cantidad int) string {
	t.Helper()
	s.Restock(t, map[string]int{"11": cantidad + 200})
	return s.Comprar(t, contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{Linea("11", cantidad)}})
}

// withSteps requires that the history has these steps, in this order; others may stand between.
func withSteps(t *testing.T, c contracts.Compra, steps ...string) {
	t.Helper()
	remainder := Steps(c)
	for _, p := range steps {
		i := slices.Index(remainder, p)
		if i < 0 {
			t.Errorf("%s: en la historia %v falta, en su orden, %s", c.ID, Steps(c), p)
			return
		}
		remainder = remainder[i+1:]
	}
}

// wantDenied requires that err is an answer with this status and words for a person.
func wantDenied(t *testing.T, what string, err error, status int) {
	t.Helper()
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != status || p.Detail == "" {
		t.Errorf("%s: se esperaba un %d con su porqué, y hubo: %v", what, status, err)
	}
}

// A customer with too many open purchases is refused before anything is reserved: by the door, or where it came as a command
// by its end. ordenes has the last word: an order that it refuses is undone in reverse.
func TestRefusedOrden(t *testing.T) {
	s := Open(t)
	s.Restock(t, map[string]int{"11": 300})
	u := Usuario(t)
	ids := s.ComprarMany(t, 100, 32, func(int) contracts.SolicitudCompra {
		return contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}}
	})
	s.AllConfirmed(t, Deadline, ids)
	t.Run("en la puerta", func(t *testing.T) {
		_, err := s.BFF.Comprar(t.Context(), contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}})
		wantDenied(t, "una compra más", err, http.StatusConflict)
	})
	t.Run("por mensaje", func(t *testing.T) {
		id := NewID()
		command := contracts.NewMessage("prueba", contracts.CrearCompra, "", contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}})
		if err := client.Publish(t.Context(), s.Broker, contracts.ComandosGestorCompra, command); err != nil {
			t.Fatal(err)
		}
		c := s.Wait(t, id, contracts.EstadoRechazada)
		if steps := Steps(c); c.Motivo == "" || !slices.Equal(steps, []string{"RECIBIDA", "RECHAZADA"}) {
			t.Errorf("%v, motivo %q", steps, c.Motivo)
		}
	})
	t.Run("por ordenes", func(t *testing.T) {
		other := Usuario(t) + "-otro"
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

func TestAprobacion(t *testing.T) {
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
		t.Errorf("la misma decisión otra vez: %v", err)
	}
	_, err := s.BFF.Decide(t.Context(), aprobada, false, "")
	wantDenied(t, "rechazar la aprobada", err, http.StatusConflict)
	_, err = s.BFF.Decide(t.Context(), refused, true, "")
	wantDenied(t, "aprobar la rechazada", err, http.StatusConflict)
	s.Balanced(t, []string{aprobada, refused})
}

func TestCancelarEndToEnd(t *testing.T) {
	s := Open(t)
	u := Usuario(t)
	t.Run("mientras espera aprobación", func(t *testing.T) {
		id := comprarAs(t, s, u, tooBig)
		s.Wait(t, id, contracts.EstadoPorAprobar)
		cancelar(t, s, id)
		c := s.Wait(t, id, contracts.EstadoCancelada)
		withSteps(t, c, "POR_APROBAR", "COMPENSANDO", "LiberarReserva", "CANCELADA")
		_, err := s.BFF.Decide(t.Context(), id, true, "")
		wantDenied(t, "aprobar lo cancelado", err, http.StatusConflict)
		cancelar(t, s, id) // again is as good
		s.Balanced(t, []string{id})
	})
	t.Run("después de confirmada", func(t *testing.T) {
		id := comprarAs(t, s, u, 2)
		s.Wait(t, id, contracts.EstadoConfirmada)
		cancelar(t, s, id)
		c := s.Wait(t, id, contracts.EstadoCancelada)
		withSteps(t, c, "CONFIRMADA", "LiberarReserva", "CANCELADA")
		_, err := s.BFF.Despachar(t.Context(), c.IDOrden)
		wantDenied(t, "despachar una orden cancelada", err, http.StatusConflict)
		s.Balanced(t, []string{id})
	})
	t.Run("apenas enviadas", func(t *testing.T) {
		var ids []string
		for range 20 { // wherever the cancellation meets the saga, it ends CANCELADA and undone
			id := comprarAs(t, s, u, 1)
			ids = append(ids, id)
			cancelar(t, s, id)
		}
		if howMany := s.AllIn(t, contracts.EstadoCancelada, ids); howMany != len(ids) {
			t.Errorf("de %d quedaron %d canceladas", len(ids), howMany)
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

func TestDespacho(t *testing.T) {
	s := Open(t)
	id := comprarAs(t, s, Usuario(t), 3)
	c := s.Wait(t, id, contracts.EstadoConfirmada)
	for range 2 { // again is as good
		if o, err := s.BFF.Despachar(t.Context(), c.IDOrden); err != nil || o.Estado != "DESPACHADA" || o.IDCompra != id {
			t.Fatalf("despachar: %+v, %v", o, err)
		}
	}
	withSteps(t, s.Wait(t, id, contracts.EstadoDespachada), "CONFIRMADA", "DESPACHADA")
	_, err := s.BFF.Cancelar(t.Context(), id, "")
	wantDenied(t, "cancelar lo despachado", err, http.StatusConflict)
	s.Balanced(t, []string{id})
}

// A decision where there is none to take: a clear error, and nothing changes.
func TestImpossibleDecisions(t *testing.T) {
	s := Open(t)
	u := Usuario(t)
	confirmed := s.Wait(t, comprarAs(t, s, u, 1), contracts.EstadoConfirmada)
	refused := s.Wait(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("llama", 1)}}), contracts.EstadoRechazada)
	for _, c := range []contracts.Compra{confirmed, refused} {
		_, err := s.BFF.Decide(t.Context(), c.ID, true, "")
		wantDenied(t, "aprobar una "+string(c.Estado), err, http.StatusConflict)
	}
	_, err := s.BFF.Cancelar(t.Context(), refused.ID, "")
	wantDenied(t, "cancelar una rechazada", err, http.StatusConflict)
	for _, id := range []string{NewID(), "otra-cosa"} {
		status := http.StatusNotFound
		if id == "otra-cosa" {
			status = http.StatusBadRequest
		}
		_, err := s.BFF.Cancelar(t.Context(), id, "")
		wantDenied(t, "cancelar "+id, err, status)
		_, err = s.BFF.Decide(t.Context(), id, true, "")
		wantDenied(t, "aprobar "+id, err, status)
		_, err = s.BFF.Despachar(t.Context(), id)
		wantDenied(t, "despachar "+id, err, status)
		_, err = s.BFF.Orden(t.Context(), id)
		wantDenied(t, "leer la orden "+id, err, status)
	}
	for _, m := range []badCase{
		{"sin cuerpo", ``, 400, ""}, {"sin decisión", `{}`, 400, "aprobada"}, {"decisión que no lo es", `{"aprobada": "sí"}`, 400, "aprobada"},
		{"motivo con caracteres de control", `{"aprobada": true, "motivo": "\u0007"}`, 400, "motivo"},
	} {
		r, err := s.BFF.Request(t.Context(), http.MethodPost, "/compras/"+confirmed.ID+"/aprobacion", []byte(m.body))
		if err != nil {
			t.Fatal(err)
		}
		isProblem(t, m.name, r, m.status, m.field)
	}
	for i, earlier := range []contracts.Compra{confirmed, refused} {
		if now, err := s.BFF.Load(t.Context(), earlier.ID); err != nil || now.Numero() != earlier.Numero() {
			t.Errorf("%d: la compra cambió: %v, %v", i, Steps(now), err)
		}
	}
}

// Approve, reject and cancel at once: one wins, and is everybody's answer.
func TestConcurrentDecisions(t *testing.T) {
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
		if errs[0] == nil && errs[2] == nil { // approved first, and cancelled after that
			c = s.Wait(t, id, contracts.EstadoCancelada)
		}
		won := map[contracts.Estado]int{contracts.EstadoConfirmada: 0, contracts.EstadoRechazada: 1, contracts.EstadoCancelada: 2}[c.Estado]
		if errs[won] != nil || (errs[0] == nil && errs[1] == nil) {
			t.Errorf("quedó %s, y respondieron: aprobar %v, rechazar %v, cancelar %v", c.Estado, errs[0], errs[1], errs[2])
		}
		for i, err := range errs {
			if err != nil {
				wantDenied(t, fmt.Sprint("la decisión ", i), err, http.StatusConflict)
			}
		}
	}
	s.Balanced(t, ids)
}

// CancelarCompra over the topic, before its purchase: whatever comes later under this id is not bought
// (docs/adr/rollback-may-come-first.md).
func TestCancelarBeforeCreate(t *testing.T) {
	s := Open(t)
	s.Restock(t, map[string]int{"11": 10})
	u, id := Usuario(t), NewID()
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	data := contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}}
	for _, kind := range []contracts.MessageType{contracts.CancelarCompra, contracts.CrearCompra} {
		if err := client.Publish(ctx, s.Broker, contracts.ComandosGestorCompra, contracts.NewMessage("prueba", kind, "", data)); err != nil {
			t.Fatal(err)
		}
	}
	Until(t, "la compra cancelada", func(ctx context.Context) (bool, error) {
		c, err := s.BFF.Load(ctx, id)
		return c.Estado == contracts.EstadoCancelada, err
	})
	s.Balanced(t, []string{id})
}
