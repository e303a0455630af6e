package dapr_test

import (
	"net/http"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/dapr"
	"entregas/services/bff/memory"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// Only a call that never reached a sidecar left certainly nothing done; what was sent and not answered is in doubt, whatever
// the sidecar says of it.
func TestInDoubt(t *testing.T) {
	g := nuevoGestor(t)
	closed := nuevoGestor(t)
	nobody := puerto(t, closed.Server)
	closed.Close()
	sent := imitacion(t, g)
	for _, c := range []struct {
		name  string
		port  string
		says  http.HandlerFunc
		doubt bool
	}{
		{"no sidecar", nobody, nil, false},
		{"the sidecar's 500", sent, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, true},
		{"the sidecar's 504", sent, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGatewayTimeout) }, true},
		{"an answer that is cut", sent, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"id":`)) }, true},
		{"a connection that is cut", sent, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true},
		{"its database is away", sent, func(w http.ResponseWriter, r *http.Request) { errorOf(w, r, errores.NoDisponible) }, true},
		{"it says no", sent, func(w http.ResponseWriter, r *http.Request) { errorOf(w, r, errores.Conflicto) }, false},
	} {
		if c.says != nil {
			g.dice(c.says)
		}
		_, err := dapr.Gestor{Servicio: dapr.NuevoServicio(g.app, c.port, "")}.Aprobar(t.Context(), "una", true, "")
		if err == nil || compras.InDoubt(err) != c.doubt {
			t.Errorf("%s: in doubt %v: %v", c.name, compras.InDoubt(err), err)
		}
	}
}

// What was done is told as done: the answer to a write is not refused for want of room, and one that is too long says so.
func TestTheAnswerToAWriteIsNotRefused(t *testing.T) {
	g := nuevoGestor(t)
	g.dice(func(w http.ResponseWriter, _ *http.Request) {
		rest.Escribir(w, http.StatusAccepted, contracts.Aceptada{ID: strings.Repeat("a", 500)})
	})
	orders := dapr.Gestor{Servicio: dapr.NuevoServicio(g.app, imitacion(t, g), "")}
	for length, want := range map[int64]string{100_000: "", 100: "se hizo"} {
		pool := memory.New(memory.Limits{Total: 400, Answer: length})
		for _, asker := range []string{"a", "b", "c", "d"} {
			if err := pool.Lease(asker).Take(100); err != nil {
				t.Fatal(err)
			}
		}
		ctx := memory.With(t.Context(), pool.Lease("e"))
		_, err := orders.Aprobar(ctx, "una", true, "")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("a write: %v, want %q", err, want)
		}
		if _, err := orders.Leer(ctx, "una"); err == nil {
			t.Error("a read was answered without room")
		}
	}
}

func errorOf(w http.ResponseWriter, r *http.Request, codigo errores.Codigo) {
	rest.EscribirError(w, r, errores.Nuevo(codigo, "x"))
}
