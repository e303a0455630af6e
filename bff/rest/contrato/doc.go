// Package contrato is contracts/openapi.yaml in Go: the operations that rest serves, their parameters and shapes.
package contrato

//go:generate env GOWORK=off go tool -modfile=../../../tools/generadores/go.mod oapi-codegen -config oapi-codegen.yaml ../../../contracts/openapi.yaml
