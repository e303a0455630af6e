// Package pages serves the web pages of customers and operators. The files are embedded in the program. The pages read their
// data from the public API, with the visitor's session.
package pages

import (
	"bytes"
	"embed"
	"html/template"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/gorilla/mux"

	"entregas/bff/encoding"
	"entregas/contracts"
	"entregas/workflows/compra"
)

//go:embed html static words
var files embed.FS

// page is one page: html/<File>.html inside html/frame.html, with the script static/<File>.js. Its title and description are the
// words <File>.title and <File>.description. html/queue.html has what the pages of the queues share.
type page struct {
	Route   string // in the syntax of gorilla/mux
	File    string
	Section string // the current entry of the navigation
	For     string // the role of its readers: cliente or operador
}

// idForm are the ids of purchases that a page may have in its path. Any other is an unknown address.
const idForm = `[0-9A-Za-z-]{1,64}`

var pages = []page{
	{"/", "shop", "shop", "cliente"},
	{"/compras", "compras", "compras", "cliente"},
	{"/compras/{id:" + idForm + "}", "compra", "compras", "cliente"},
	{"/operador", "panel", "panel", "operador"},
	{"/operador/compras", "op-compras", "op-compras", "operador"},
	{"/operador/compras/{id:" + idForm + "}", "op-compra", "op-compras", "operador"},
	{"/operador/despachos", "despachos", "despachos", "operador"},
	{"/operador/aprobaciones", "aprobaciones", "aprobaciones", "operador"},
	{"/operador/existencias", "existencias", "existencias", "operador"},
	{"/operador/existencias/{id}", "existencia", "existencias", "operador"},
	{"/operador/auditoria", "auditoria", "auditoria", "operador"},
	{"/operador/mensajes-muertos", "dead-letters", "dead-letters", "operador"},
	{"/operador/avisos", "avisos", "avisos", "operador"},
}

// Register adds the pages and their files to routes. A page answers requests that accept HTML; other requests for the same
// path go to the next route. Register panics on an embedded file that is broken; the package's tests find that first.
//
// A page is the same file for all visitors, and Register does not know the session of the visitor. So the page of a purchase answers 200 for each id of
// the right form. Its script asks the API, and says plainly that there is no such purchase, or that it is somebody else's: the API
// answers both with the same 404, so that nobody learns which ids exist.
func Register(routes *mux.Router) {
	site := theSite()
	routes.PathPrefix("/static/").Handler(site.static).Methods(http.MethodGet, http.MethodHead)
	routes.Handle("/favicon.ico", site.static.byRoute["/static/icon.svg"]).Methods(http.MethodGet, http.MethodHead) // browsers ask for it on a page without an icon, as the sign-in form
	routes.HandleFunc(languagePath, site.chooser.choose).Methods(http.MethodGet)
	for _, p := range pages {
		routes.HandleFunc(p.Route, func(w http.ResponseWriter, r *http.Request) {
			setHeaders(w.Header())
			site.pages[p.File][site.chooser.of(r)].ServeHTTP(w, r)
		}).Methods(http.MethodGet, http.MethodHead).MatcherFunc(wantsHTML)
	}
}

// site has all that this package serves.
type site struct {
	static    static
	chooser   chooser
	languages []Words
	words     map[string]Words                     // by language
	pages     map[string]map[string]*encoding.File // by page.File and language
	problem   map[string]*template.Template        // by language: smallPages
}

// theSite returns the site, which is made once.
var theSite = sync.OnceValue(func() site {
	all, err := ReadWords()
	if err != nil {
		panic(err)
	}
	s := site{readStatic(), newChooser(all), all, map[string]Words{}, map[string]map[string]*encoding.File{}, map[string]*template.Template{}}
	for _, words := range all {
		s.words[words.Language] = words
		s.problem[words.Language] = smallPages(words, s.static)
	}
	for _, p := range pages {
		s.pages[p.File] = map[string]*encoding.File{}
		for _, words := range all {
			s.pages[p.File][words.Language] = p.compose(words, all, s.static)
		}
	}
	return s
})

func wantsHTML(r *http.Request, _ *mux.RouteMatch) bool { return acceptsHTML(r) }

// acceptsHTML reports whether a browser shows the answer to r as a page.
func acceptsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// view is the data of the templates: a page in a language.
type view struct {
	page
	Words
	Modules   []string // the files of static that the page's script imports, and the script
	Languages []Words  // all that the page may be read in
}

// compose renders the page in the language of words. Its text is the same for all visitors with that language.
func (p page) compose(words Words, languages []Words, static static) *encoding.File {
	functions := template.FuncMap{"t": words.T, "static": static.route}
	t := template.Must(template.New("").Funcs(functions).ParseFS(files, "html/frame.html", "html/queue.html", "html/"+p.File+".html"))
	scripts, err := modules(p.File + ".js")
	if err != nil {
		panic(err)
	}
	var text bytes.Buffer
	if err := t.ExecuteTemplate(&text, "frame.html", view{p, words, scripts, languages}); err != nil {
		panic(err)
	}
	return encoding.NewFile(p.File+".html", text.Bytes())
}

// Steps returns the steps of the saga, which each page has as JSON.
func (v view) Steps() []step { return steps(v.Words) }

// Monedas returns the currencies with their decimal digits, which static/money.js reads.
func (view) Monedas() map[string]int { return contracts.Monedas }

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
		"cancelled": map[string]string{"cliente": compra.CancelledByCustomer, "operador": compra.CancelledByOperator},
	}, nil
}

// Name returns the name of the language in the language itself.
func (w Words) Name() string { return w.texts["language.name"].plain }

// policy is the Content-Security-Policy: a page loads files of this server only, has no inline script or style, and cannot be
// framed.
const policy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// setHeaders sets the headers of every page and file. A page depends on what its visitor accepts and on the language.
func setHeaders(h http.Header) {
	h.Set("Vary", "Accept, Accept-Language, Cookie")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
}
