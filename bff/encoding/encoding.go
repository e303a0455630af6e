// Package encoding compresses answers: files that are served from memory, by brotli or gzip, and the JSON of the interfaces, by gzip.
package encoding

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
)

// The encodings of RFC 9110, the best first.
const (
	br       = "br"
	gzipped  = "gzip"
	identity = ""
)

// brotliLevel makes the largest file of /docs in a quarter of a second; the levels above take 40 times longer for 7 % less.
const brotliLevel = 9

// best returns the best encoding that the header Accept-Encoding admits.
func best(acceptEncoding string) string {
	for _, name := range []string{br, gzipped} {
		if admits(acceptEncoding, name) {
			return name
		}
	}
	return identity
}

// admits reports whether the header Accept-Encoding admits an encoding.
func admits(acceptEncoding, encoding string) bool {
	others := false
	for one := range strings.SplitSeq(acceptEncoding, ",") {
		name, parameters, _ := strings.Cut(one, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case encoding:
			return !isZero(parameters)
		case "*":
			others = !isZero(parameters)
		}
	}
	return others
}

// isZero reports whether the parameters of an encoding refuse it: q=0.
func isZero(parameters string) bool {
	name, value, found := strings.Cut(strings.TrimSpace(parameters), "=")
	if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return false
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && q == 0
}

// encode returns text in an encoding. Writing to a buffer does not fail.
func encode(text []byte, encoding string) []byte {
	var b bytes.Buffer
	switch encoding {
	case br:
		w := brotli.NewWriterLevel(&b, brotliLevel)
		_, _ = w.Write(text)
		_ = w.Close()
	case gzipped:
		w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		_, _ = w.Write(text)
		_ = w.Close()
	default:
		return text
	}
	return b.Bytes()
}
