// Package pages serves the web pages of customers and operators. The files are embedded in the program. The pages read their
// data from the public API, with the visitor's session.
package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gorilla/mux"
)

//go:embed html static
var files embed.FS

// page is one page: html/<File>.html inside html/frame.html, with the script static/<File>.js.
type page struct {
	Route   string // in the syntax of gorilla/mux
	File    string
	Title   string
	Section string // the current entry of the navigation
	For     string // the role of its readers: cliente or operador
}

// Steps returns the steps of the saga, which each page has as JSON.
func (page) Steps() []step { return steps() }

var pages = []page{
	{"/", "shop", "Tienda", "shop", "cliente"},
	{"/compras", "compras", "Mis compras", "compras", "cliente"},
	{"/compras/{id}", "compra", "Su compra", "compras", "cliente"},
	{"/operador", "panel", "Lo que pasa ahora", "panel", "operador"},
	{"/operador/compras", "op-compras", "Compras", "op-compras", "operador"},
	{"/operador/compras/{id}", "op-compra", "Una compra", "op-compras", "operador"},
	{"/operador/existencias", "existencias", "Existencias y libros", "existencias", "operador"},
	{"/operador/mensajes-muertos", "dead-letters", "Mensajes muertos", "dead-letters", "operador"},
}

// Register adds the pages and their files to routes. A page answers requests that accept HTML; other requests for the same
// path go to the next route. Register panics on an embedded file that is broken; the package's tests find that first.
func Register(routes *mux.Router) {
	static := readStatic()
	routes.PathPrefix("/static/").Handler(static).Methods(http.MethodGet, http.MethodHead)
	routes.Handle("/favicon.ico", static["/static/icon.svg"]).Methods(http.MethodGet, http.MethodHead) // browsers ask for it on a page without an icon, as the sign-in form
	for _, p := range pages {
		routes.Handle(p.Route, p.compose()).Methods(http.MethodGet, http.MethodHead).MatcherFunc(wantsHTML)
	}
}

func wantsHTML(r *http.Request, _ *mux.RouteMatch) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// compose renders the page. Its text is the same for all visitors.
func (p page) compose() asset {
	t := template.Must(template.ParseFS(files, "html/frame.html", "html/"+p.File+".html"))
	var text bytes.Buffer
	if err := t.ExecuteTemplate(&text, "frame.html", p); err != nil {
		panic(err)
	}
	return newAsset(p.File+".html", text.Bytes())
}

// policy is the Content-Security-Policy: a page loads files of this server only, has no inline script or style, and cannot be
// framed.
const policy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// asset is a file that is served from memory. A browser caches it and asks each time whether it changed.
type asset struct {
	name, kind, etag string
	text             []byte
}

func newAsset(name string, text []byte) asset {
	fingerprint := sha256.Sum256(text)
	kind := mime.TypeByExtension(path.Ext(name))
	if own, found := kinds[path.Ext(name)]; found { // the operating system's list of types may differ
		kind = own
	}
	return asset{name, kind, `"` + hex.EncodeToString(fingerprint[:8]) + `"`, text}
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".html": "text/html; charset=utf-8",
	".svg": "image/svg+xml", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
}

func (f asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.text))
}

// assets maps a path to its file.
type assets map[string]asset

func readStatic() assets {
	all := assets{}
	err := fs.WalkDir(files, "static", func(route string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := files.ReadFile(route)
		all["/"+route] = newAsset(route, text)
		return err
	})
	if err != nil {
		panic(err)
	}
	return all
}

func (all assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, found := all[r.URL.Path]
	if !found {
		http.NotFound(w, r)
		return
	}
	f.ServeHTTP(w, r)
}
