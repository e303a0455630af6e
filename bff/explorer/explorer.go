// Package explorer serves the pages on which people read and try the interfaces: /docs for OpenAPI, /graphiql for GraphQL. The
// libraries of both pages are embedded in the program; assets/LICENSES.txt has their licenses.
package explorer

import (
	"embed"
	"net/http"
	"path"
	"sync"

	"github.com/gorilla/mux"

	"entregas/bff/encoding"
	"entregas/contracts"
)

//go:embed assets
var assets embed.FS

// policy is the Content-Security-Policy: both libraries write inline styles, and load files of this server only.
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'"

// Docs adds /docs to routes, with the OpenAPI and AsyncAPI contracts below it.
func Docs(routes *mux.Router) {
	serve(routes, "/docs", asset("docs.html"))
	for _, name := range []string{"rapidoc.js", "docs.js", "docs.css"} {
		serve(routes, "/docs/"+name, asset(name))
	}
	serve(routes, "/docs/openapi.yaml", openAPI)
	serve(routes, "/docs/asyncapi.yaml", asyncAPI)
}

// GraphiQL adds /graphiql to routes.
func GraphiQL(routes *mux.Router) {
	serve(routes, "/graphiql", asset("graphiql.html"))
	for _, name := range []string{"graphiql.css", "start.css", "react.production.min.js", "react-dom.production.min.js", "graphiql.min.js", "start.js"} {
		serve(routes, "/graphiql/"+name, asset(name))
	}
}

var (
	openAPI  = encoding.NewFile("openapi.yaml", contracts.OpenAPI)
	asyncAPI = encoding.NewFile("asyncapi.yaml", contracts.AsyncAPI)

	kept sync.Map // by name: the *encoding.File of assets, which compresses its text once
)

// asset returns the file of assets with the name. It panics where there is none; a test asks for all of them.
func asset(name string) *encoding.File {
	text, err := assets.ReadFile(path.Join("assets", name))
	if err != nil {
		panic(err)
	}
	f, _ := kept.LoadOrStore(name, encoding.NewFile(name, text))
	return f.(*encoding.File)
}

func serve(routes *mux.Router, route string, f *encoding.File) {
	routes.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		f.ServeHTTP(w, r)
	}).Methods(http.MethodGet, http.MethodHead)
}
