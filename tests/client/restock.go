package client

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"entregas/contracts"
)

// Restocked is a product before and after it was restocked.
type Restocked struct {
	Before, After contracts.Producto
}

// Restock adds units to each product that has fewer units than minimums says, and returns the products to which it added units. key
// identifies this call: a second call with the same key adds nothing.
func (c *Client) Restock(ctx context.Context, minimums map[string]int, key string) ([]Restocked, error) {
	productos, err := c.Productos(ctx)
	if err != nil {
		return nil, err
	}
	stock := map[string]contracts.Producto{}
	for _, p := range productos {
		stock[p.ID] = p
	}
	var done []Restocked
	for _, id := range slices.Sorted(maps.Keys(minimums)) {
		p, isKnown := stock[id]
		if !isKnown {
			return done, fmt.Errorf("the catalogue has no product %s", id)
		}
		if absent := minimums[id] - p.Cantidad; absent > 0 {
			now, err := c.Reponer(ctx, id, absent, key+"-"+id)
			if err != nil {
				return done, err
			}
			done = append(done, Restocked{Before: p, After: now})
		}
	}
	return done, nil
}
