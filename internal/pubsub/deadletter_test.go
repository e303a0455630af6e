package pubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
)

func refuse(context.Context, contracts.Message[data]) error {
	return errs.New(errs.BadMessage, "malo")
}

// setAside returns the number of dead letters. It also counts dead letters without an id.
func (p *program) setAside() int { return len(p.broker.Metadata(string(topic) + "-dlq")) }

// largeRecord is a command for a product whose name repeats filler so many times.
func largeRecord(t *testing.T, filler string, times int) []byte {
	t.Helper()
	m := oneMessage
	m.Data.Productos = []contracts.Linea{{IDProducto: strings.Repeat(filler, times), Cantidad: 1}}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // the pub/sub component does not escape HTML either
	if err := e.Encode(m); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(text.Bytes())
}

// A record that is too large for daprd becomes one dead letter. The dead letter has only the beginning, and the properties by
// which an operator finds the original.
func TestALargeRecordIsSetAsideOnce(t *testing.T) {
	for name, c := range map[string]struct {
		record []byte
		whole  bool
	}{
		"100 kB":                                {largeRecord(t, "x", 100_000), true},
		"900 kB that grow when written again":   {largeRecord(t, "<", 900_000), false},
		"4.5 MB":                                {largeRecord(t, "x", 4_500_000), false},
		"4.5 MB of control characters, as JSON": {largeRecord(t, "\x01", 4_500_000), false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(refuse)
			if status := pubsubtest.DeliverText(t, p.routes, "/mensajes/"+string(topic), c.record); status != "SUCCESS" {
				t.Fatalf("it answers %s: the broker delivers it again for ever", status)
			}
			letters := pubsubtest.Published(t, &p.broker, topic.DeadLetters())
			if len(letters) != 1 || letters[0].ID != oneMessage.ID || letters[0].Type != oneMessage.Type || letters[0].Data.IDCompra != "c" {
				t.Fatalf("dead letters: %+v", letters)
			}
			m := p.broker.Metadata(string(topic) + "-dlq")[0]
			sum := ""
			if m, err := contracts.Decode[data](c.record); err == nil && len(c.record) < 8<<20 {
				text, _ := m.Encode()
				sum = pubsub.Sum(text)
			}
			switch {
			case c.whole:
				if len(letters[0].Data.Productos) != 1 || m[pubsub.PropertyBytes] != "" {
					t.Errorf("it was cut: %v", m)
				}
			case m[pubsub.PropertyBytes] != fmt.Sprint(len(c.record)), m[pubsub.PropertySum] != sum,
				!strings.HasPrefix(m[pubsub.PropertyBeginning], `{"`):
				t.Errorf("its properties: %.300v", m)
			}
		})
	}
}

// A delivery is measured while its bytes arrive. A record of 100 MB as JSON takes no more memory than one of 1 MB.
func TestADeliveryOfAnySizeTakesLittleMemory(t *testing.T) {
	p := newProgram(refuse)
	const times = 300 << 20
	body := &endless{head: `{"data_base64":"eyJpZCI6`, unit: strings.Repeat("QUFB", 1024), units: times / 4096, tail: `","datacontenttype":"application/octet-stream"}`}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	response := httptest.NewRecorder()
	p.routes.ServeHTTP(response, httptest.NewRequest(http.MethodPost, "/mensajes/"+string(topic), body))
	runtime.ReadMemStats(&after)
	if !strings.Contains(response.Body.String(), "SUCCESS") || p.setAside() != 1 {
		t.Fatalf("it answers %s", response.Body)
	}
	if body.units != 0 || body.tail != "" {
		t.Error("its end was not read: the sidecar takes that for a failure")
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 100<<20 { // the reader keeps at most 8 MiB, in a buffer that grows in steps
		t.Errorf("%d bytes were used for it", used)
	}
}

// endless is a reader that returns head, then unit repeated, then tail.
type endless struct {
	head, unit, tail string
	units            int
	pending          string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.pending == "" {
		switch {
		case e.head != "":
			e.pending, e.head = e.head, ""
		case e.units > 0:
			e.pending, e.units = e.unit, e.units-1
		case e.tail != "":
			e.pending, e.tail = e.tail, ""
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.pending)
	e.pending = e.pending[n:]
	return n, nil
}

// A delivery whose connection breaks is not handled as a message. The broker still has the message and delivers it again.
func TestADeliveryThatBreaksOffIsDeliveredAgain(t *testing.T) {
	whole, err := json.Marshal(map[string]any{"data_base64": largeRecord(t, "x", 3_000_000)})
	if err != nil {
		t.Fatal(err)
	}
	small, err := json.Marshal(map[string]any{"data_base64": []byte(`{"id":"1"}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range [][]byte{whole[:2_500_000], whole[:len(whole)-5], small[:10], nil} {
		p := newProgram(refuse)
		response := httptest.NewRecorder()
		p.routes.ServeHTTP(response, httptest.NewRequest(http.MethodPost, "/mensajes/"+string(topic), bytes.NewReader(body)))
		if !strings.Contains(response.Body.String(), "RETRY") || p.deadLetters(t) != 0 {
			t.Errorf("%d bytes: %s, %d dead letters", len(body), response.Body, p.deadLetters(t))
		}
	}
}

// Producers choose the ids of their messages. The attempts of every record are counted, whatever its id, and two records never
// share a count.
func TestARecordIsCountedWhateverItsID(t *testing.T) {
	for name, id := range map[string]string{
		"with spaces": "a b  c", "control characters": "a\x00b\x07\n", "bars": "a||b/../c", "as another's": oneMessage.ID, "200 characters": strings.Repeat("ñ", 200),
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(func(context.Context, contracts.Message[data]) error { return errors.New("unexpected") })
			m := oneMessage
			m.ID, m.Data.IDCompra = id, name
			for range pubsub.MaxAttempts - 1 {
				pubsubtest.Deliver(t, p.routes, topic, oneMessage)
			}
			for try := 1; try <= pubsub.MaxAttempts; try++ {
				status := pubsubtest.Deliver(t, p.routes, topic, m)
				if (status == "SUCCESS") != (try == pubsub.MaxAttempts) {
					t.Fatalf("try %d: %s", try, status)
				}
			}
			if letters := pubsubtest.Published(t, &p.broker, topic.DeadLetters()); len(letters) != 1 || letters[0].ID != id {
				t.Errorf("dead letters: %+v", letters)
			}
			for _, key := range p.attempts.Records() {
				if len(key) > 100 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.Contains(key, "||") {
					t.Errorf("counted as %q, which a database or a state store refuses", key)
				}
			}
		})
	}
}

// A message with an invalid envelope becomes a dead letter with the fields that can be read. No handler gets it.
func TestAnEnvelopeThatCannotBeIsADeadLetter(t *testing.T) {
	for name, change := range map[string]func(m *contracts.Message[data]){
		"a huge id":     func(m *contracts.Message[data]) { m.ID = strings.Repeat("x", 500_000) },
		"a huge type":   func(m *contracts.Message[data]) { m.Type = contracts.MessageType(strings.Repeat("x", 500_000)) },
		"no time":       func(m *contracts.Message[data]) { m.Time = -1 },
		"a huge sender": func(m *contracts.Message[data]) { m.ServiceName = strings.Repeat("\x00", 100_000) },
		"no id":         func(m *contracts.Message[data]) { m.ID = "" },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(func(context.Context, contracts.Message[data]) error { t.Error("a handler saw it"); return nil })
			m := oneMessage
			change(&m)
			if status := pubsubtest.Deliver(t, p.routes, topic, m); status != "SUCCESS" || p.setAside() != 1 {
				t.Errorf("%s, %d dead letters", status, p.setAside())
			}
		})
	}
}

// The reason of a dead letter is the handler's error, which may repeat data of the producer. It is cut to 1000 characters.
func TestAReasonIsCut(t *testing.T) {
	p := newProgram(func(_ context.Context, m contracts.Message[data]) error {
		return errs.New(errs.BadMessage, "no conozco %s", strings.Repeat("ñ\x00\xff", 3<<20))
	})
	if status := pubsubtest.Deliver(t, p.routes, topic, oneMessage); status != "SUCCESS" {
		t.Fatal(status)
	}
	reason := p.broker.Metadata(string(topic) + "-dlq")[0][pubsub.PropertyReason]
	if n := utf8.RuneCountInString(reason); n != 1000 || !strings.HasPrefix(reason, "no conozco ñ\ufffd\ufffd") || !strings.HasSuffix(reason, "…") {
		t.Errorf("%d characters: %.60q", n, reason)
	}
}
