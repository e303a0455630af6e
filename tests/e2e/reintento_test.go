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
	. "entregas/tests/prueba"
)

// A purchase that could not be undone is taken up again by an operator: all of it is undone, and the books agree. The purchase is put
// where only a day of trouble would put it.
func TestReintentarUnaFallida(t *testing.T) {
	s := ParaRomper(t)
	s.Surtir(t, map[string]int{"1": 10})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 3)}})
	s.Espera(t, id, contracts.EstadoConfirmada)
	base, err := pgx.Connect(t.Context(), s.Entorno.DSNGestorCompra)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = base.Close(t.Context()) }()
	for _, sentencia := range []string{
		`update compra set estado = 'FALLIDA', numero = numero + 1, motivo = 'No hay existencias suficientes.' where id = $1`,
		`insert into historia (id_compra, numero, paso, tipo) select id, numero, 'FALLIDA', 'LiberarReserva' from compra where id = $1`,
	} {
		if _, err := base.Exec(t.Context(), sentencia, id); err != nil {
			t.Fatal(err)
		}
	}
	r, err := s.BFF.Pedir(t.Context(), http.MethodPost, "/compras/"+id+"/reintento", nil)
	if err != nil || r.Estado != http.StatusAccepted {
		t.Fatalf("%d %s %v", r.Estado, r.Cuerpo, err)
	}
	c := s.Espera(t, id, contracts.EstadoRechazada)
	if c.Motivo != "No hay existencias suficientes." || !slices.Contains(Pasos(c), "LiberarReserva") || !slices.Contains(Pasos(c), "CancelarOrden") {
		t.Errorf("%+v", c)
	}
	s.Cuadran(t, []string{id})
	if r, err := s.BFF.Pedir(t.Context(), http.MethodPost, "/compras/"+id+"/reintento", nil); err != nil || r.Estado != http.StatusConflict {
		t.Errorf("otra vez: %d %s %v", r.Estado, r.Cuerpo, err)
	}
}

// A purchase whose workflow does not go on is taken up by an operator, and goes on where it stood: here somebody suspended the workflow by
// the sidecar's own interface, and the approval does not reach it. One that goes on is left alone. The half minute of silence that
// an operator has to wait for is put into the database.
func TestAPurchaseThatStandsStillIsTakenUp(t *testing.T) {
	s := ParaRomper(t)
	s.Surtir(t, map[string]int{"3": 500})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("3", 101)}})
	s.Espera(t, id, contracts.EstadoPorAprobar)
	suspendWorkflow(t, s, id)
	if _, err := s.BFF.Decidir(t.Context(), id, true, ""); err != nil {
		t.Fatal(err)
	}
	takeUp := func(want int) {
		t.Helper()
		if r, err := s.BFF.Pedir(t.Context(), http.MethodPost, "/compras/"+id+"/reintento", nil); err != nil || r.Estado != want {
			t.Fatalf("%d %s %v, want %d", r.Estado, r.Cuerpo, err, want)
		}
	}
	takeUp(http.StatusConflict)
	base, err := pgx.Connect(t.Context(), s.Entorno.DSNGestorCompra)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = base.Close(t.Context()) }()
	for _, statement := range []string{
		`update compra set actualizada_en = actualizada_en - interval '31 s' where id = $1`,
		`update paso set preguntada_en = preguntada_en - interval '31 s' where id_compra = $1`,
		`update decision set tomada_en = tomada_en - interval '31 s' where id_compra = $1`,
	} {
		if _, err := base.Exec(t.Context(), statement, id); err != nil {
			t.Fatal(err)
		}
	}
	takeUp(http.StatusAccepted)
	s.Espera(t, id, contracts.EstadoConfirmada)
	s.Cuadran(t, []string{id})
}

// suspendWorkflow suspends a purchase's workflow through the HTTP interface of gestor-compra's sidecar.
func suspendWorkflow(t *testing.T, s *Sistema, id string) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(s.Entorno.Raiz, ".local", s.Entorno.Instancia, "token-dapr"))
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

// sidecarURL is where the sidecar of an app listens for it, by the sidecar's own command line.
func sidecarURL(t *testing.T, s *Sistema, app string) string {
	t.Helper()
	all, err := s.Local.Procesos(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Nombre != app || p.Clase != "sidecar" {
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
