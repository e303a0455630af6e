// Package public is the GraphQL interface at /graphql: what the REST interface has, with subscriptions.
package public

//go:generate env GOWORK=off go tool -modfile=../../../tools/generators/go.mod gqlgen generate
