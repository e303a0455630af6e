package encoding

import (
	"compress/gzip"
	"net/http"
	"strings"
)

// atOnce bounds the compressors that work at once. Each holds 0.8 MiB, and its answer, until its client has read it: with eight, a flood
// of hostile requests took the bff over its memory. An answer for which none is free goes out as it is.
const atOnce = 2

var compressors = func() chan *gzip.Writer {
	all := make(chan *gzip.Writer, atOnce)
	for range atOnce {
		all <- nil // made when it is needed
	}
	return all
}()

// Answers compresses the JSON and CSV of successful answers by gzip, where the client admits it and the answer is not small. It is for
// routes whose answers hold no secret beside text of the request, which the size of a compressed answer would betray (BREACH).
func Answers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			next.ServeHTTP(w, r)
			return
		}
		a := &answer{ResponseWriter: w, admitted: admits(r.Header.Get("Accept-Encoding"), gzipped)}
		defer a.close()
		next.ServeHTTP(a, r)
	})
}

// answer decides at the first write whether it compresses: then the kind, the status and, as all our JSON is one write, the size are
// known.
type answer struct {
	http.ResponseWriter
	admitted bool
	status   int
	begun    bool
	gzip     *gzip.Writer
}

// Unwrap lets http.ResponseController reach the writer within.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter. The header goes out with the first write, which decides about the encoding.
func (a *answer) WriteHeader(status int) {
	if a.status != 0 || status < http.StatusOK {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.status = status
	if !isCompressible(a.Header(), status) {
		a.begin(nil)
	}
}

// isCompressible reports whether an answer is one that Answers compresses, apart from its size.
func isCompressible(h http.Header, status int) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return status == http.StatusOK && h.Get("Content-Encoding") == "" && (isJSON(kind) || kind == "text/csv")
}

func isJSON(kind string) bool {
	return kind == "application/json" || kind == "application/graphql-response+json"
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	if !a.begun {
		a.begin(b)
	}
	if a.gzip != nil {
		return a.gzip.Write(b)
	}
	return a.ResponseWriter.Write(b)
}

// begin sends the header, for an answer whose first write is b.
func (a *answer) begin(b []byte) {
	if a.begun {
		return
	}
	a.begun = true
	h := a.Header()
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if isCompressible(h, a.status) {
		h.Add("Vary", "Accept-Encoding")
		if kind := h.Get("Content-Type"); a.admitted && (len(b) >= smallest || strings.HasPrefix(kind, "text/csv")) {
			a.compress()
		}
	}
	a.ResponseWriter.WriteHeader(a.status)
}

// compress sets the headers of a compressed answer, if a compressor is free. Its ETag is weak: the same text has other bytes.
func (a *answer) compress() {
	select {
	case a.gzip = <-compressors:
	default:
		return
	}
	if a.gzip == nil {
		a.gzip = gzip.NewWriter(a.ResponseWriter)
	} else {
		a.gzip.Reset(a.ResponseWriter)
	}
	h := a.Header()
	h.Set("Content-Encoding", gzipped)
	h.Del("Content-Length")
	if etag := h.Get("ETag"); etag != "" && !strings.HasPrefix(etag, "W/") {
		h.Set("ETag", "W/"+etag)
	}
}

// Flush implements http.Flusher.
func (a *answer) Flush() {
	a.begin(nil)
	if a.gzip != nil {
		_ = a.gzip.Flush() // it fails only when the client is gone
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush() // as above
}

// close ends the answer.
func (a *answer) close() {
	if a.status != 0 && !a.begun {
		a.begin(nil)
	}
	if a.gzip != nil {
		_ = a.gzip.Close() // it fails only when the client is gone
		compressors <- a.gzip
	}
}
