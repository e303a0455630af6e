// Package adminproductos is contracts/openapi/admin-productos.yaml in Go: the interface that admin-productos serves, and its client.
package adminproductos

//go:generate env GOWORK=off go tool -modfile=../../../tools/generators/go.mod oapi-codegen -config oapi-codegen.yaml ../../../contracts/openapi/admin-productos.yaml
