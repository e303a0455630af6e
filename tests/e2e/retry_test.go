package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// An operator retries a purchase whose rollback failed: all steps are rolled back, and the books balance. The test writes the state
// FALLIDA into the database, because without that only a day of failures leads to it.
func TestRetryOneThatFailed(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"1": 10})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 3)}})
	s.Wait(t, id, contracts.EstadoConfirmada)
	database, err := pgx.Connect(t.Context(), s.Env.ManagerDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = database.Close(t.Context()) }()
	for _, statement := range []string{
		`update compra set estado = 'FALLIDA', numero = numero + 1, motivo = 'No hay existencias suficientes.' where id = $1`,
		`insert into historia (id_compra, numero, paso, tipo) select id, numero, 'FALLIDA', 'LiberarReserva' from compra where id = $1`,
	} {
		if _, err := database.Exec(t.Context(), statement, id); err != nil {
			t.Fatal(err)
		}
	}
	r, err := s.BFF.Request(t.Context(), http.MethodPost, "/compras/"+id+"/reintento", nil)
	if err != nil || r.Status != http.StatusAccepted {
		t.Fatalf("%d %s %v", r.Status, r.Body, err)
	}
	c := s.Wait(t, id, contracts.EstadoRechazada)
	if c.Motivo != "No hay existencias suficientes." || !slices.Contains(Steps(c), "LiberarReserva") || !slices.Contains(Steps(c), "CancelarOrden") {
		t.Errorf("%+v", c)
	}
	s.Balanced(t, []string{id})
	if r, err := s.BFF.Request(t.Context(), http.MethodPost, "/compras/"+id+"/reintento", nil); err != nil || r.Status != http.StatusConflict {
		t.Errorf("a second time: %d %s %v", r.Status, r.Body, err)
	}
}

// An operator retries a purchase whose workflow is stalled, and the purchase continues from its last step. The test suspends the
// workflow through the sidecar, so that the approval does not reach the workflow. gestor-compra refuses a retry until the purchase has
// not changed for half a minute. The test does not wait: it moves the times in the database back.
func TestAPurchaseThatStandsStillIsTakenUp(t *testing.T) {
	s := ForBreaking(t)
	s.Restock(t, map[string]int{"3": 500})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("3", 101)}})
	s.Wait(t, id, contracts.EstadoPorAprobar)
	suspendWorkflow(t, s, id)
	if _, err := s.BFF.Decide(t.Context(), id, true, ""); err != nil {
		t.Fatal(err)
	}
	takeUp := func(want int) {
		t.Helper()
		if r, err := s.BFF.Request(t.Context(), http.MethodPost, "/compras/"+id+"/reintento", nil); err != nil || r.Status != want {
			t.Fatalf("%d %s %v, want %d", r.Status, r.Body, err, want)
		}
	}
	takeUp(http.StatusConflict)
	database, err := pgx.Connect(t.Context(), s.Env.ManagerDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = database.Close(t.Context()) }()
	for _, statement := range []string{
		`update compra set actualizada_en = actualizada_en - interval '31 s' where id = $1`,
		`update paso set preguntada_en = preguntada_en - interval '31 s' where id_compra = $1`,
		`update decision set tomada_en = tomada_en - interval '31 s' where id_compra = $1`,
	} {
		if _, err := database.Exec(t.Context(), statement, id); err != nil {
			t.Fatal(err)
		}
	}
	takeUp(http.StatusAccepted)
	s.Wait(t, id, contracts.EstadoConfirmada)
	s.Balanced(t, []string{id})
}

// suspendWorkflow suspends the workflow of a purchase through the sidecar of gestor-compra.
func suspendWorkflow(t *testing.T, s *System, id string) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(s.Env.Root, ".local", s.Env.Instance, "token-dapr"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, sidecarURL(t, s, "gestor-compra")+"/v1.0/workflows/dapr/"+id+"/pause", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("dapr-api-token", strings.TrimSpace(string(token)))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusAccepted {
		t.Fatalf("pause: %s", answer.Status)
	}
}

// sidecarURL returns the address at which the sidecar of an app listens, by the command line of the sidecar.
func sidecarURL(t *testing.T, s *System, app string) string {
	t.Helper()
	all, err := s.Local.Processes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Name != app || p.Kind != "sidecar" {
			continue
		}
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.Pid))
		if err != nil {
			t.Fatal(err)
		}
		args := strings.Split(string(line), "\x00")
		if i := slices.Index(args, "--dapr-http-port"); i >= 0 && i+1 < len(args) {
			return "http://127.0.0.1:" + args[i+1]
		}
	}
	t.Fatalf("no sidecar of %s", app)
	return ""
}
