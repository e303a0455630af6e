package pulsar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"

	"entregas/contracts"
	"entregas/internal/errs"
)

// fakeBroker keeps topics in memory, behind the client and the administrative interface that DeadLetters uses.
type fakeBroker struct {
	pulsar.Client
	topics    map[string][]pulsar.Message
	readers   map[string]string // the subscription of each topic
	unread    map[string]bool   // topics whose statistics the broker does not give
	slowAfter int               // messages after which a reader fails as if its time were over; 0 means that it never fails
	acked     []string          // topic and position
	published map[string][]*pulsar.ProducerMessage
	refuses   string // the topic on which nothing can be published
}

type fakeMessage struct {
	pulsar.Message
	id      fakeID
	payload []byte
	at      time.Time

	properties map[string]string
}

func (m fakeMessage) ID() pulsar.MessageID          { return m.id }
func (m fakeMessage) Payload() []byte               { return m.payload }
func (m fakeMessage) PublishTime() time.Time        { return m.at }
func (m fakeMessage) Properties() map[string]string { return m.properties }
func (m fakeMessage) RedeliveryCount() uint32       { return 0 }

type fakeID struct {
	pulsar.MessageID
	ledger, entry int64
	index, size   int32
}

func (i fakeID) LedgerID() int64  { return i.ledger }
func (i fakeID) EntryID() int64   { return i.entry }
func (i fakeID) BatchIdx() int32  { return i.index }
func (i fakeID) BatchSize() int32 { return i.size }

func (b *fakeBroker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/admin/v2/persistent/public/default/")
	topic, what, _ := strings.Cut(path, "/")
	name := b.readers[topic]
	switch {
	case b.unread[topic]:
		w.WriteHeader(http.StatusInternalServerError)
	case what == "stats":
		entries := map[place]bool{} // the broker counts entries, not messages
		for _, m := range b.topics[topic] {
			entries[placeOf(m)] = true
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"subscriptions": map[string]any{name: map[string]any{
			"msgBacklog": len(entries), "isDurable": true, "earliestMsgPublishTimeInBacklog": time.Now().Add(-time.Minute).UnixMilli(),
		}}})
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"cursors": map[string]any{name: map[string]any{"markDeletePosition": "7:-1"}}})
	}
}

func short(topic string) string { return topic[strings.LastIndex(topic, "/")+1:] }

func (b *fakeBroker) CreateReader(o pulsar.ReaderOptions) (pulsar.Reader, error) {
	return &fakeReader{b: b, left: b.topics[short(o.Topic)]}, nil
}

type fakeReader struct {
	pulsar.Reader
	b     *fakeBroker
	left  []pulsar.Message
	given int
}

func (r *fakeReader) HasNext() bool { return len(r.left) > 0 }
func (r *fakeReader) Close()        {}
func (r *fakeReader) Next(context.Context) (pulsar.Message, error) {
	if r.b.slowAfter > 0 && r.given == r.b.slowAfter {
		return nil, context.DeadlineExceeded
	}
	m := r.left[0]
	r.left, r.given = r.left[1:], r.given+1
	return m, nil
}

func (b *fakeBroker) CreateProducer(o pulsar.ProducerOptions) (pulsar.Producer, error) {
	return fakeProducer{b: b, topic: short(o.Topic)}, nil
}

type fakeProducer struct {
	pulsar.Producer
	b     *fakeBroker
	topic string
}

func (fakeProducer) Close() {}
func (p fakeProducer) Send(_ context.Context, m *pulsar.ProducerMessage) (pulsar.MessageID, error) {
	if p.topic == p.b.refuses {
		return nil, errors.New("the broker refuses it")
	}
	p.b.published[p.topic] = append(p.b.published[p.topic], m)
	return nil, nil
}

func (b *fakeBroker) Subscribe(o pulsar.ConsumerOptions) (pulsar.Consumer, error) {
	return &fakeConsumer{b: b, topic: short(o.Topic), left: b.topics[short(o.Topic)]}, nil
}

type fakeConsumer struct {
	pulsar.Consumer
	b     *fakeBroker
	topic string
	left  []pulsar.Message
}

func (c *fakeConsumer) Close() {}
func (c *fakeConsumer) Receive(ctx context.Context) (pulsar.Message, error) {
	if len(c.left) == 0 {
		return nil, context.DeadlineExceeded
	}
	m := c.left[0]
	c.left = c.left[1:]
	return m, nil
}
func (c *fakeConsumer) Ack(m pulsar.Message) error { return c.AckID(m.ID()) }
func (c *fakeConsumer) AckID(id pulsar.MessageID) error {
	c.b.acked = append(c.b.acked, fmt.Sprintf("%s %d:%d", c.topic, id.LedgerID(), id.EntryID()))
	return nil
}

func newFake(t *testing.T) (*fakeBroker, *DeadLetters) {
	b := &fakeBroker{topics: map[string][]pulsar.Message{}, readers: map[string]string{}, unread: map[string]bool{}, published: map[string][]*pulsar.ProducerMessage{}}
	for _, topic := range contracts.Names() {
		b.readers[topic], b.readers[topic+"-dlq"] = "lector", deadLetterSubscription
	}
	b.readers[contracts.MensajesDescartados] = deadLetterSubscription
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	c, err := newCodecs()
	if err != nil {
		t.Fatal(err)
	}
	return b, &DeadLetters{client: b, broker: New(s.URL, ""), codecs: c}
}

// put adds an entry with the payloads to a topic. Its messages were published the duration age ago.
func (b *fakeBroker) put(topic string, entry int64, age time.Duration, payloads ...[]byte) {
	for i, p := range payloads {
		id := fakeID{ledger: 7, entry: entry, index: int32(i), size: int32(len(payloads))}
		b.topics[topic] = append(b.topics[topic], fakeMessage{id: id, payload: p, at: time.Now().Add(-age)})
	}
}

// recordOf returns a record of topic with the id.
func (d *DeadLetters) recordOf(t *testing.T, topic, id string) []byte {
	t.Helper()
	return d.record(t, topic, map[string]string{"id": id})
}

// record returns a record of topic with the fields.
func (d *DeadLetters) record(t *testing.T, topic string, fields map[string]string) []byte {
	t.Helper()
	empty, err := d.codecs.empty(topic)
	if err != nil {
		t.Fatal(err)
	}
	native, _, err := d.codecs[topic].NativeFromBinary(empty)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		native.(map[string]any)[name] = value
	}
	payload, err := d.codecs[topic].BinaryFromNative(nil, native)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// The list begins with the oldest dead letters and is small enough for the bff, however many there are.
func TestTheListOfDeadLettersStaysSmall(t *testing.T) {
	for name, id := range map[string]string{"short": "r", "long": strings.Repeat("<", 1000)} {
		b, m := newFake(t)
		for _, topic := range contracts.Names() {
			payload := m.recordOf(t, topic, id)
			for i := range maxPerTopic {
				b.put(topic+"-dlq", int64(i), time.Duration(maxPerTopic-i)*time.Minute, payload)
			}
		}
		list, err := m.List(t.Context(), contracts.MensajesMuertosFilter{})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(list)
		if err != nil || len(text) > 512<<10 {
			t.Errorf("%s: %d letters have %d bytes: %v", name, len(list), len(text), err)
		}
		if len(list) < 100 || list[0].ID != "7:0" {
			t.Errorf("%s: %d letters, the first is %s", name, len(list), list[0].ID)
		}
	}
}

const onTopic = string(contracts.ComandosProducto)

// The broker acknowledges an entry as a whole. So SetAside first publishes each message of the entry: the undecodable one as a dead
// letter, the others on the topic again. If it cannot publish all of them, it changes nothing.
func TestSetAsideLosesNothingOfAnEntry(t *testing.T) {
	for name, c := range map[string]struct {
		before, size int // messages of the entry before it, and of the entry itself
		slowAfter    int
		whole        bool
	}{
		"alone":                            {0, 1, 0, true},
		"more than a look reads":           {0, 300, 0, true},
		"it begins where a look is to end": {maxLook - 1, 3, 0, true},
		"the time is over within it":       {0, 300, 150, false},
		"more than a look can hold":        {0, maxEntry + 1, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			b, m := newFake(t)
			good := m.recordOf(t, onTopic, "r")
			if c.before > 0 {
				b.put(onTopic, 1, time.Minute, slices.Repeat([][]byte{good}, c.before)...)
			}
			b.put(onTopic, 2, time.Minute, append([][]byte{[]byte("nada")}, slices.Repeat([][]byte{good}, c.size-1)...)...)
			b.slowAfter = c.slowAfter
			id := "7:2:0"
			if c.size == 1 {
				id = "7:2"
			}
			set, err := m.SetAside(t.Context(), id)
			told, dead := len(b.published[onTopic]), len(b.published[onTopic+"-dlq"])
			if !c.whole {
				if errs.Of(err) != errs.Conflict || len(b.acked)+told+dead > 0 {
					t.Fatalf("%v; acknowledged %v, published %d and %d", err, b.acked, told, dead)
				}
				return
			}
			if err != nil || set.ID != id || told != c.size-1 || dead != 1 || !slices.Equal(b.acked, []string{onTopic + " 7:2"}) {
				t.Fatalf("%+v %v; acknowledged %v, published %d and %d", set, err, b.acked, told, dead)
			}
		})
	}
}

// SetAside refuses a message that its reader may still handle. Then it moves no message of that entry.
func TestSetAsideRefusesBeforeItMovesAnything(t *testing.T) {
	b, m := newFake(t)
	good := m.recordOf(t, onTopic, "r")
	b.put(onTopic, 2, tooOld+time.Second, good, []byte("nada"), good)
	if _, err := m.SetAside(t.Context(), "7:2:2"); errs.Of(err) != errs.Conflict || len(b.published) > 0 || len(b.acked) > 0 {
		t.Errorf("%v; acknowledged %v, published %v", err, b.acked, b.published)
	}
}

// A topic that cannot be read hides neither the dead letters nor the waiting messages of other topics.
func TestOneUnreadableTopicHidesNoOther(t *testing.T) {
	for _, unread := range []string{string(contracts.ComandosGestorCompra), string(contracts.ComandosGestorCompra) + "-dlq"} {
		b, m := newFake(t)
		b.unread[unread] = true
		b.put(onTopic+"-dlq", 3, time.Minute, m.recordOf(t, onTopic, "r"))
		b.put(onTopic, 2, time.Minute, []byte("nada"))
		list, err := m.List(t.Context(), contracts.MensajesMuertosFilter{})
		if err != nil || len(list) != 2 {
			t.Errorf("%s: %v %v", unread, list, err)
		}
		if _, err := m.SetAside(t.Context(), "7:2"); err != nil {
			t.Errorf("%s: %v", unread, err)
		}
		if _, err := m.SetAside(t.Context(), "7:9"); unread == string(contracts.ComandosGestorCompra) && errs.Of(err) != errs.Unavailable {
			t.Errorf("%s: one that may be on the unread topic: %v", unread, err)
		}
	}
	b, m := newFake(t)
	for topic := range b.readers {
		b.unread[topic] = true
	}
	if list, err := m.List(t.Context(), contracts.MensajesMuertosFilter{}); err == nil {
		t.Errorf("nothing could be read: %v", list)
	}
}

// Producers choose the ids of records, so an id may equal the id of another record or a position. Devolver returns the dead
// letter that the operator means, or none.
func TestDevolverTakesTheLetterThatIsNamed(t *testing.T) {
	other := string(contracts.ComandosGestorCompra)
	for name, c := range map[string]struct {
		id, acked string // the id that an operator gives; the dead letter that is acknowledged
		err       errs.Code
	}{
		"a place that a record has for an id":     {"7:5", onTopic + "-dlq 7:5", ""},
		"the id of one record":                    {"solo", onTopic + "-dlq 7:5", ""},
		"the id of two":                           {"dos", "", errs.Conflict},
		"nobody's":                                {"nadie", "", errs.NotFound},
		"a place that is gone, and a record's id": {"7:6", "", errs.NotFound},
		"the place of one whose id another has":   {"7:8", onTopic + "-dlq 7:8", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, m := newFake(t)
			if slices.Index(contracts.Names(), other) > slices.Index(contracts.Names(), onTopic) {
				t.Fatal("the impostor's topic is not the first to be read")
			}
			b.put(other+"-dlq", 3, time.Minute, m.recordOf(t, other, "7:5"))
			b.put(other+"-dlq", 4, time.Minute, m.recordOf(t, other, "7:6"))
			b.put(other+"-dlq", 7, time.Minute, m.recordOf(t, other, "dos"))
			b.put(onTopic+"-dlq", 5, time.Minute, m.recordOf(t, onTopic, "solo"))
			b.put(onTopic+"-dlq", 8, time.Minute, m.recordOf(t, onTopic, "dos"))
			_, err := m.Devolver(t.Context(), c.id)
			if c.err != "" {
				if errs.Of(err) != c.err || len(b.acked)+len(b.published) > 0 {
					t.Fatalf("%v; acknowledged %v", err, b.acked)
				}
				return
			}
			if err != nil || !slices.Equal(b.acked, []string{c.acked}) {
				t.Fatalf("%v; acknowledged %v", err, b.acked)
			}
		})
	}
}
