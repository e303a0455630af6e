package postgres_test

import (
	"testing"

	"entregas/contracts"
)

// BenchmarkReservar measures a reservation of three lines: alone, and while other reservations lock the same products.
func BenchmarkReservar(b *testing.B) {
	lineas := []contracts.Linea{linea("1", 1), linea("2", 1), linea("3", 1)}
	setup := func(b *testing.B) bodega {
		bodega := newBodega(b)
		if _, err := bodega.pool.Exec(b.Context(), `update producto set cantidad = 1000000000`); err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		return bodega
	}
	b.Run("una", func(b *testing.B) {
		bodega := setup(b)
		for b.Loop() {
			bodega.require(b, contracts.ReservarProducto, compra(), lineas, contracts.ProductosReservados)
		}
	})
	b.Run("many at once", func(b *testing.B) {
		bodega := setup(b)
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				bodega.requireInParallel(b, contracts.ReservarProducto, compra(), lineas, contracts.ProductosReservados)
			}
		})
	})
}
