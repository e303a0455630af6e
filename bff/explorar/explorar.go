// Package explorar lets people read and try the interfaces: /docs is the OpenAPI, /graphiql the GraphQL. All that a browser
// needs for it is in the program; activos/LICENCIAS.txt says whose it is.
package explorar

import (
	"bytes"
	"embed"
	"net/http"
	"path"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
)

//go:embed activos
var activos embed.FS

// politica: both write their styles into the page, and load nothing from elsewhere.
const politica = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'"

// Docs adds /docs, with the contracts themselves beside it.
func Docs(rutas *mux.Router) {
	servir(rutas, "/docs", "docs.html")
	for _, nombre := range []string{"rapidoc.js", "docs.js", "docs.css"} {
		servir(rutas, "/docs/"+nombre, nombre)
	}
	for ruta, texto := range map[string][]byte{"/docs/openapi.yaml": contracts.OpenAPI, "/docs/asyncapi.yaml": contracts.AsyncAPI} {
		rutas.HandleFunc(ruta, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(texto))
		}).Methods(http.MethodGet, http.MethodHead)
	}
}

// GraphiQL adds /graphiql.
func GraphiQL(rutas *mux.Router) {
	servir(rutas, "/graphiql", "graphiql.html")
	for _, nombre := range []string{"graphiql.css", "inicio.css", "react.production.min.js", "react-dom.production.min.js", "graphiql.min.js", "inicio.js"} {
		servir(rutas, "/graphiql/"+nombre, nombre)
	}
}

func servir(rutas *mux.Router, ruta, nombre string) {
	rutas.HandleFunc(ruta, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", politica)
		http.ServeFileFS(w, r, activos, path.Join("activos", nombre))
	}).Methods(http.MethodGet, http.MethodHead)
}
