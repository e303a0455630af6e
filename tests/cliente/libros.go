package cliente

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Cuenta is one product's line in the books: view balance.
type Cuenta struct {
	IDProducto  string `db:"id_producto"`
	Inicial     int64  `db:"inicial"`
	Repuesto    int64  `db:"repuesto"`
	Existencias int64  `db:"existencias"`
	Reservado   int64  `db:"reservado"`
	Despachado  int64  `db:"despachado"`
	Diferencia  int64  `db:"diferencia"`
}

// Libros reads the books at dsn, one line a product.
func Libros(ctx context.Context, dsn string) ([]Cuenta, error) {
	conexion, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("abrir los libros: %w", err)
	}
	defer func() { _ = conexion.Close(ctx) }() // it was only read
	filas, err := conexion.Query(ctx, `select id_producto, inicial, repuesto, existencias, reservado, despachado, diferencia
		from balance order by length(id_producto), id_producto`)
	if err != nil {
		return nil, fmt.Errorf("leer los libros: %w", err)
	}
	return pgx.CollectRows(filas, pgx.RowToStructByName[Cuenta])
}

// Total adds the lines up.
func Total(cuentas []Cuenta) Cuenta {
	t := Cuenta{IDProducto: "total"}
	for _, c := range cuentas {
		t.Inicial += c.Inicial
		t.Repuesto += c.Repuesto
		t.Existencias += c.Existencias
		t.Reservado += c.Reservado
		t.Despachado += c.Despachado
		t.Diferencia += c.Diferencia
	}
	return t
}

// Cuadran is nil when nothing was lost or made up, for each product and at once.
func Cuadran(cuentas []Cuenta) error {
	for _, c := range cuentas {
		if debe, haber := c.Inicial+c.Repuesto, c.Existencias+c.Reservado+c.Despachado; debe != haber || c.Diferencia != 0 {
			return fmt.Errorf("los libros del producto %s no cuadran: entraron %d, y hay %d (%d en existencias, %d reservadas, %d despachadas; diferencia %d)",
				c.IDProducto, debe, haber, c.Existencias, c.Reservado, c.Despachado, c.Diferencia)
		}
	}
	if len(cuentas) == 0 {
		return fmt.Errorf("los libros están vacíos")
	}
	return nil
}
