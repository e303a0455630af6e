// Package explorer lets people read and try the interfaces: /docs is the OpenAPI, /graphiql the GraphQL. All that a browser
// needs for it is in the program; assets/LICENCIAS.txt says whose it is.
package explorer

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
var assets embed.FS

// policy: both write their styles into the page, and load nothing from elsewhere.
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'"

// Docs adds /docs, with the contracts themselves beside it.
func Docs(routes *mux.Router) {
	serve(routes, "/docs", "docs.html")
	for _, name := range []string{"rapidoc.js", "docs.js", "docs.css"} {
		serve(routes, "/docs/"+name, name)
	}
	for route, text := range map[string][]byte{"/docs/openapi.yaml": contracts.OpenAPI, "/docs/asyncapi.yaml": contracts.AsyncAPI} {
		routes.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
		}).Methods(http.MethodGet, http.MethodHead)
	}
}

// GraphiQL adds /graphiql.
func GraphiQL(routes *mux.Router) {
	serve(routes, "/graphiql", "graphiql.html")
	for _, name := range []string{"graphiql.css", "inicio.css", "react.production.min.js", "react-dom.production.min.js", "graphiql.min.js", "inicio.js"} {
		serve(routes, "/graphiql/"+name, name)
	}
}

func serve(routes *mux.Router, route, name string) {
	routes.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		http.ServeFileFS(w, r, assets, path.Join("activos", name))
	}).Methods(http.MethodGet, http.MethodHead)
}
