package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// A customer who gives an address is written what became of a purchase, through the real binding. A mail that the mail server refuses is tried
// again, and an operator sees it and sends it again. The address stands in one table, and an erasure takes it away with the mails.
func TestACustomerIsWrittenTo(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"3": 5})
	start := time.Now().Add(-time.Minute)
	u := Usuario(t)
	address := strings.ToLower("m" + rand.Text() + "@ejemplo.com")
	ana := as(t, s, u, "cliente")
	path := "/usuarios/" + u + "/correo"
	if r, err := ana.Request(t.Context(), http.MethodPut, path, contracts.CambioDeCorreo{Correo: address + ";eva@ejemplo.com"}); err != nil || r.Status != http.StatusBadRequest {
		t.Fatalf("two addresses: %d %s %v", r.Status, r.Body, err)
	}
	const unknown = ".invalid" // the catcher refuses it
	give := func(address string) {
		t.Helper()
		if r, err := ana.Request(t.Context(), http.MethodPut, path, contracts.CambioDeCorreo{Correo: address}); err != nil || r.Status != http.StatusNoContent {
			t.Fatalf("%d %s %v", r.Status, r.Body, err)
		}
	}
	Until(t, "the bff reaches avisos, which another test may have restarted", func(ctx context.Context) (bool, error) {
		r, err := ana.Request(ctx, http.MethodGet, path, nil)
		return err == nil && r.Status == http.StatusOK && bytes.Contains(r.Body, []byte(`"disponible":true`)), err
	})
	give(address)
	confirmed := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("3", 1)}})
	rejected := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("3", 90_000)}})
	good, bad := s.Wait(t, confirmed, contracts.EstadoConfirmada), s.Wait(t, rejected, contracts.EstadoRechazada)
	want := []string{
		"Su compra " + contracts.FormatCodigo(good.Codigo) + " está confirmada", "Su compra " + contracts.FormatCodigo(bad.Codigo) + " no se pudo hacer",
	}
	slices.Sort(want)
	Until(t, "both mails come", func(context.Context) (bool, error) {
		got, err := subjectsTo(s, address)
		return slices.Equal(got, want), fmt.Errorf("the mails are %q, want %q: %w", got, want, err)
	})

	give(address + unknown)
	refused := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("3", 90_000)}})
	codigo := s.Wait(t, refused, contracts.EstadoRechazada).Codigo
	var mails contracts.PaginaDeEntregas
	Until(t, "an operator sees that the mail was refused", func(ctx context.Context) (bool, error) {
		r, err := s.BFF.Request(ctx, http.MethodGet, "/avisos/entregas?canal=CORREO&id_compra="+refused, nil)
		if err == nil {
			err = json.Unmarshal(r.Body, &mails)
		}
		// After the second try the next one is a minute away, and only an operator sends the mail sooner.
		return len(mails.Entregas) == 1 && mails.Entregas[0].Intentos == 2 && mails.Entregas[0].ProximoEn != nil && time.Until(*mails.Entregas[0].ProximoEn) > 50*time.Second, err
	})
	if e := mails.Entregas[0]; e.Estado != contracts.EntregaPendiente || e.ProximoEn == nil || e.Tipo != "compra.rechazada" || e.URL != "" {
		t.Errorf("%+v", e)
	}
	give(address)
	if r, err := s.BFF.Request(t.Context(), http.MethodPost, "/avisos/entregas/"+mails.Entregas[0].ID+"/reenvio", nil); err != nil || r.Status != http.StatusAccepted {
		t.Fatalf("%d %s %v", r.Status, r.Body, err)
	}
	Until(t, "the mail comes", func(context.Context) (bool, error) {
		got, err := subjectsTo(s, address)
		return slices.Contains(got, "Su compra "+contracts.FormatCodigo(codigo)+" no se pudo hacer"), err
	})
	if planned := *mails.Entregas[0].ProximoEn; time.Now().After(planned) {
		t.Errorf("the mail came after %s, when it was due without the operator", planned)
	}

	if in := tablesWith(t, s, address); !slices.Equal(in, []string{"avisos.contacto"}) {
		t.Errorf("the address is in the tables %v", in)
	}
	if in := topicsWith(t, s, start, address); len(in) > 0 {
		t.Errorf("the address is on the topics %v", in)
	}
	if in := logsWith(t, s, address); len(in) > 0 {
		t.Errorf("the address is in the logs %v", in)
	}
	if _, err := s.BFF.BorrarDatos(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if in := tablesWith(t, s, address); len(in) > 0 {
		t.Errorf("after the erasure the address is in the tables %v", in)
	}
}

// subjectsTo returns the subjects of the mails to address that the catcher has.
func subjectsTo(s *System, address string) (subjects []string, err error) {
	files, err := filepath.Glob(filepath.Join(s.Env.Root, ".local", s.Env.Instance, "mail", "*.eml"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file) // #nosec G304 -- a mail of this instance
		if err != nil {
			return nil, err
		}
		m, err := mail.ReadMessage(bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		if m.Header.Get("To") != address {
			continue
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, subject)
	}
	slices.Sort(subjects)
	return subjects, nil
}
