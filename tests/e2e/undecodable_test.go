package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/apache/pulsar-client-go/pulsar"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// The broker delivers a message that no sidecar can decode again and again, and the app never gets it. monitor counts and lists the
// message. An operator sets it aside by its position in the topic, and puts it back. All the while, the service handles the messages
// after it.
func TestAMessageThatNoSidecarCanHandOver(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"1": 20})
	u := Usuario(t)
	buy := func() {
		t.Helper()
		s.Wait(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("1", 1)}}), contracts.EstadoConfirmada)
	}
	buy()
	purchase := NewID()
	junk := publishBytes(t, s, contracts.ComandosProducto, []byte("\xff\xff nothing"), nil)
	property := publishBytes(t, s, contracts.ComandosOrden, goodCancellation(t, s, purchase), map[string]string{"a b": "x"})
	onLetters := publishBytes(t, s, contracts.EventosOrden.DeadLetters(), []byte("\xff\xff"), nil)
	buy()

	letters := listed(t, s, junk, property, onLetters)
	if w := letters[junk]; !w.Pendiente || w.Tema != "comandos-producto" || !strings.Contains(w.Motivo, "no se puede leer") {
		t.Errorf("the junk is listed as %+v", w)
	}
	if w := letters[property]; !w.Pendiente || w.IDCompra != purchase || !strings.Contains(w.Motivo, "propiedad") {
		t.Errorf("the one with the property is listed as %+v", w)
	}
	if w := letters[onLetters]; w.Pendiente || w.Registro != nil || !strings.Contains(w.Motivo, "no se puede leer") {
		t.Errorf("the junk on the dead letters is listed as %+v", w)
	}
	counted(t, s, `entregas_undecodable_messages{subscription="admin-productos",topic="comandos-producto"}`, "1")

	for _, id := range []string{junk, property} {
		if r := monitor(t, s, http.MethodPost, "/mensajes-muertos/"+url.PathEscape(id)+"/apartado"); r.Status != http.StatusAccepted {
			t.Fatalf("set aside %s: %d %s", id, r.Status, r.Body)
		}
	}
	counted(t, s, `entregas_pending_messages{subscription="admin-productos",topic="comandos-producto"}`, "0")
	buy()

	// The readable message goes back to the topic without the property, and the service handles it. The unreadable message goes back
	// unchanged.
	for id, w := range letterOf(t, s, junk, property) {
		if r := monitor(t, s, http.MethodPost, "/mensajes-muertos/"+url.PathEscape(w.ID)+"/devolucion"); r.Status != http.StatusAccepted {
			t.Fatalf("put back %s: %d %s", id, r.Status, r.Body)
		}
	}
	Until(t, "the replayed rollback is handled", func(context.Context) (bool, error) {
		return Count(t, s.OrdenesDatabase, `select count(*) from inbox where id_compra = $1 and tipo = 'CancelarOrden'`, purchase) == 1, nil
	})
	var again contracts.MensajeMuerto
	Until(t, "the unreadable message waits again", func(context.Context) (bool, error) {
		for _, w := range all(t, s) {
			if w.Pendiente && w.Tema == "comandos-producto" {
				again = w
			}
		}
		return again.ID != "", nil
	})
	if again.Bytes != int64(len("\xff\xff nothing")) {
		t.Errorf("it came back as %+v", again)
	}
	monitor(t, s, http.MethodPost, "/mensajes-muertos/"+url.PathEscape(again.ID)+"/apartado")
}

// goodCancellation returns the bytes of a right CancelarOrden.
func goodCancellation(t *testing.T, s *System, purchase string) []byte {
	t.Helper()
	record, err := client.Record(s.Broker, contracts.ComandosOrden, contracts.NewMessage("test", contracts.CancelarOrden, "", contracts.DatosComandoOrden{IDCompra: purchase}))
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// publishBytes publishes bytes on a topic under its schema, and returns their place.
func publishBytes[D any](t *testing.T, s *System, topic contracts.TopicName[D], payload []byte, properties map[string]string) string {
	t.Helper()
	schema, err := contracts.AvroSchema(string(topic))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Broker.Producer(string(topic), pulsar.NewAvroSchema(schema, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx, release := context.WithTimeout(t.Context(), Deadline)
	defer release()
	id, err := p.Send(ctx, &pulsar.ProducerMessage{Payload: payload, Properties: properties})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d:%d", id.LedgerID(), id.EntryID())
}

// monitor sends a request to monitor.
func monitor(t *testing.T, s *System, method, path string) client.Response {
	t.Helper()
	r, err := client.Direct(s.Env.Monitor).Request(t.Context(), method, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// all returns the list of dead letters and unreadable messages.
func all(t *testing.T, s *System) []contracts.MensajeMuerto {
	t.Helper()
	r := monitor(t, s, http.MethodGet, "/mensajes-muertos")
	var letters []contracts.MensajeMuerto
	if err := json.Unmarshal(r.Body, &letters); err != nil || r.Status != http.StatusOK {
		t.Fatalf("%d %.300s: %v", r.Status, r.Body, err)
	}
	return letters
}

// listed waits until the list of monitor has messages at these places, and returns them.
func listed(t *testing.T, s *System, places ...string) map[string]contracts.MensajeMuerto {
	t.Helper()
	found := map[string]contracts.MensajeMuerto{}
	Until(t, "the list has them", func(context.Context) (bool, error) {
		for _, w := range all(t, s) {
			found[w.ID] = w
		}
		for _, place := range places {
			if found[place].ID == "" {
				return false, nil
			}
		}
		return true, nil
	})
	return found
}

// letterOf returns the dead letters of the messages that were set aside at these places.
func letterOf(t *testing.T, s *System, places ...string) map[string]contracts.MensajeMuerto {
	t.Helper()
	found := map[string]contracts.MensajeMuerto{}
	for _, w := range all(t, s) {
		for _, place := range places {
			if w.Position == place && !w.Pendiente {
				found[place] = w
			}
		}
	}
	if len(found) != len(places) {
		t.Fatalf("set aside are %v", found)
	}
	return found
}

// counted waits until a metric of monitor has a value.
func counted(t *testing.T, s *System, series, value string) {
	t.Helper()
	Until(t, series+" "+value, func(context.Context) (bool, error) {
		return strings.Contains(string(monitor(t, s, http.MethodGet, "/metrics").Body), "\n"+series+" "+value+"\n"), nil
	})
}
