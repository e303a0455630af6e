package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A replica that takes no connection costs nobody an answer, and a request reaches one replica only.
func TestADoorPassesOverWhoIsNotThere(t *testing.T) {
	var mu sync.Mutex
	var served []string
	serve := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				defer mu.Unlock()
				served = append(served, name+" "+string(body))
			}
		}))
		t.Cleanup(s.Close)
		return s
	}
	a, b := serve("a"), serve("b")
	d, err := newDoor(t.Context(), a.URL, b.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	send := func(n int) {
		r, err := http.Post(d.address+"/x", "text/plain", strings.NewReader(fmt.Sprint(n)))
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
	}
	for n := range 4 {
		send(n)
	}
	a.Close()
	for n := 4; n < 8; n++ {
		send(n)
	}
	if len(served) != 8 || strings.HasPrefix(strings.Join(served[4:], "\n"), "a ") {
		t.Errorf("served: %q", served)
	}
	b.Close()
	if r, err := http.Get(d.address + "/x"); err == nil {
		_ = r.Body.Close()
		t.Errorf("nobody is there, and the answer is %s", r.Status)
	}
}
