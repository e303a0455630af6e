package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// A service sets a message that decodes but has wrong content aside at the first try: the message becomes a dead letter of its topic,
// with the reason. The service handles the next messages. tests/conformance has
// the cases that any participant must pass.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 10})
	u := Usuario(t)
	one := []contracts.Linea{Linea("1", 1)}
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: one})
	s.Wait(t, id, contracts.EstadoConfirmada)

	t.Run("a purchase with quantity 0", func(t *testing.T) {
		dies(t, s, contracts.ComandosGestorCompra, contracts.CrearCompra, "gestor-compra", "productos[0].cantidad",
			contracts.DatosComandoGestorCompra{IDCompra: NewID(), IDUsuario: u, Productos: []contracts.Linea{Linea("1", 0)}})
	})
	t.Run("another purchase under the same id", func(t *testing.T) {
		dies(t, s, contracts.ComandosGestorCompra, contracts.CrearCompra, "gestor-compra", id,
			contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: u, Productos: []contracts.Linea{Linea("1", 9)}})
	})
	t.Run("a message id that is no UUID", func(t *testing.T) {
		m := contracts.NewMessage("test", "RegalarOrden", "", contracts.DatosComandoOrden{IDCompra: NewID()})
		m.ID = "a b\x00||/" + m.ID
		thisOneDies(t, s, contracts.ComandosOrden, "ordenes", "RegalarOrden", m)
	})
	s.Wait(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: one}), contracts.EstadoConfirmada)
	s.Balanced(t, []string{id})
}

// dies publishes a message and fails the test unless service sets it aside as a dead letter whose reason contains says.
func dies[D any](t *testing.T, s *System, topic contracts.TopicName[D], kind contracts.MessageType, service, says string, data D) {
	t.Helper()
	thisOneDies(t, s, topic, service, says, contracts.NewMessage("test", kind, "", data))
}

// thisOneDies does the same as dies, for a given message.
func thisOneDies[D any](t *testing.T, s *System, topic contracts.TopicName[D], service, says string, m contracts.Message[D]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	if err := client.Publish(ctx, s.Broker, topic, m); err != nil {
		t.Fatal(err)
	}
	err := client.DeadLetters(ctx, s.Broker, topic, func(deadLetter client.DeadLetter[D]) bool {
		if deadLetter.Message.ID != m.ID {
			return false
		}
		p := deadLetter.Properties
		if n, err := strconv.Atoi(p["intentos"]); err != nil || n != 1 || p["origen"] != service || !strings.Contains(p["motivo"], says) {
			t.Errorf("it has %v; want origen %s and a motivo with %q", p, service, says)
		}
		return true
	})
	if err != nil {
		t.Fatalf("it is not on %s: %v", topic.DeadLetters(), err)
	}
}

// An operator discards a dead letter with a reason: it leaves the list, and is kept with the reason. Several letters, also a discarded
// one, go back to their topic in one request, each with its own result, and none of them twice.
func TestADiscardedLetterIsKept(t *testing.T) {
	t.Parallel()
	s := Open(t)
	operator := as(t, s, Usuario(t), "operador")
	discarded, kept := NewID(), NewID()
	places := map[string]string{}
	for _, id := range []string{discarded, kept} {
		places[id] = publishBytes(t, s, contracts.ComandosOrden.DeadLetters(), goodCancellation(t, s, id), map[string]string{"motivo": "de prueba"})
	}
	list := func(query string) map[string]contracts.MensajeMuerto { // by purchase
		t.Helper()
		var all []contracts.MensajeMuerto
		ask(t, operator, http.MethodGet, "/mensajes-muertos?tema=comandos-orden&motivo=DE+PRUEBA"+query, nil, http.StatusOK, &all)
		found := map[string]contracts.MensajeMuerto{}
		for _, m := range all {
			found[m.IDCompra] = m
		}
		return found
	}
	Until(t, "both are listed", func(context.Context) (bool, error) {
		all := list("")
		return all[discarded].ID == places[discarded] && all[kept].ID == places[kept], nil
	})
	discard := "/mensajes-muertos/" + places[discarded] + "/descarte"
	ask(t, operator, http.MethodPost, discard, map[string]string{"motivo": ""}, http.StatusBadRequest, nil)
	ask(t, operator, http.MethodPost, discard, map[string]string{"motivo": "Fue una prueba."}, http.StatusAccepted, nil)
	if all := list(""); all[discarded].ID != "" || all[kept].ID == "" {
		t.Errorf("after the discard the list has %+v", all)
	}
	m := list("&descartados=true")[discarded]
	if m.MotivoDescarte != "Fue una prueba." || m.DescartadoEn == nil || m.Motivo != "de prueba" || len(m.Registro) == 0 {
		t.Errorf("it is kept as %+v", m)
	}
	back := map[string][]string{"ids": {places[discarded], m.ID, places[kept]}}
	for round, want := range []string{"false true true", "false false false"} {
		var results []contracts.ResultadoDeDevolucion
		ask(t, operator, http.MethodPost, "/mensajes-muertos/devolucion", back, http.StatusOK, &results)
		got := ""
		for _, r := range results {
			got += strconv.FormatBool(r.Devuelto) + " "
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("round %d: %+v", round, results)
		}
	}
	for _, id := range []string{discarded, kept} {
		Until(t, "ordenes handles it", func(context.Context) (bool, error) {
			return Count(t, s.OrdenesDatabase, `select count(*) from inbox where id_compra = $1 and tipo = 'CancelarOrden'`, id) == 1, nil
		})
	}
}

// ask sends a request, requires the status, and decodes the answer into v unless v is nil.
func ask(t *testing.T, c *client.Client, method, path string, body any, status int, v any) {
	t.Helper()
	r, err := c.Request(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != status {
		t.Fatalf("%s %s: %d %.300s, want %d", method, path, r.Status, r.Body, status)
	}
	if v != nil {
		if err := json.Unmarshal(r.Body, v); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
}
