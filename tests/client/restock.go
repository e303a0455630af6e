package client

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"entregas/contracts"
)

// Restocked is a product that was restocked: how many there were, and are.
type Restocked struct {
	Before, After contracts.Producto
}

// Restock restocks what there is less of than minimums says (product to units), and gives what it did. key names this
// call: another call needs another one.
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
			return done, fmt.Errorf("el catálogo no tiene el producto %s", id)
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
