// Package pages is the web page: one for customers, one for operators. It serves files that are embedded in the program
// and asks nothing itself: what they show, they ask of the public API under the visitor's session.
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

//go:embed html estatico
var files embed.FS

// page is one page: html/<File>.html within html/marco.html, brought to life by estatico/<File>.js.
type page struct {
	Route   string // as gorilla/mux has it
	File    string
	Title   string
	Section string // the entry of the navigation that is current
	For     string // the role that it is meant for: cliente or operador
}

// Steps are the steps of the saga, which each page has as JSON.
func (page) Steps() []step { return steps() }

var pages = []page{
	{"/", "tienda", "Tienda", "tienda", "cliente"},
	{"/compras", "compras", "Mis compras", "compras", "cliente"},
	{"/compras/{id}", "compra", "Su compra", "compras", "cliente"},
	{"/operador", "panel", "Lo que pasa ahora", "panel", "operador"},
	{"/operador/compras", "op-compras", "Compras", "op-compras", "operador"},
	{"/operador/compras/{id}", "op-compra", "Una compra", "op-compras", "operador"},
	{"/operador/existencias", "existencias", "Existencias y libros", "existencias", "operador"},
	{"/operador/mensajes-muertos", "muertos", "Mensajes muertos", "muertos", "operador"},
}

// Register adds the pages and their files to routes. A page is for clients that ask for HTML: a program that asks for the
// same address finds the route that comes after. It panics where an embedded file is not what it should be, which the
// package's test would have said.
func Register(routes *mux.Router) {
	static := readStatic()
	routes.PathPrefix("/estatico/").Handler(static).Methods(http.MethodGet, http.MethodHead)
	routes.Handle("/favicon.ico", static["/estatico/icono.svg"]).Methods(http.MethodGet, http.MethodHead) // for what names no icon, as the sign-in form
	for _, p := range pages {
		routes.Handle(p.Route, p.compose()).Methods(http.MethodGet, http.MethodHead).MatcherFunc(wantsHTML)
	}
}

func wantsHTML(r *http.Request, _ *mux.RouteMatch) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// compose makes the page's text, once.
func (p page) compose() asset {
	t := template.Must(template.ParseFS(files, "html/marco.html", "html/"+p.File+".html"))
	var text bytes.Buffer
	if err := t.ExecuteTemplate(&text, "marco.html", p); err != nil {
		panic(err)
	}
	return newFile(p.File+".html", text.Bytes())
}

// policy lets a page load what this server has and nothing else: no inline script or style, no frame around it.
const policy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// asset is a file that is served from memory. A browser keeps it and asks each time whether it changed.
type asset struct {
	name, kind, mark string
	text             []byte
}

func newFile(name string, text []byte) asset {
	fingerprint := sha256.Sum256(text)
	kind := mime.TypeByExtension(path.Ext(name))
	if own, found := kinds[path.Ext(name)]; found { // the machine's own list of types may say otherwise
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
	h.Set("ETag", f.mark)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.text))
}

// assets are files by their path.
type assets map[string]asset

func readStatic() assets {
	all := assets{}
	err := fs.WalkDir(files, "estatico", func(route string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := files.ReadFile(route)
		all["/"+route] = newFile(route, text)
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
