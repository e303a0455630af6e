// Package explorer serves the pages on which people read and try the interfaces: /docs for OpenAPI, /graphiql for GraphQL. The
// libraries of both pages are embedded in the program; assets/LICENSES.txt has their licenses.
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

//go:embed assets
var assets embed.FS

// policy is the Content-Security-Policy: both libraries write inline styles, and load files of this server only.
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'"

// Docs adds /docs to routes, with the OpenAPI and AsyncAPI contracts below it.
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
	for _, name := range []string{"graphiql.css", "start.css", "react.production.min.js", "react-dom.production.min.js", "graphiql.min.js", "start.js"} {
		serve(routes, "/graphiql/"+name, name)
	}
}

func serve(routes *mux.Router, route, name string) {
	routes.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		http.ServeFileFS(w, r, assets, path.Join("assets", name))
	}).Methods(http.MethodGet, http.MethodHead)
}
