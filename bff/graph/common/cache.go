package common

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	// documents is how many parsed documents the cache keeps.
	documents = 100
	// maxDocument bounds the text of a document in the cache, in bytes. A document of 32 kB takes about a megabyte once it is parsed,
	// and anybody may send a hundred different ones.
	maxDocument = 4 << 10
)

// NewCache returns a cache of short parsed documents, which programs send again and again.
func NewCache() graphql.Cache[*ast.QueryDocument] {
	return cache{lru.New[*ast.QueryDocument](documents)}
}

// cache is the cache of NewCache.
type cache struct {
	graphql.Cache[*ast.QueryDocument]
}

// Add implements graphql.Cache.
func (c cache) Add(ctx context.Context, text string, d *ast.QueryDocument) {
	if len(text) <= maxDocument {
		c.Cache.Add(ctx, text, d)
	}
}
