package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
	"entregas/tests/traces"
)

// The spans that the purchases of a kind have at least, as `service: name`.
var (
	accepted = []string{"bff: POST /api/compras", "bff: POST gestor-compra", "gestor-compra: POST /compras", "gestor-compra: Compra",
		"gestor-compra: publish eventos-compra", "bff: process eventos-compra", "avisos: process eventos-compra"}
	started   = append(slices.Clone(accepted), "gestor-compra: start Compra")
	validated = asked(started, contracts.ValidarInventario, "Ask", "inventario", "consolidador")
	reserved  = asked(validated, contracts.ReservarProducto, "Ask", "producto", "admin-productos")
	confirmed = asked(reserved, contracts.CrearOrden, "Ask", "orden", "ordenes")
	undone    = asked(asked(reserved, contracts.LiberarReserva, "Undo", "producto", "admin-productos"), contracts.CancelarValidacionInventario, "Undo", "inventario", "consolidador")
)

// asked returns steps and those of one more command: its anchor, its activity, its message, and the reply.
func asked(steps []string, command contracts.MessageType, activity, topic, service string) []string {
	events := map[string]string{"producto": "productos"}[topic]
	if events == "" {
		events = topic
	}
	return append(slices.Clone(steps), "gestor-compra: "+string(command), "gestor-compra: "+activity+" "+string(command), "gestor-compra: publish comandos-"+topic,
		service+": process comandos-"+topic, service+": publish eventos-"+events, "gestor-compra: process eventos-"+events)
}

// tracedSystem is a system whose programs and sidecars send their spans to this test.
type tracedSystem struct {
	*System
	*traces.Receiver
}

// everybody are the programs whose spans a purchase has.
var everybody = []string{"admin-productos", "avisos", "bff", "consolidador", "gestor-compra", "ordenes"}

func traced(t *testing.T) tracedSystem {
	t.Helper()
	s := ForBreaking(t)
	if s.Env.Collector == "" {
		t.Skip("OTEL_EXPORTER_OTLP_ENDPOINT is not set: the programs send no traces")
	}
	r, err := traces.Listen(t.Context(), strings.TrimPrefix(s.Env.Collector, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	supply(t, s, 100)
	u := Usuario(t)
	UntilWithin(t, time.Minute, "spans of every program", func(ctx context.Context) (bool, error) { // they look for the collector each few seconds
		if _, err := s.BFF.Comprar(ctx, contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}}); err != nil {
			return false, err
		}
		time.Sleep(time.Second) //nolint:forbidigo // the pace of the purchases that wake every program
		sent := r.Services()
		return !slices.ContainsFunc(everybody, func(one string) bool { return !slices.Contains(sent, one) }), fmt.Errorf("so far: %v", sent)
	})
	return tracedSystem{s, r}
}

// whole waits until the trace of each purchase is one tree with these steps, and returns the trace of the first.
func (s tracedSystem) whole(t *testing.T, steps []string, ids ...string) []traces.Span {
	t.Helper()
	var first []traces.Span
	for _, id := range ids {
		var spans []traces.Span
		var wrong []string
		defer func() {
			if t.Failed() && len(wrong) > 0 {
				t.Logf("%s: %s\n%s", id, strings.Join(wrong, "\n"), traces.Tree(spans))
			}
		}()
		Until(t, "a whole trace of "+id, func(ctx context.Context) (bool, error) {
			spans = s.Trace(s.traza(t, id))
			wrong = append(traces.Faults(spans), traces.Missing(spans, steps)...)
			return len(wrong) == 0, errors.New(strings.Join(wrong, "; "))
		})
		if first == nil {
			first = spans
		}
	}
	return first
}

// traza returns the id of the trace of a purchase.
func (s tracedSystem) traza(t *testing.T, id string) string {
	t.Helper()
	traza, err := client.One[string](t.Context(), s.ManagerDatabase, `select substr(traza, 4, 32) from compra where id = $1`, id)
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return traza
}

// links fails the test unless some span of the trace has a link, and returns the other trace.
func links(t *testing.T, spans []traces.Span, service, name string) {
	t.Helper()
	for _, s := range spans {
		if s.Service == service && s.Name == name && len(s.Links) > 0 {
			return
		}
	}
	t.Errorf("no link of %s: %s\n%s", service, name, traces.Tree(spans))
}

// Each purchase is one trace without an orphan in which no step is missing, whatever becomes of the purchase
// (docs/adr/one-trace-a-purchase.md).
func TestOneTraceAPurchase(t *testing.T) {
	s := traced(t)
	u := Usuario(t)
	buy := func(units int) string { return comprarAs(t, s.System, u, units) }
	t.Run("confirmed", func(t *testing.T) { // TRACED_PURCHASES of them: make test-traces
		s.Restock(t, map[string]int{"1": 100, "2": 100, "5": 100})
		ids := comprarSeveral(t, s.System, 20)
		for left := fromEnvironment(t, "TRACED_PURCHASES", 20) - 20; left > 0; left -= 100 {
			ids = append(ids, comprarSeveral(t, s.System, min(left, 100))...)
			s.AllConfirmed(t, deadlineAfterCrash, ids)
		}
		s.AllConfirmed(t, Deadline, ids)
		spans := s.whole(t, confirmed, ids...)
		count := map[bool]int{}
		for _, one := range spans {
			count[one.Sidecar]++
		}
		t.Logf("%d spans of programs, %d of sidecars\n%s", count[false], count[true], traces.Tree(spans))
		if len(spans) > 200 {
			t.Errorf("%d spans: nobody reads them", len(spans))
		}
		for _, service := range []string{"gestor-compra", "admin-productos", "ordenes", "consolidador"} {
			if !slices.ContainsFunc(spans, func(one traces.Span) bool {
				return one.Service == service && one.Attributes["db.system.name"] == "postgresql"
			}) {
				t.Errorf("no statement of %s", service)
			}
		}
		for _, one := range spans {
			for key, value := range one.Attributes {
				if strings.Contains(value, u[:10]) || strings.Contains(value, "Café") {
					t.Errorf("%s of %s names a person or a product: %s=%s", one.Name, one.Service, key, value)
				}
			}
		}
	})
	t.Run("out of stock", func(t *testing.T) {
		id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("12", 100_000)}})
		s.Wait(t, id, contracts.EstadoRechazada)
		s.whole(t, append(slices.Clone(validated), "gestor-compra: Close"), id)
	})
	t.Run("approved", func(t *testing.T) {
		id := buy(tooBig)
		s.Wait(t, id, contracts.EstadoPorAprobar)
		s.whole(t, append(slices.Clone(reserved), "gestor-compra: AskForAprobacion"), id) // it is whole while it waits
		if _, err := s.BFF.Decide(t.Context(), id, true, ""); err != nil {
			t.Fatal(err)
		}
		s.Wait(t, id, contracts.EstadoConfirmada)
		links(t, s.whole(t, append(slices.Clone(confirmed), "gestor-compra: AskForAprobacion", "gestor-compra: ReadDecision"), id), "gestor-compra", "ReadDecision")
	})
	t.Run("cancelled, and undone", func(t *testing.T) {
		id := buy(tooBig)
		s.Wait(t, id, contracts.EstadoPorAprobar)
		if _, err := s.BFF.Cancelar(t.Context(), id, "ya no"); err != nil {
			t.Fatal(err)
		}
		s.Wait(t, id, contracts.EstadoCancelada)
		spans := s.whole(t, append(slices.Clone(undone), "gestor-compra: Close"), id)
		links(t, spans, "gestor-compra", "ReadDecision")
		for _, one := range spans {
			if strings.HasPrefix(one.Name, "Undo ") && one.Attributes["entregas.causa"] != string(contracts.CancelarCompra) {
				t.Errorf("%s does not say why: %v", one.Name, one.Attributes)
			}
		}
	})
	t.Run("refused by ordenes", func(t *testing.T) {
		other := Usuario(t)
		conn, err := pgx.Connect(t.Context(), s.Env.OrdenesDSN)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if _, err := conn.Exec(context.Background(), `delete from orden where id_usuario = $1`, other); err != nil {
				t.Error(err)
			}
			_ = conn.Close(context.Background())
		})
		if _, err := conn.Exec(t.Context(), `insert into orden (id, id_compra, id_usuario, productos, domicilio, estado)
			select gen_random_uuid(), gen_random_uuid(), $1, '[]', false, 'CREADA' from generate_series(1, 100)`, other); err != nil {
			t.Fatal(err)
		}
		id := comprarAs(t, s.System, other, 1)
		s.Wait(t, id, contracts.EstadoRechazada)
		s.whole(t, append(slices.Clone(undone), "ordenes: process comandos-orden", "gestor-compra: Close"), id)
	})
	t.Run("dispatched", func(t *testing.T) {
		id := buy(1)
		c := s.Wait(t, id, contracts.EstadoConfirmada)
		if _, err := s.BFF.Despachar(t.Context(), c.IDOrden); err != nil {
			t.Fatal(err)
		}
		s.Wait(t, id, contracts.EstadoDespachada)
		steps := asked(confirmed, "DespacharReserva", "Ask", "producto", "admin-productos")
		links(t, s.whole(t, append(steps, "gestor-compra: start Despacho"), id), "gestor-compra", "start Despacho")
	})
	t.Run("cancelled after its confirmation", func(t *testing.T) {
		id := buy(1)
		s.Wait(t, id, contracts.EstadoConfirmada)
		if _, err := s.BFF.Cancelar(t.Context(), id, "ya no"); err != nil {
			t.Fatal(err)
		}
		s.Wait(t, id, contracts.EstadoCancelada)
		links(t, s.whole(t, append(asked(undone, contracts.CancelarOrden, "Ask", "orden", "ordenes"), "gestor-compra: start Cancelacion"), id), "gestor-compra", "start Cancelacion")
	})
	t.Run("a dead letter put back", func(t *testing.T) { s.putBack(t, u) })
	t.Run("by message", func(t *testing.T) {
		supply(t, s.System, 1)
		id := NewID()
		command := contracts.NewMessage("test", contracts.CrearCompra, "00-nonsense", contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}})
		if err := client.Publish(t.Context(), s.Broker, contracts.ComandosGestorCompra, command); err != nil {
			t.Fatal(err)
		}
		s.Wait(t, id, contracts.EstadoConfirmada)
		s.whole(t, append(slices.Clone(confirmed[3:]), "gestor-compra: process comandos-gestor-compra"), id)
	})
}

// putBack makes a dead letter that belongs to a purchase, and has an operator put it back. What its reader does then is in the trace of
// the purchase, with a link to the request of the operator.
func (s tracedSystem) putBack(t *testing.T, usuario string) {
	t.Helper()
	id := comprarAs(t, s.System, usuario, 1)
	s.Wait(t, id, contracts.EstadoConfirmada)
	root := s.whole(t, confirmed, id)[0]
	m := contracts.NewMessage("test", contracts.ReservarProducto, "00-"+s.traza(t, id)+"-"+root.ID+"-01",
		contracts.DatosComandoProducto{IDCompra: id, Productos: []contracts.Linea{Linea("11", 9)}}) // not what was reserved
	if err := client.Publish(t.Context(), s.Broker, contracts.ComandosProducto, m); err != nil {
		t.Fatal(err)
	}
	operator := as(t, s.System, usuario+"-o", "operador")
	place := func(not string) (found string) {
		Until(t, "the dead letter of "+id, func(context.Context) (bool, error) {
			var all []contracts.MensajeMuerto
			ask(t, operator, http.MethodGet, "/mensajes-muertos?tema=comandos-producto", nil, http.StatusOK, &all)
			for _, one := range all {
				if one.IDCompra == id && one.ID != not {
					found = one.ID
				}
			}
			return found != "", nil
		})
		return found
	}
	first := place("")
	ask(t, operator, http.MethodPost, "/mensajes-muertos/"+first+"/devolucion", nil, http.StatusAccepted, nil)
	second := place(first)
	ask(t, operator, http.MethodPost, "/mensajes-muertos/"+second+"/descarte", map[string]string{"motivo": "Fue una prueba."}, http.StatusAccepted, nil)
	Until(t, "the link to the operator", func(context.Context) (bool, error) {
		spans := s.Trace(s.traza(t, id))
		if faults := traces.Faults(spans); len(faults) > 0 {
			return false, errors.New(strings.Join(faults, "; "))
		}
		return slices.ContainsFunc(spans, func(one traces.Span) bool {
			return one.Name == "process comandos-producto" && one.Attributes["messaging.message.id"] == m.ID && len(one.Links) > 0
		}), nil
	})
	t.Log("\n" + traces.Tree(s.Trace(s.traza(t, id))))
}

// SIGKILL of programs and sidecars in the middle of purchases loses spans, and leaves no orphan.
func TestOneTraceAfterAKill(t *testing.T) {
	s := traced(t)
	for _, m := range []struct {
		service string
		classes []string
	}{
		{"gestor-compra", []string{"app"}},
		{"gestor-compra", []string{"sidecar", "app"}},
		{"admin-productos", []string{"app"}},
	} {
		t.Run(m.service+" "+strings.Join(m.classes, " and "), func(t *testing.T) {
			kill := s.Victim(t, m.service, m.classes...)
			ids := comprarSeveral(t, s.System, 30)
			kill()
			s.AllConfirmed(t, deadlineAfterCrash, ids)
			s.AllHealthy(t)
			s.whole(t, []string{"bff: POST /api/compras", "gestor-compra: Compra", "gestor-compra: ValidarInventario", "gestor-compra: ReservarProducto", "gestor-compra: CrearOrden"}, ids...)
		})
	}
}
