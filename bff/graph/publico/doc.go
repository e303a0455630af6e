// Package publico is the GraphQL interface at /graphql: what the REST interface has, with subscriptions.
package publico

//go:generate env GOWORK=off go tool -modfile=../../../tools/generadores/go.mod gqlgen generate
