// Package gestorcompra is contracts/openapi/gestor-compra.yaml in Go: the interface that gestor-compra serves, and its client.
package gestorcompra

//go:generate env GOWORK=off go tool -modfile=../../../tools/generators/go.mod oapi-codegen -config oapi-codegen.yaml ../../../contracts/openapi/gestor-compra.yaml
