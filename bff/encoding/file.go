package encoding

import (
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// File is a file that is served from memory.
type File struct {
	// Immutable says that the address changes with the content, so that a browser never asks again. A browser asks each time whether
	// another file changed.
	Immutable bool
	kind      string
	text      []byte
	hash      string

	encoded sync.Map // by encoding: a function that returns the text in it
}

// smallest is the size in bytes below which a file is not compressed: it fits into one packet anyway.
const smallest = 1 << 10

// NewFile returns a file with the text. The end of its name says what kind it is.
func NewFile(name string, text []byte) *File {
	fingerprint := sha256.Sum256(text)
	kind := mime.TypeByExtension(path.Ext(name))
	if own, found := kinds[path.Ext(name)]; found { // the operating system's list of types may differ
		kind = own
	}
	return &File{kind: kind, text: text, hash: hex.EncodeToString(fingerprint[:8])}
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".html": "text/html; charset=utf-8",
	".svg": "image/svg+xml", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8", ".yaml": "application/yaml; charset=utf-8",
}

// Hash returns a fingerprint of the text, in hexadecimal.
func (f *File) Hash() string { return f.hash }

// ServeHTTP implements http.Handler. The text is compressed at the first request that admits the encoding, and kept.
func (f *File) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	encoding := identity
	if len(f.text) >= smallest && f.kind != "font/woff2" { // a font is compressed already
		encoding = best(r.Header.Get("Accept-Encoding"))
	}
	h := w.Header()
	etag := `"` + f.hash + encoding + `"`
	h.Set("ETag", etag)
	h.Add("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if f.Immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if names(r.Header.Values("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	text := f.in(encoding)
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if encoding != identity {
		h.Set("Content-Encoding", encoding)
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // #nosec G705 -- a file of ours; it fails only when the client is gone
	}
}

// in returns the text in an encoding. Two requests at once compress it once.
func (f *File) in(encoding string) []byte {
	if encoding == identity {
		return f.text
	}
	once, _ := f.encoded.LoadOrStore(encoding, sync.OnceValue(func() []byte { return encode(f.text, encoding) }))
	return once.(func() []byte)()
}

// names reports whether If-None-Match names etag.
func names(ifNoneMatch []string, etag string) bool {
	for one := range strings.SplitSeq(strings.Join(ifNoneMatch, ","), ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == etag || one == "*" {
			return true
		}
	}
	return false
}
