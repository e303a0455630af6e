package productos_test

import (
	"testing"

	"entregas/services/admin-productos/productos"
)

func TestCorregirStaysWithinTheShelf(t *testing.T) {
	p := productos.Producto{ID: "1", Cantidad: 5}
	for cantidad, allowed := range map[int]bool{-6: false, -5: true, 1: true, productos.MaxExistencias - 5: true, productos.MaxExistencias - 4: false} {
		if quedan, refusal := productos.Corregir(p, cantidad); (refusal == "") != allowed || allowed && quedan != 5+cantidad {
			t.Errorf("%d: %d %q", cantidad, quedan, refusal)
		}
	}
}
