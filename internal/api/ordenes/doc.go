// Package ordenes is contracts/openapi/ordenes.yaml in Go: the interface that ordenes serves, and its client.
package ordenes

//go:generate env GOWORK=off go tool -modfile=../../../tools/generators/go.mod oapi-codegen -config oapi-codegen.yaml ../../../contracts/openapi/ordenes.yaml
