// Package avisos is contracts/openapi/avisos.yaml in Go: the interface that avisos serves, and its client.
package avisos

//go:generate env GOWORK=off go tool -modfile=../../../tools/generators/go.mod oapi-codegen -config oapi-codegen.yaml ../../../contracts/openapi/avisos.yaml
