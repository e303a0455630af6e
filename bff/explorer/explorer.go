// Package explorer serves pages on which people read and try the interfaces: /docs for OpenAPI, /graphiql for GraphQL. All files
// that a browser needs are in the program; activos/LICENCIAS.txt has their licenses.
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

// policy is the Content-Security-Policy of both pages. They write styles into the page, and load nothing from other sites.
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'"

// Docs adds /docs to routes, and the contracts at /docs/openapi.yaml and /docs/asyncapi.yaml.
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

// GraphiQL adds /graphiql to routes.
func GraphiQL(routes *mux.Router) {
	serve(routes, "/graphiql", "graphiql.html")
	for _, name := range []string{"graphiql.css", "inicio.css", "react.production.min.js", "react-dom.production.min.js", "graphiql.min.js", "inicio.js"} {
		serve(routes, "/graphiql/"+name, name)
	}
}

// serve adds route to routes, which answers the file name.
func serve(routes *mux.Router, route, name string) {
	routes.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		http.ServeFileFS(w, r, assets, path.Join("activos", name))
	}).Methods(http.MethodGet, http.MethodHead)
}
