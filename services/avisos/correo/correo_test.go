package correo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	dapr "github.com/dapr/go-sdk/client"
	otelcodes "go.opentelemetry.io/otel/codes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/telemetry"
	"entregas/internal/telemetrytest"
	"entregas/services/avisos/avisos"
	"entregas/services/avisos/correo"
)

// The customer is told four states. Only a rejection tells what is missing.
func TestWhatIsTold(t *testing.T) {
	e := contracts.DatosEventoCompra{IDCompra: "01938f5e-7c1a-7000-8000-000000000001", IDUsuario: "ana", Codigo: codigo, Estado: "RECHAZADA", Faltantes: []contracts.Faltante{{IDProducto: "1"}}}
	for i, paso := range []string{"RECIBIDA", "INICIADA", "CONFIRMADA", "ReservarProducto", "DESPACHADA", "COMPENSANDO", "CANCELADA", "FALLIDA", "RECHAZADA", contracts.PasoBorrado} {
		e.Historia = append(e.Historia, contracts.Hecho{Numero: i + 1, Paso: paso, En: 1})
	}
	sucesos, err := avisos.SucesosOf(e)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range correo.CartasOf(e, sucesos) {
		got = append(got, c.Tipo)
		if (len(c.Faltantes) > 0) != (c.Tipo == "compra.rechazada") || c.Evento == "" || c.IDUsuario != "ana" {
			t.Errorf("%+v", c)
		}
	}
	if want := []string{"compra.confirmada", "compra.despachada", "compra.cancelada", "compra.rechazada"}; !slices.Equal(got, want) {
		t.Errorf("told are %v, want %v", got, want)
	}
}

// The body is HTML: a name of a product is text in it, and no markup.
func TestTheTextOfAMail(t *testing.T) {
	e := correo.Envio{Codigo: codigo, Tipo: contracts.TipoDeAviso(contracts.EstadoRechazada), Faltantes: []contracts.Faltante{{IDProducto: "1", Solicitada: 3, Disponible: 1}, {IDProducto: "9", Solicitada: 1}}}
	m, err := correo.Write(e, map[string]string{"1": `Café <script>alert("x")</script>`})
	if err != nil || m.Asunto != "Su compra "+contracts.FormatCodigo(codigo)+" no se pudo hacer" || strings.Contains(m.Cuerpo, "<script") {
		t.Errorf("%v %q %s", err, m.Asunto, m.Cuerpo)
	}
	for _, want := range []string{"Café &lt;script&gt;", "pidió 3, hay 1", "Producto 9: pidió 1, hay 0"} {
		if !strings.Contains(m.Cuerpo, want) {
			t.Errorf("the body has no %q: %s", want, m.Cuerpo)
		}
	}
	for _, estado := range []contracts.Estado{contracts.EstadoConfirmada, contracts.EstadoDespachada, contracts.EstadoCancelada} {
		if m, err := correo.Write(correo.Envio{Codigo: codigo, Tipo: contracts.TipoDeAviso(estado)}, nil); err != nil || strings.HasSuffix(m.Asunto, " ") || strings.Contains(m.Cuerpo, "<p></p>") || strings.Contains(m.Cuerpo, "<ul>") {
			t.Errorf("%s: %v %+v", estado, err, m)
		}
	}
	back, err := correo.Write(correo.Envio{Tipo: contracts.ProductoDisponible, Producto: "Café\r\nBcc: eva@ejemplo.com <b>"}, nil)
	if err != nil || !strings.Contains(back.Cuerpo, "Café") || strings.Contains(back.Cuerpo, "<b>") {
		t.Errorf("%v %+v", err, back)
	}
	// A header has no text of a person, and a code that is none is left out: neither begins a header of its own.
	for _, e := range []correo.Envio{
		{Tipo: contracts.ProductoDisponible, Producto: "a\r\nBcc: eva@ejemplo.com"}, {Tipo: contracts.TipoDeAviso(contracts.EstadoCancelada), Codigo: "AB\r\nBcc: "},
		{Tipo: contracts.TipoDeAviso(contracts.EstadoRechazada), Faltantes: []contracts.Faltante{{IDProducto: "\r\nBcc: x"}}},
	} {
		if m, err := correo.Write(e, nil); err != nil || m.Asunto == "" || strings.ContainsFunc(m.Asunto, unicode.IsControl) || strings.Contains(m.Asunto, "Bcc") {
			t.Errorf("%+v: %v %q", e, err, m.Asunto)
		}
	}
}

// codigo is that of a purchase.
var codigo = contracts.NewCodigo()

// sidecar answers each mail with fail, and counts those under way.
type sidecar struct {
	fail error
	now  int
	sent []*dapr.InvokeBindingRequest
	t    *testing.T
}

func (s *sidecar) InvokeOutputBinding(ctx context.Context, in *dapr.InvokeBindingRequest) error {
	if s.now++; s.now > 1 {
		s.t.Error("two mails at once")
	}
	defer func() { s.now-- }()
	if _, bounded := ctx.Deadline(); !bounded {
		s.t.Error("a try has no end")
	}
	s.sent = append(s.sent, in)
	return s.fail
}

// catalogue has the product 1.
type catalogue struct{}

func (catalogue) Producto(_ context.Context, id string) (contracts.Producto, error) {
	if id != "1" {
		return contracts.Producto{}, errs.New(errs.NotFound, "no")
	}
	return contracts.Producto{ID: "1", Nombre: "Café"}, nil
}

// shelf has one mail, and what became of its tries.
type shelf struct {
	mail *correo.Envio
	told chan string
}

func (s *shelf) ClaimEnvio(context.Context, time.Duration) (*correo.Envio, error) {
	e := s.mail
	s.mail = nil
	return e, nil
}

func (s *shelf) FinishEnvio(_ context.Context, _ correo.Envio, v avisos.Verdict, reason string) error {
	s.told <- strings.TrimSpace(fmt.Sprint(v.Estado, " ", v.After, " ", reason))
	return nil
}

// Each mail names its address and its subject, since the binding keeps those of the mail before. No log has an address, although the
// error of the mail server has it.
func TestAMailIsTriedAgain(t *testing.T) {
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	defer slog.SetDefault(before)
	const refused, late = "El servidor de correo no responde, o no aceptó el correo.", "El servidor de correo no respondió a tiempo."
	for _, c := range []struct {
		try  int
		fail error
		want string
	}{
		{1, nil, "ENTREGADA 0s"}, {3, nil, "ENTREGADA 0s"},
		{1, status.Error(codes.Internal, "550 no such mailbox: ana@ejemplo.com"), "PENDIENTE 5s " + refused},
		{2, fmt.Errorf("error invoking: %w", status.Error(codes.DeadlineExceeded, "ana@ejemplo.com")), "PENDIENTE 1h0m0s " + late},
		{3, errors.New("550 no such mailbox: ana@ejemplo.com"), "MUERTA 0s " + refused},
	} {
		side := &sidecar{fail: c.fail, t: t}
		kept := &shelf{told: make(chan string, 1), mail: &correo.Envio{
			ID: "1", Correo: "ana@ejemplo.com", Codigo: codigo, Tipo: contracts.TipoDeAviso(contracts.EstadoRechazada), Intentos: c.try, Faltantes: []contracts.Faltante{{IDProducto: "1", Solicitada: 2}, {IDProducto: "9", Solicitada: 2}},
		}}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			correo.NewMailer(kept, correo.Binding{Sidecar: side, Name: "correo"}, catalogue{}, avisos.Plan{5 * time.Second, time.Hour}).Run(ctx)
		}()
		if got := <-kept.told; got != c.want {
			t.Errorf("try %d, %v: %s, want %s", c.try, c.fail, got, c.want)
		}
		stop()
		<-done
		if c.fail != nil {
			continue
		}
		if m := side.sent[0]; m.Name != "correo" || m.Operation != "create" || m.Metadata["emailTo"] != "ana@ejemplo.com" || m.Metadata["subject"] == "" || !bytes.Contains(m.Data, []byte("Café")) || !bytes.Contains(m.Data, []byte("Producto 9")) {
			t.Errorf("%+v", m)
		}
	}
	if strings.Contains(logged.String(), "@") {
		t.Errorf("the log has the address: %s", logged.String())
	}
}

// A mail is a span in the trace of its purchase, with a link to the operator who sent it again; one that fails is an error without the text
// of the mail server.
func TestAMailIsInItsTrace(t *testing.T) {
	const purchase, operator = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
	for _, c := range []struct {
		rastro avisos.Rastro
		fail   error
		links  int
	}{
		{avisos.Rastro{Traza: purchase}, nil, 0},
		{avisos.Rastro{Traza: purchase, Repeticion: operator}, errors.New("550 no such mailbox: ana@ejemplo.com"), 1},
		{avisos.Rastro{}, nil, 0}, // a product is back
	} {
		sent := telemetrytest.Record(t)
		kept := &shelf{told: make(chan string, 1), mail: &correo.Envio{Correo: "ana@ejemplo.com", Tipo: contracts.TipoDeAviso(contracts.EstadoConfirmada), Intentos: 1, Rastro: c.rastro}}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			correo.NewMailer(kept, correo.Binding{Sidecar: &sidecar{fail: c.fail, t: t}, Name: "correo"}, catalogue{}, avisos.Plan{time.Hour}).Run(ctx)
		}()
		<-kept.told
		stop()
		<-done
		spans := sent.Sent()
		if len(spans) != 1 {
			t.Fatalf("%+v: %v", c, spans)
		}
		one := spans[0]
		if one.Name() != "deliver correo" || telemetry.Format(one.Parent()) != c.rastro.Traza || len(one.Links()) != c.links || (one.Status().Code == otelcodes.Error) != (c.fail != nil) {
			t.Errorf("%+v: %s below %v, links %v, %v", c, one.Name(), one.Parent(), one.Links(), one.Status())
		}
		if text := fmt.Sprint(one.Attributes(), one.Events(), one.Status()); strings.Contains(text, "@") {
			t.Errorf("the span has the address: %s", text)
		}
	}
}
