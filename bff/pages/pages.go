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
	"maps"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gorilla/mux"
)

//go:embed html static words
var files embed.FS

// page is one page: html/<File>.html inside html/frame.html, with the script static/<File>.js. Its title and description are the
// words <File>.title and <File>.description.
type page struct {
	Route   string // in the syntax of gorilla/mux
	File    string
	Section string // the current entry of the navigation
	For     string // the role of its readers: cliente or operador
}

var pages = []page{
	{"/", "shop", "shop", "cliente"},
	{"/compras", "compras", "compras", "cliente"},
	{"/compras/{id}", "compra", "compras", "cliente"},
	{"/operador", "panel", "panel", "operador"},
	{"/operador/compras", "op-compras", "op-compras", "operador"},
	{"/operador/compras/{id}", "op-compra", "op-compras", "operador"},
	{"/operador/despachos", "despachos", "despachos", "operador"},
	{"/operador/aprobaciones", "aprobaciones", "aprobaciones", "operador"},
	{"/operador/existencias", "existencias", "existencias", "operador"},
	{"/operador/existencias/{id}", "existencia", "existencias", "operador"},
	{"/operador/mensajes-muertos", "dead-letters", "dead-letters", "operador"},
}

// Register adds the pages and their files to routes. A page answers requests that accept HTML; other requests for the same
// path go to the next route. Register panics on an embedded file that is broken; the package's tests find that first.
func Register(routes *mux.Router) {
	static := readStatic()
	routes.PathPrefix("/static/").Handler(static).Methods(http.MethodGet, http.MethodHead)
	routes.Handle("/favicon.ico", static["/static/icon.svg"]).Methods(http.MethodGet, http.MethodHead) // browsers ask for it on a page without an icon, as the sign-in form
	all, err := ReadWords()
	if err != nil {
		panic(err)
	}
	choose := newChooser(all)
	routes.HandleFunc(languagePath, choose.choose).Methods(http.MethodGet)
	for _, p := range pages {
		byLanguage := map[string]asset{}
		for _, words := range all {
			byLanguage[words.Language] = p.compose(words, all)
		}
		routes.HandleFunc(p.Route, func(w http.ResponseWriter, r *http.Request) {
			byLanguage[choose.of(r)].ServeHTTP(w, r)
		}).Methods(http.MethodGet, http.MethodHead).MatcherFunc(wantsHTML)
	}
}

func wantsHTML(r *http.Request, _ *mux.RouteMatch) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// view is the data of the templates: a page in a language.
type view struct {
	page
	Words
	Modules   []string // the files of static that the page's script imports, and the script
	Languages []Words  // all that the page may be read in
}

// compose renders the page in the language of words. Its text is the same for all visitors with that language.
func (p page) compose(words Words, languages []Words) asset {
	functions := template.FuncMap{"t": words.T}
	t := template.Must(template.New("").Funcs(functions).ParseFS(files, "html/frame.html", "html/"+p.File+".html"))
	scripts, err := modules(p.File + ".js")
	if err != nil {
		panic(err)
	}
	var text bytes.Buffer
	if err := t.ExecuteTemplate(&text, "frame.html", view{p, words, scripts, languages}); err != nil {
		panic(err)
	}
	return newAsset(p.File+".html", text.Bytes())
}

// Steps returns the steps of the saga, which each page has as JSON.
func (v view) Steps() []step { return steps(v.Words) }

// Texts returns what static/words.js needs: the language, and the texts that the scripts of the page use.
func (v view) Texts() (map[string]any, error) {
	texts := map[string]text{}
	for _, name := range v.Modules {
		script, err := files.ReadFile("static/" + name)
		if err != nil {
			return nil, err
		}
		maps.Copy(texts, v.usedIn(string(script)))
	}
	return map[string]any{
		"language": v.Language, "locale": v.texts["language.locale"], "texts": texts, "details": details(v.Words),
	}, nil
}

// Name returns the name of the language in the language itself.
func (w Words) Name() string { return w.texts["language.name"].plain }

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
	h.Set("Vary", "Accept, Accept-Language, Cookie")
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
