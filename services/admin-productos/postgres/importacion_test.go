package postgres_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/services/admin-productos/productos"
)

// parse reads the lines of a simple import file, without quotes.
func parse(t testing.TB, text string) []productos.Renglon {
	t.Helper()
	rows := strings.Split(strings.TrimSpace(text), "\n")
	var lines []productos.Renglon
	for i, row := range rows[1:] {
		r := productos.Renglon{Linea: i + 2}
		cells := strings.Split(row, ",")
		for j, column := range strings.Split(rows[0], ",") {
			n, _ := strconv.Atoi(cells[j])
			switch column {
			case productos.IDColumn:
				r.IDProducto = cells[j]
			case productos.NombreColumn:
				r.Nombre = cells[j]
			case productos.CantidadColumn:
				r.Cantidad = n
			default:
				if cells[j] != "" {
					r.Umbral = &n
				}
			}
		}
		lines = append(lines, r)
	}
	return lines
}

const goodImport = "id_producto,cantidad,umbral,nombre\n15,20,5,\n1,,100,\nnuevo-1,7,,Azúcar moreno\n2,3,10,\n"

// A trial says what each line would do and changes nothing. The import does exactly that, once for each key.
func TestImportar(t *testing.T) {
	b := newBodega(t)
	ctx := actor.With(t.Context(), actor.Actor{Sujeto: "oti", Rol: contracts.RolOperador})
	lines := parse(t, goodImport)
	before := b.balanceByProducto(t)
	trial, err := b.Ensayar(ctx, lines)
	if err != nil || !trial.Ensayo || len(trial.Efectos) != 4 {
		t.Fatalf("%+v %v", trial, err)
	}
	if after := b.balanceByProducto(t); after["15"] != before["15"] || len(after) != len(before) {
		t.Errorf("the trial changed something: %+v", after)
	}
	for time := range 2 {
		total, err := b.Importar(ctx, lines, "clave")
		if want := (contracts.Importacion{Lineas: 4, Unidades: 30, Nuevos: 1, Umbrales: 2}); err != nil || fmt.Sprint(total) != fmt.Sprint(want) {
			t.Errorf("time %d: %+v %v", time, total, err)
		}
	}
	after := b.balanceByProducto(t)
	for _, f := range trial.Efectos {
		s := after[f.IDProducto]
		if s.Existencias != f.Quedan || s.Umbral != f.Umbral || s.Existencias-f.Cantidad != f.Existencias || f.Nuevo && (s.Inicial != f.Cantidad || s.Nombre != f.Nombre) {
			t.Errorf("%+v became %+v", f, s)
		}
	}
	if _, err := b.Importar(ctx, lines[:3], "clave"); errs.Of(err) != errs.OtherBody {
		t.Errorf("the key with other lines: %v", err)
	}
	if n := b.count(t, `select count(*) from movimiento where sujeto = 'oti' and motivo like 'Importación, línea _'`); n != 3 { // 1 has no units
		t.Errorf("%d movements say who", n)
	}
	if n := b.count(t, `select count(*) from acto where tipo = 'importacion' and sujeto = 'oti'`); n != 1 {
		t.Errorf("the audit has %d imports", n)
	}
	b.balances(t)
}

// One refused line refuses all, and the error has its number.
func TestImportarRefusesAll(t *testing.T) {
	b, ctx := newBodega(t), t.Context()
	if _, err := b.pool.Exec(ctx, `insert into producto (id, nombre, cantidad) values ('lleno', 'Lleno', 999999999)`); err != nil {
		t.Fatal(err)
	}
	for field, line := range map[string]string{
		"linea[3].id_producto": "19,1,,", "linea[3].nombre": "2,1,,Panela", "linea[3].cantidad": "lleno,2,,",
	} {
		lines := parse(t, "id_producto,cantidad,umbral,nombre\n15,20,5,\n"+line)
		_, trialErr := b.Ensayar(ctx, lines)
		_, err := b.Importar(ctx, lines, field)
		for _, err := range []error{trialErr, err} {
			var wrong *contracts.ValidationError
			if !errors.As(err, &wrong) || len(wrong.Errores) != 1 || wrong.Errores[0].Field != field {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	if n := b.count(t, `select count(*) from movimiento where tipo = 'REPOSICION'`) + b.count(t, `select count(*) from importacion`); n != 0 {
		t.Errorf("a refused import changed %d rows", n)
	}
}

// Imports, restocks, reservations and corrections of the same products at once: none is lost or done twice, and none fails but for a lock.
func TestImportarAtOnce(t *testing.T) {
	b, ctx := newBodega(t), t.Context()
	lines := parse(t, "id_producto,cantidad,nombre\n18,1,\n3,1,\n1,1,\nnuevo,1,Nuevo\n")
	known := parse(t, "id_producto,cantidad\n18,1\n3,1\n1,1\nnuevo,1\n")
	var conflicts atomic.Int32
	databasetest.Concurrently(8, 8, func(i int) {
		_, err := b.Importar(ctx, lines, fmt.Sprint("nuevo ", i%2))
		if errs.Of(err) == errs.Conflict {
			conflicts.Add(1)
		} else if err != nil {
			t.Error(err)
		}
	})
	databasetest.Concurrently(60, 12, func(i int) {
		var err error
		switch i % 3 {
		case 0:
			_, err = b.Importar(ctx, known, fmt.Sprint(i/6))
		case 1:
			b.requireInParallel(t, contracts.ReservarProducto, compra(), []contracts.Linea{linea("1", 1), linea("18", 1), linea("3", 1)}, contracts.ProductosReservados)
		default:
			_, err = b.Reponer(ctx, "3", 1, fmt.Sprint("r", i))
		}
		if err != nil && errs.Of(err) != errs.Unavailable {
			t.Error(err)
		}
	})
	if s := b.balanceByProducto(t); s["nuevo"].Inicial != 1 || s["1"].Repuesto != s["18"].Repuesto || s["1"].Repuesto < 10 || s["1"].Repuesto > 12 {
		t.Errorf("%d conflicts; %+v", conflicts.Load(), s)
	}
	b.balances(t)
}

// The largest import is done well within the second that the bff waits, while the ledger is long.
func TestTheLargestImportIsQuick(t *testing.T) {
	b, ctx := newBodega(t), t.Context()
	var text strings.Builder
	text.WriteString("id_producto,cantidad,umbral,nombre\n")
	for i := range contracts.MaxImport {
		fmt.Fprintf(&text, "sku-%06d,%d,%d,Producto número %d\n", i, i%100, i%50, i)
	}
	for round := range 2 { // the second changes what the first created
		began := time.Now()
		lines := parse(t, text.String())
		trial, err := b.Ensayar(ctx, lines)
		if err != nil || len(trial.Efectos) != contracts.MaxImport {
			t.Fatal(err)
		}
		tried := time.Since(began)
		if _, err := b.Importar(ctx, lines, fmt.Sprint(round)); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began) - tried
		t.Logf("round %d: the trial took %v, the import %v", round, tried, took)
		if took > 3*time.Second { // a busy machine; alone it takes a tenth
			t.Errorf("it took %v", took)
		}
	}
	b.balances(t)
}
