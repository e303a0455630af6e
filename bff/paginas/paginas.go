// Package paginas is the web page: one for customers, one for operators. It serves files that are embedded in the program
// and asks nothing itself: what they show, they ask of the public API under the visitor's session.
package paginas

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
var archivos embed.FS

// pagina is one page: html/<Archivo>.html within html/marco.html, brought to life by estatico/<Archivo>.js.
type pagina struct {
	Ruta    string // as gorilla/mux has it
	Archivo string
	Titulo  string
	Seccion string // the entry of the navigation that is current
	Para    string // the role that it is meant for: cliente or operador
}

// Steps are the steps of the saga, which each page has as JSON.
func (pagina) Steps() []step { return steps() }

var paginas = []pagina{
	{"/", "tienda", "Tienda", "tienda", "cliente"},
	{"/compras", "compras", "Mis compras", "compras", "cliente"},
	{"/compras/{id}", "compra", "Su compra", "compras", "cliente"},
	{"/operador", "panel", "Lo que pasa ahora", "panel", "operador"},
	{"/operador/compras", "op-compras", "Compras", "op-compras", "operador"},
	{"/operador/compras/{id}", "op-compra", "Una compra", "op-compras", "operador"},
	{"/operador/existencias", "existencias", "Existencias y libros", "existencias", "operador"},
	{"/operador/mensajes-muertos", "muertos", "Mensajes muertos", "muertos", "operador"},
}

// Registrar adds the pages and their files to rutas. A page is for clients that ask for HTML: a program that asks for the
// same address finds the route that comes after. It panics where an embedded file is not what it should be, which the
// package's test would have said.
func Registrar(rutas *mux.Router) {
	estaticos := leerEstaticos()
	rutas.PathPrefix("/estatico/").Handler(estaticos).Methods(http.MethodGet, http.MethodHead)
	rutas.Handle("/favicon.ico", estaticos["/estatico/icono.svg"]).Methods(http.MethodGet, http.MethodHead) // for what names no icon, as the sign-in form
	for _, p := range paginas {
		rutas.Handle(p.Ruta, p.componer()).Methods(http.MethodGet, http.MethodHead).MatcherFunc(pideHTML)
	}
}

func pideHTML(r *http.Request, _ *mux.RouteMatch) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// componer makes the page's text, once.
func (p pagina) componer() fichero {
	t := template.Must(template.ParseFS(archivos, "html/marco.html", "html/"+p.Archivo+".html"))
	var texto bytes.Buffer
	if err := t.ExecuteTemplate(&texto, "marco.html", p); err != nil {
		panic(err)
	}
	return nuevoFichero(p.Archivo+".html", texto.Bytes())
}

// politica lets a page load what this server has and nothing else: no inline script or style, no frame around it.
const politica = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// fichero is a file that is served from memory. A browser keeps it and asks each time whether it changed.
type fichero struct {
	nombre, tipo, marca string
	texto               []byte
}

func nuevoFichero(nombre string, texto []byte) fichero {
	huella := sha256.Sum256(texto)
	tipo := mime.TypeByExtension(path.Ext(nombre))
	if propio, hay := tipos[path.Ext(nombre)]; hay { // the machine's own list of types may say otherwise
		tipo = propio
	}
	return fichero{nombre, tipo, `"` + hex.EncodeToString(huella[:8]) + `"`, texto}
}

var tipos = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".html": "text/html; charset=utf-8",
	".svg": "image/svg+xml", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
}

func (f fichero) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.tipo)
	h.Set("ETag", f.marca)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept")
	h.Set("Content-Security-Policy", politica)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	http.ServeContent(w, r, f.nombre, time.Time{}, bytes.NewReader(f.texto))
}

// ficheros are files by their path.
type ficheros map[string]fichero

func leerEstaticos() ficheros {
	todos := ficheros{}
	err := fs.WalkDir(archivos, "estatico", func(ruta string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		texto, err := archivos.ReadFile(ruta)
		todos["/"+ruta] = nuevoFichero(ruta, texto)
		return err
	})
	if err != nil {
		panic(err)
	}
	return todos
}

func (todos ficheros) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, hay := todos[r.URL.Path]
	if !hay {
		http.NotFound(w, r)
		return
	}
	f.ServeHTTP(w, r)
}
