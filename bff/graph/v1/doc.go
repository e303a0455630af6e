// Package v1 is the GraphQL interface of the system that came before, at /v1, for the clients that it had.
package v1

//go:generate env GOWORK=off go tool -modfile=../../../tools/generators/go.mod gqlgen generate
