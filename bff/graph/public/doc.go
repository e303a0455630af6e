// Package public serves the GraphQL interface at /graphql. It has the operations of the REST interface, and subscriptions.
package public

//go:generate env GOWORK=off go tool -modfile=../../../tools/generators/go.mod gqlgen generate
