// Package monitor is contracts/openapi/monitor.yaml in Go: the interface that monitor serves, and its client.
package monitor

//go:generate env GOWORK=off go tool -modfile=../../../tools/generators/go.mod oapi-codegen -config oapi-codegen.yaml ../../../contracts/openapi/monitor.yaml
