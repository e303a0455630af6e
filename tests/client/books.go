package client

import (
	"context"
	"fmt"
)

// Account is the line of one product in the books: a row of view balance, in units.
type Account struct {
	IDProducto  string `db:"id_producto"`
	Inicial     int64  `db:"inicial"`
	Repuesto    int64  `db:"repuesto"`
	Corregido   int64  `db:"corregido"`
	Existencias int64  `db:"existencias"`
	Reservado   int64  `db:"reservado"`
	Despachado  int64  `db:"despachado"`
	Diferencia  int64  `db:"diferencia"`
}

// Books reads the books from database productos, one line for each product.
func Books(ctx context.Context, productos *Database) ([]Account, error) {
	accounts, err := Rows[Account](ctx, productos, `select id_producto, inicial, repuesto, corregido, existencias, reservado, despachado, diferencia
		from balance order by length(id_producto), id_producto`)
	if err != nil {
		return nil, fmt.Errorf("read the books: %w", err)
	}
	return accounts, nil
}

// ReadBooks opens the database productos at dsn, reads the books and closes the database.
func ReadBooks(ctx context.Context, dsn string) ([]Account, error) {
	database, err := OpenDatabase(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer database.Close()
	return Books(ctx, database)
}

// Total returns the sum of the lines.
func Total(accounts []Account) Account {
	t := Account{IDProducto: "total"}
	for _, c := range accounts {
		t.Inicial += c.Inicial
		t.Repuesto += c.Repuesto
		t.Corregido += c.Corregido
		t.Existencias += c.Existencias
		t.Reservado += c.Reservado
		t.Despachado += c.Despachado
		t.Diferencia += c.Diferencia
	}
	return t
}

// Balanced returns an error unless every line balances: the units that came in are on the shelf, reserved or dispatched.
func Balanced(accounts []Account) error {
	for _, c := range accounts {
		if debit, credit := c.Inicial+c.Repuesto+c.Corregido, c.Existencias+c.Reservado+c.Despachado; debit != credit || c.Diferencia != 0 {
			return fmt.Errorf("the books of product %s do not balance: %d came in, and there are %d (%d on the shelf, %d reserved, %d dispatched; difference %d)",
				c.IDProducto, debit, credit, c.Existencias, c.Reservado, c.Despachado, c.Diferencia)
		}
	}
	if len(accounts) == 0 {
		return fmt.Errorf("the books are empty")
	}
	return nil
}
