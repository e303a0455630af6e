package pulsar

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/internal/telemetry"
	"entregas/internal/telemetrytest"
)

// deliver puts the messages that were published on a topic where a consumer finds them.
func (b *fakeBroker) deliver(topic string) {
	for i, m := range b.published[topic] {
		b.topics[topic] = append(b.topics[topic], fakeMessage{id: fakeID{ledger: 9, entry: int64(i), size: 1}, payload: m.Payload, at: time.Now(), properties: m.Properties})
	}
	b.published[topic] = nil
}

// A filter selects by topic, service, a part of the reason, and date. It also finds what does not fit into the list of all.
func TestFilterOfDeadLetters(t *testing.T) {
	b, m := newFake(t)
	other := string(contracts.EventosOrden)
	letter := func(topic, reason, origin string, age time.Duration, entry int64) {
		b.topics[topic+"-dlq"] = append(b.topics[topic+"-dlq"], fakeMessage{
			id: fakeID{ledger: 7, entry: entry, size: 1}, payload: m.recordOf(t, topic, "r"), at: time.Now().Add(-age),
			properties: map[string]string{pubsub.PropertyReason: reason, pubsub.PropertyOrigin: origin},
		})
	}
	letter(onTopic, "No hay ÑANDÚES", "admin-productos", 3*time.Hour, 1)
	letter(onTopic, "id_compra: falta", "admin-productos", 2*time.Hour, 2)
	letter(other, "id_compra: falta", "gestor-compra", time.Hour, 3)
	b.put(onTopic, 4, time.Minute, []byte("nada")) // it waits, and has a reason too
	now := time.Now()
	for name, c := range map[string]struct {
		f    contracts.MensajesMuertosFilter
		want []string
	}{
		"all":               {contracts.MensajesMuertosFilter{}, []string{"7:1", "7:2", "7:3", "7:4"}},
		"a topic":           {contracts.MensajesMuertosFilter{Tema: other}, []string{"7:3"}},
		"a service":         {contracts.MensajesMuertosFilter{Origen: "admin-productos"}, []string{"7:1", "7:2"}},
		"capitals":          {contracts.MensajesMuertosFilter{Motivo: "ñandúes"}, []string{"7:1"}},
		"a part":            {contracts.MensajesMuertosFilter{Motivo: "FALTA"}, []string{"7:2", "7:3"}},
		"what waits":        {contracts.MensajesMuertosFilter{Motivo: "no se puede leer"}, []string{"7:4"}},
		"since":             {contracts.MensajesMuertosFilter{Desde: now.Add(-90 * time.Minute)}, []string{"7:3", "7:4"}},
		"between":           {contracts.MensajesMuertosFilter{Desde: now.Add(-150 * time.Minute), Hasta: now.Add(-30 * time.Minute)}, []string{"7:2", "7:3"}},
		"all at once":       {contracts.MensajesMuertosFilter{Tema: onTopic, Origen: "admin-productos", Motivo: "falta"}, []string{"7:2"}},
		"nothing discarded": {contracts.MensajesMuertosFilter{Descartados: true}, nil},
	} {
		list, err := m.List(t.Context(), c.f)
		var ids []string
		for _, l := range list {
			ids = append(ids, l.ID)
		}
		if err != nil || !slices.Equal(ids, c.want) {
			t.Errorf("%s: %v %v, want %v", name, ids, err, c.want)
		}
	}
}

// Letters that were published in one entry of the broker are all listed and found.
func TestLettersOfOneEntry(t *testing.T) {
	b, m := newFake(t)
	b.put(onTopic+"-dlq", 1, time.Minute, m.recordOf(t, onTopic, "a"), m.recordOf(t, onTopic, "b"), m.recordOf(t, onTopic, "c"))
	b.put(onTopic+"-dlq", 2, time.Minute, m.recordOf(t, onTopic, "d"), m.recordOf(t, onTopic, "e"))
	list, err := m.List(t.Context(), contracts.MensajesMuertosFilter{})
	if err != nil || len(list) != 5 {
		t.Errorf("%d letters: %v", len(list), err)
	}
	if one, err := m.Load(t.Context(), "7:2:1"); err != nil || one.IDRegistro != "e" {
		t.Errorf("%+v %v", one, err)
	}
}

// Each letter of a request has its own result. One that cannot be returned holds up no other, and none is published twice.
func TestDevolverMany(t *testing.T) {
	b, m := newFake(t)
	other := string(contracts.EventosOrden)
	b.put(onTopic+"-dlq", 1, time.Minute, m.recordOf(t, onTopic, "a"))
	b.put(onTopic+"-dlq", 2, time.Minute, m.recordOf(t, onTopic, "b"))
	b.topics[onTopic+"-dlq"] = append(b.topics[onTopic+"-dlq"], fakeMessage{
		id: fakeID{ledger: 7, entry: 3, size: 1}, payload: m.recordOf(t, onTopic, "c"), at: time.Now(), properties: map[string]string{pubsub.PropertyBytes: "9000000"},
	})
	b.put(other+"-dlq", 4, time.Minute, m.recordOf(t, other, "d"))
	b.refuses = other
	results, err := m.DevolverMany(t.Context(), []string{"7:4", "7:2", "7:9", "7:3", "7:1"})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, r := range results {
		got += fmt.Sprintf("%s %v %q; ", r.ID, r.Devuelto, r.Detalle)
	}
	want := `7:4 false "` + errs.NotResponding + `"; 7:2 true ""; 7:9 false "No hay un mensaje muerto 7:9."; 7:3 false "El mensaje muerto 7:3 se guardó recortado: no se puede devolver a su tema."; 7:1 true ""; `
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	slices.Sort(b.acked)
	if len(b.published[onTopic]) != 2 || !slices.Equal(b.acked, []string{onTopic + "-dlq 7:1", onTopic + "-dlq 7:2"}) {
		t.Errorf("published %d, acknowledged %v", len(b.published[onTopic]), b.acked)
	}
	b.unread[onTopic+"-dlq"] = true
	if results, err := m.DevolverMany(t.Context(), []string{"7:77"}); err == nil {
		t.Errorf("a queue could not be read: %+v", results)
	}
}

// The span of an operator who puts a message back has a link to the trace of the message. The reader of the message links back, so each
// trace leads to the other. A traceparent that is none makes no link.
func TestAPutBackIsLinked(t *testing.T) {
	const purchase, operator = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
	sent := telemetrytest.Record(t)
	b, m := newFake(t)
	for i, traceparent := range []string{purchase, "00-nonsense"} {
		b.put(onTopic+"-dlq", int64(i), time.Minute, m.record(t, onTopic, map[string]string{"id": "r", "traceparent": traceparent}))
	}
	if _, err := m.DevolverMany(telemetry.Under(t.Context(), operator), []string{"7:0", "7:1"}); err != nil {
		t.Fatal(err)
	}
	spans := sent.Sent()
	if len(spans) != 2 || len(spans[0].Links()) != 1 || len(spans[1].Links()) != 0 {
		t.Fatalf("%v", spans)
	}
	if l := spans[0].Links()[0].SpanContext; telemetry.Format(l) != purchase || spans[0].SpanContext().TraceID().String() != telemetry.TraceID(operator) {
		t.Errorf("%v has a link to %v", spans[0].SpanContext(), l)
	}
	for _, one := range b.published[onTopic] {
		if telemetry.TraceID(one.Properties["traceparent"]) != telemetry.TraceID(operator) {
			t.Errorf("the reader cannot link to the operator: %v", one.Properties)
		}
	}
}

// A discarded letter is kept, with its record, its properties, the reason and the operator, and leaves its queue only when it is kept.
// It can be listed, read, and returned to its topic byte for byte.
func TestDiscardedIsKept(t *testing.T) {
	raw := []byte("\xff\xff nada")
	for name, letter := range map[string]struct {
		payload    func(m *DeadLetters) []byte
		properties map[string]string
		back       func(m *DeadLetters) []byte // what returns to the topic; nil where nothing can
	}{
		"a record":              {func(m *DeadLetters) []byte { return m.recordOf(t, onTopic, "r") }, nil, func(m *DeadLetters) []byte { return m.recordOf(t, onTopic, "r") }},
		"one without a record":  {func(m *DeadLetters) []byte { e, _ := m.codecs.empty(onTopic); return e }, map[string]string{pubsub.PropertyBytes: "7", pubsub.PropertyRaw: base64.StdEncoding.EncodeToString(raw)}, func(*DeadLetters) []byte { return raw }},
		"one that was cut":      {func(m *DeadLetters) []byte { return m.recordOf(t, onTopic, "r") }, map[string]string{pubsub.PropertyBytes: "9000000"}, nil},
		"one with our own name": {func(m *DeadLetters) []byte { return m.recordOf(t, onTopic, "r") }, map[string]string{pubsub.PropertyTopic: "otro", pubsub.PropertyDiscardReason: "x"}, func(m *DeadLetters) []byte { return m.recordOf(t, onTopic, "r") }},
	} {
		t.Run(name, func(t *testing.T) {
			b, m := newFake(t)
			set := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
			properties := map[string]string{pubsub.PropertyReason: "no vale", pubsub.PropertyOrigin: "ordenes"}
			for k, v := range letter.properties {
				properties[k] = v
			}
			b.topics[onTopic+"-dlq"] = []pulsar.Message{fakeMessage{id: fakeID{ledger: 7, entry: 1, size: 1}, payload: letter.payload(m), at: set, properties: properties}}
			b.refuses = contracts.MensajesDescartados
			if _, err := m.Descartar(t.Context(), "7:1", "ya se arregló"); err == nil || len(b.acked) > 0 {
				t.Fatalf("it could not be kept: %v, acknowledged %v", err, b.acked)
			}
			b.refuses = ""
			ctx := actor.With(t.Context(), actor.Actor{Sujeto: "oti", Rol: contracts.RolOperador})
			one, err := m.Descartar(ctx, "7:1", "ya se arregló")
			if err != nil || one.MotivoDescarte != "ya se arregló" || one.DescartadoEn == nil || !slices.Equal(b.acked, []string{onTopic + "-dlq 7:1"}) {
				t.Fatalf("%+v %v; acknowledged %v", one, err, b.acked)
			}
			b.topics[onTopic+"-dlq"], b.acked = nil, nil
			b.deliver(contracts.MensajesDescartados)
			list, err := m.List(t.Context(), contracts.MensajesMuertosFilter{Descartados: true})
			if err != nil || len(list) != 1 || list[0].Tema != onTopic || list[0].Motivo != "no vale" || list[0].Origen != "ordenes" || list[0].MotivoDescarte != "ya se arregló" || list[0].DescartadoPor != "oti" || !list[0].En.Equal(set) {
				t.Fatalf("%+v %v", list, err)
			}
			if read, err := m.Load(t.Context(), "9:0"); err != nil || read.MotivoDescarte != "ya se arregló" {
				t.Errorf("%+v %v", read, err)
			}
			if _, err := m.Descartar(t.Context(), "9:0", "otra vez"); errs.Of(err) != errs.Conflict {
				t.Errorf("discarded twice: %v", err)
			}
			_, err = m.Devolver(t.Context(), "9:0")
			if letter.back == nil {
				if errs.Of(err) != errs.Conflict || len(b.acked) > 0 {
					t.Errorf("a cut one came back: %v %v", err, b.acked)
				}
				return
			}
			if err != nil || len(b.published[onTopic]) != 1 || !bytes.Equal(b.published[onTopic][0].Payload, letter.back(m)) || !slices.Equal(b.acked, []string{contracts.MensajesDescartados + " 9:0"}) {
				t.Errorf("%v; published %v, acknowledged %v", err, b.published[onTopic], b.acked)
			}
		})
	}
}

// One letter is read with a record that is too large for the list. A message that waits can be read by its place too.
func TestLoadADeadLetter(t *testing.T) {
	b, m := newFake(t)
	id := strings.Repeat("x", maxShown)
	b.put(onTopic+"-dlq", 1, time.Minute, m.recordOf(t, onTopic, id))
	b.put(onTopic, 2, time.Minute, []byte("nada"))
	list, err := m.List(t.Context(), contracts.MensajesMuertosFilter{})
	if err != nil || len(list) != 2 || list[0].Registro != nil || list[0].Bytes == 0 {
		t.Fatalf("%d letters: %v", len(list), err)
	}
	if one, err := m.Load(t.Context(), "7:1"); err != nil || !strings.Contains(string(one.Registro), id) {
		t.Errorf("%d bytes: %v", len(one.Registro), err)
	}
	if one, err := m.Load(t.Context(), "7:2"); err != nil || !one.Pendiente || one.Motivo == "" {
		t.Errorf("%+v: %v", one, err)
	}
	if _, err := m.Load(t.Context(), "7:3"); errs.Of(err) != errs.NotFound {
		t.Errorf("%v", err)
	}
}
