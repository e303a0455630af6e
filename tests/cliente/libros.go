package cliente

import (
	"context"
	"fmt"
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

// Libros reads the books in database productos, one line a product.
func Libros(ctx context.Context, productos *Base) ([]Cuenta, error) {
	cuentas, err := Filas[Cuenta](ctx, productos, `select id_producto, inicial, repuesto, existencias, reservado, despachado, diferencia
		from balance order by length(id_producto), id_producto`)
	if err != nil {
		return nil, fmt.Errorf("leer los libros: %w", err)
	}
	return cuentas, nil
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
