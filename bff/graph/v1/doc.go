// Package v1 serves the GraphQL interface of the earlier system at /v1, for its clients.
package v1

//go:generate env GOWORK=off go tool -modfile=../../../tools/generators/go.mod gqlgen generate
