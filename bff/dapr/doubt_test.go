package dapr_test

import (
	"net/http"
	"testing"

	"entregas/services/bff/compras"
	"entregas/services/bff/dapr"
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

func errorOf(w http.ResponseWriter, r *http.Request, codigo errores.Codigo) {
	rest.EscribirError(w, r, errores.Nuevo(codigo, "x"))
}
