package cliente

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"entregas/contracts"
)

// Surtido is a product that was restocked: how many there were, and are.
type Surtido struct {
	Antes, Ahora contracts.Producto
}

// Surtir restocks what there is less of than minimos says (product to units), and gives what it did. clave names this
// call: another call needs another one.
func (c *Cliente) Surtir(ctx context.Context, minimos map[string]int, clave string) ([]Surtido, error) {
	productos, err := c.Productos(ctx)
	if err != nil {
		return nil, err
	}
	hay := map[string]contracts.Producto{}
	for _, p := range productos {
		hay[p.ID] = p
	}
	var hecho []Surtido
	for _, id := range slices.Sorted(maps.Keys(minimos)) {
		p, conocido := hay[id]
		if !conocido {
			return hecho, fmt.Errorf("el catálogo no tiene el producto %s", id)
		}
		if falta := minimos[id] - p.Cantidad; falta > 0 {
			ahora, err := c.Reponer(ctx, id, falta, clave+"-"+id)
			if err != nil {
				return hecho, err
			}
			hecho = append(hecho, Surtido{Antes: p, Ahora: ahora})
		}
	}
	return hecho, nil
}
