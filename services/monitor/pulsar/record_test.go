package pulsar

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/internal/app"
)

// Any bytes on a topic are described: as a record, or with the reason why they cannot be decoded.
func TestReadWhateverThereIs(t *testing.T) {
	c, err := newCodecs()
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range contracts.Names() {
		empty, err := c.empty(topic)
		if err != nil {
			t.Fatalf("%s: %v", topic, err)
		}
		if r := c.read(topic, empty); r.fault != "" || r.id != "" || r.json == nil {
			t.Errorf("%s: the empty record is %+v", topic, r)
		}
		for name, junk := range map[string][]byte{
			"nothing": nil, "text": []byte("hola"), "ones": []byte(strings.Repeat("\xff", 100)), "cut": empty[:len(empty)-1],
			"a field that is longer than all": append([]byte{0xfe, 0xff, 0xff, 0xff, 0x0f}, empty...),
		} {
			if r := c.read(topic, junk); r.fault == "" || r.json != nil {
				t.Errorf("%s: %s is %+v", topic, name, r)
			}
		}
	}
}

// A record with an array of 2^31-1 items is refused before the library allocates memory for them.
func TestAnArrayThatClaimsTooMuch(t *testing.T) {
	c, err := newCodecs()
	if err != nil {
		t.Fatal(err)
	}
	if r := c.read(string(contracts.ComandosProducto), hugeArray); !strings.Contains(r.fault, "MaxBlockCount") {
		t.Errorf("%+v", r)
	}
}

// hugeArray is the beginning of a record of comandos-producto, up to the number of its lines: 2^31-1.
var hugeArray = append(make([]byte, 9), 0xfe, 0xff, 0xff, 0xff, 0x0f)

func TestPropertiesThatAreNoHeaders(t *testing.T) {
	for _, c := range []struct {
		name, value string
		good        bool
	}{
		{"motivo", "no hay ñ", true}, {"x-1", "", true}, {"a b", "x", false}, {"ñ", "x", false}, {"", "x", false}, {"a", "x\ny", false}, {"a", "\x00", false},
		{"Content-Length", "7", false}, {"a", strings.Repeat("x", maxHeaders), false},
	} {
		if fault := headerFault(map[string]string{c.name: c.value}); (fault == "") != c.good {
			t.Errorf("%q: %.20q: %s", c.name, c.value, fault)
		}
	}
}

// A message whose properties our HTTP server refuses as headers has a fault. The test compares headerFault with the real
// server.
func TestPropertiesThatNoProgramTakes(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = app.Config{}.Server(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Start()
	defer server.Close()
	for name, properties := range map[string]map[string]string{
		"few": {"a": "x"}, "one of 10 kB": {"a": strings.Repeat("x", 10_000)}, "one of 30 kB": {"a": strings.Repeat("x", 30_000)},
		"one of 500 kB": {"a": strings.Repeat("x", 500_000)}, "4,000 short ones": manyShort(4000),
	} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
		for name, value := range properties {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		taken := err == nil && response.StatusCode == http.StatusOK // otherwise the server closes the connection or answers 431
		if err == nil {
			_ = response.Body.Close()
		}
		if fault := headerFault(properties); (fault == "") != taken {
			t.Errorf("%s: a program takes it: %v, but its fault is %q", name, taken, fault)
		}
	}
}

func manyShort(n int) map[string]string {
	properties := map[string]string{}
	for i := range n {
		properties[fmt.Sprint("p", i)] = ""
	}
	return properties
}

func TestWhatASubscriptionAcknowledged(t *testing.T) {
	d, err := parseDone("71:4", "[(71:5..71:8],(72:-1..72:0]]")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		p   place
		has bool
	}{
		{place{70, 99}, true}, {place{71, 4}, true}, {place{71, 5}, false}, {place{71, 6}, true}, {place{71, 8}, true}, {place{71, 9}, false},
		{place{72, 0}, true}, {place{72, 1}, false},
	} {
		if d.has(c.p) != c.has {
			t.Errorf("%v: %v", c.p, !c.has)
		}
	}
	if d, err := parseDone("71:-1", "[]"); err != nil || d.has(place{71, 0}) {
		t.Errorf("%+v %v", d, err)
	}
	if _, err := parseDone("nada", ""); err == nil {
		t.Error("no place is taken for one")
	}
}
