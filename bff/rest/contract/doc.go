// Package contract is contracts/openapi.yaml in Go: the operations that rest serves, their parameters and shapes.
package contract

//go:generate env GOWORK=off go tool -modfile=../../../tools/generators/go.mod oapi-codegen -config oapi-codegen.yaml ../../../contracts/openapi.yaml
