package common

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
)

// How many read documents are kept for the next who sends them, and how long one of these may be: a document of 32 kB weighs
// about a megabyte once it is read, and anybody may send a hundred different ones.
const (
	documents   = 100
	maxDocument = 4 << 10
)

// NewCache keeps the short documents, which programs send again and again.
func NewCache() graphql.Cache[*ast.QueryDocument] {
	return cache{lru.New[*ast.QueryDocument](documents)}
}

type cache struct {
	graphql.Cache[*ast.QueryDocument]
}

// Add implements graphql.Cache.
func (c cache) Add(ctx context.Context, text string, d *ast.QueryDocument) {
	if len(text) <= maxDocument {
		c.Cache.Add(ctx, text, d)
	}
}
