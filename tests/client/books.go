package client

import (
	"context"
	"fmt"
)

// Account is one product's line in the books: view balance.
type Account struct {
	IDProducto  string `db:"id_producto"`
	Inicial     int64  `db:"inicial"`
	Repuesto    int64  `db:"repuesto"`
	Existencias int64  `db:"existencias"`
	Reservado   int64  `db:"reservado"`
	Despachado  int64  `db:"despachado"`
	Diferencia  int64  `db:"diferencia"`
}

// Books reads the books in database productos, one line a product.
func Books(ctx context.Context, productos *Database) ([]Account, error) {
	accounts, err := Rows[Account](ctx, productos, `select id_producto, inicial, repuesto, existencias, reservado, despachado, diferencia
		from balance order by length(id_producto), id_producto`)
	if err != nil {
		return nil, fmt.Errorf("leer los libros: %w", err)
	}
	return accounts, nil
}

// Total adds the lines up.
func Total(accounts []Account) Account {
	t := Account{IDProducto: "total"}
	for _, c := range accounts {
		t.Inicial += c.Inicial
		t.Repuesto += c.Repuesto
		t.Existencias += c.Existencias
		t.Reservado += c.Reservado
		t.Despachado += c.Despachado
		t.Diferencia += c.Diferencia
	}
	return t
}

// Balanced is nil when nothing was lost or made up, for each product and at once.
func Balanced(accounts []Account) error {
	for _, c := range accounts {
		if debit, credit := c.Inicial+c.Repuesto, c.Existencias+c.Reservado+c.Despachado; debit != credit || c.Diferencia != 0 {
			return fmt.Errorf("los libros del producto %s no cuadran: entraron %d, y hay %d (%d en existencias, %d reservadas, %d despachadas; diferencia %d)",
				c.IDProducto, debit, credit, c.Existencias, c.Reservado, c.Despachado, c.Diferencia)
		}
	}
	if len(accounts) == 0 {
		return fmt.Errorf("los libros están vacíos")
	}
	return nil
}
