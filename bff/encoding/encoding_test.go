package encoding

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

var long = strings.Repeat(`{"id":"1","nombre":"Café"},`, 200)

// A file has the encoding that its client prefers and admits, and the same text in each. A browser that has it gets 304.
func TestFile(t *testing.T) {
	f := NewFile("a.js", []byte(long))
	for accepts, want := range map[string]string{
		"": "", "gzip": "gzip", "br": "br", "gzip, deflate, br, zstd": "br", "br;q=0, gzip;q=0.5": "gzip", "*": "br", "*;q=0": "", "BR ; q=0.1": "br", "deflate": "", "br;q=0.0,gzip;q=0": "", ";;,=": "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("Accept-Encoding", accepts)
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding"); got != want || w.Header().Get("Vary") != "Accept-Encoding" || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("%q gets %q: %v", accepts, got, w.Header())
		}
		if text := plain(t, w); text != long {
			t.Errorf("%q gets another text: %.40q", accepts, text)
		}
		r.Header.Set("If-None-Match", `"x", W/`+w.Header().Get("ETag"))
		again := httptest.NewRecorder()
		f.ServeHTTP(again, r)
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%q again: %d", accepts, again.Code)
		}
	}
}

// plain returns the text of an answer.
func plain(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var from io.Reader = bytes.NewReader(w.Body.Bytes())
	switch w.Header().Get("Content-Encoding") {
	case "br":
		from = brotli.NewReader(from)
	case "gzip":
		z, err := gzip.NewReader(from)
		if err != nil {
			t.Fatal(err)
		}
		from = z
	}
	text, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Answers compresses the large JSON of a success, and nothing else.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		kind, accepts, text string
		status              int
		want                string
	}{
		"large JSON":      {"application/json", "gzip, br", long, 200, "gzip"},
		"small JSON":      {"application/json", "gzip", "{}", 200, ""},
		"a client of old": {"application/json", "", long, 200, ""},
		"brotli alone":    {"application/json", "br", long, 200, ""},
		"a problem":       {"application/problem+json", "gzip", long, 400, ""},
		"events":          {"text/event-stream", "gzip", long, 200, ""},
		"a table":         {"text/csv; charset=utf-8", "gzip", "a;b\n", 200, "gzip"},
		"nothing":         {"application/json", "gzip", "", 304, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("Accept-Encoding", c.accepts)
		w := httptest.NewRecorder()
		Answers(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			w.Header().Set("ETag", `"x"`)
			w.WriteHeader(c.status)
			if c.text != "" {
				_, _ = io.WriteString(w, c.text)
			}
		})).ServeHTTP(w, r)
		etag := map[bool]string{true: `W/"x"`, false: `"x"`}[c.want != ""]
		if got := w.Header().Get("Content-Encoding"); got != c.want || w.Code != c.status || w.Header().Get("ETag") != etag || plain(t, w) != c.text {
			t.Errorf("%s: %d in %q, ETag %s", name, w.Code, got, w.Header().Get("ETag"))
		}
	}
}

// Answers that wait for their client hold all compressors: a further answer goes out as it is.
func TestCompressorsAreBounded(t *testing.T) {
	var held []*gzip.Writer
	for range atOnce {
		held = append(held, <-compressors)
	}
	defer func() {
		for _, one := range held {
			compressors <- one
		}
	}()
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	Answers(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, long)
	})).ServeHTTP(w, r)
	if w.Header().Get("Content-Encoding") != "" || w.Body.String() != long {
		t.Errorf("%v", w.Header())
	}
}
