package productos

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"entregas/contracts"
)

// Renglon is one line of an import file: units that come in, a threshold, or a new product.
type Renglon struct {
	Linea      int // of the file, from 1
	IDProducto string
	Nombre     string // "" where the line has none
	Cantidad   int
	Umbral     *int // nil where the line has none
}

// field returns the name of a field of the line in an error.
func (r Renglon) field(name string) string { return fmt.Sprintf("linea[%d].%s", r.Linea, name) }

// The columns of an import file. idColumn is mandatory, and one of the others.
const (
	idColumn       = "id_producto"
	cantidadColumn = "cantidad"
	umbralColumn   = "umbral"
	nombreColumn   = "nombre"
)

var importColumns = []string{idColumn, cantidadColumn, umbralColumn, nombreColumn}

// maxImportErrors bounds the wrong fields that one answer names.
const maxImportErrors = 50

// importErrors collects the wrong fields of a file.
type importErrors struct {
	contracts.Validator
	n int
}

func (e *importErrors) fail(field, detail string) {
	if e.n++; e.n <= maxImportErrors {
		e.Fail(field, detail)
	}
}

// check adds the wrong fields that one of the checks of contracts finds.
func (e *importErrors) check(do func(*contracts.Validator)) {
	var v contracts.Validator
	do(&v)
	var found *contracts.ValidationError
	if errors.As(v.Error(), &found) {
		for _, f := range found.Errores {
			e.fail(f.Field, f.Detalle)
		}
	}
}

func (e *importErrors) err() error {
	if e.n > maxImportErrors {
		e.Fail("csv", fmt.Sprintf("hay %d errores más", e.n-maxImportErrors))
	}
	return e.Error()
}

// ParseImportacion reads an import file: CSV as RFC 4180 has it, with commas or semicolons, and a header with the columns id_producto and
// cantidad, umbral or nombre. An empty cell changes nothing. It returns the lines, or a *contracts.ValidationError with the wrong fields,
// each with the number of its line.
func ParseImportacion(text string) ([]Renglon, error) {
	var e importErrors
	text = strings.TrimPrefix(text, "\ufeff") // a spreadsheet writes it
	header, _, _ := strings.Cut(text, "\n")
	reader := csv.NewReader(strings.NewReader(text))
	reader.FieldsPerRecord = -1
	if strings.Contains(header, ";") && !strings.Contains(header, ",") {
		reader.Comma = ';'
	}
	columns, err := reader.Read()
	if err != nil {
		e.fail("csv", "debe tener un encabezado con las columnas "+strings.Join(importColumns, ", "))
		return nil, e.err()
	}
	for i, name := range columns {
		columns[i] = strings.ToLower(strings.TrimSpace(name))
		switch {
		case !slices.Contains(importColumns, columns[i]):
			e.fail("csv", fmt.Sprintf("la columna %q no se conoce: las columnas son %s", contracts.Cut(name, contracts.MaxIdentifier), strings.Join(importColumns, ", ")))
		case slices.Contains(columns[:i], columns[i]):
			e.fail("csv", "la columna "+columns[i]+" está dos veces")
		}
	}
	if e.n == 0 && (!slices.Contains(columns, idColumn) || len(columns) == 1) {
		e.fail("csv", "debe tener la columna id_producto, y cantidad, umbral o nombre")
	}
	if e.n > 0 {
		return nil, e.err()
	}
	list := e.read(reader, columns)
	if e.n == 0 && len(list) == 0 {
		e.fail("csv", "no tiene ninguna línea después del encabezado")
	}
	if err := e.err(); err != nil {
		return nil, err
	}
	return list, nil
}

// read reads the lines after the header.
func (e *importErrors) read(reader *csv.Reader, columns []string) []Renglon {
	var list []Renglon
	first := map[string]int{} // the line of each product
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return list
		}
		if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
			e.fail(fmt.Sprintf("linea[%d]", wrong.StartLine), "no es CSV bien formado: revise las comillas")
			return list // the reader cannot tell where the next line begins
		}
		line, _ := reader.FieldPos(0)
		if strings.Join(cells, "") == "" { // a spreadsheet writes empty lines at the end
			continue
		}
		if len(cells) != len(columns) {
			e.fail(fmt.Sprintf("linea[%d]", line), fmt.Sprintf("tiene %d columnas y el encabezado %d", len(cells), len(columns)))
			continue
		}
		if len(list) == contracts.MaxImport {
			e.fail("csv", fmt.Sprintf("puede tener a lo sumo %d líneas", contracts.MaxImport))
			return list
		}
		r := e.renglon(line, columns, cells)
		if other := first[r.IDProducto]; other > 0 {
			e.fail(r.field(idColumn), fmt.Sprintf("ya está en la línea %d: junte las cantidades en una sola", other))
		}
		first[r.IDProducto] = line
		list = append(list, r)
	}
}

func (e *importErrors) renglon(line int, columns, cells []string) Renglon {
	r := Renglon{Linea: line}
	for i, column := range columns {
		cell := strings.TrimSpace(cells[i])
		switch column {
		case idColumn:
			r.IDProducto = cell
			e.check(func(v *contracts.Validator) { v.Identifier(r.field(idColumn), cell) })
		case nombreColumn:
			if r.Nombre = cell; cell != "" {
				e.check(func(v *contracts.Validator) { v.Nombre(r.field(nombreColumn), cell) })
			}
		case cantidadColumn:
			r.Cantidad = e.number(r.field(cantidadColumn), cell, contracts.MaxCantidad)
		case umbralColumn:
			if cell != "" {
				r.Umbral = new(e.number(r.field(umbralColumn), cell, contracts.MaxUmbral))
			}
		}
	}
	return r
}

// number reads a cell with a whole number from 0 to most; an empty cell is 0.
func (e *importErrors) number(field, cell string, most int) int {
	if cell == "" {
		return 0
	}
	n, err := strconv.Atoi(cell)
	if err != nil || n < 0 || n > most || strings.Trim(cell, "0123456789") != "" {
		e.fail(field, fmt.Sprintf("debe ser un número entero de 0 a %d, sin puntos ni comas", most))
		return 0
	}
	return n
}

// UsualUmbral is the threshold of a product for which nobody chose one.
const UsualUmbral = 10

// Existente is a product that an import changes.
type Existente struct {
	Producto
	Umbral int
}

// Importar decides what the lines do; existing has the products of the lines that exist. It returns an effect for each line, or a
// *contracts.ValidationError: then nothing may be changed.
func Importar(lines []Renglon, existing map[string]Existente) ([]contracts.EfectoDeImportacion, error) {
	var e importErrors
	effects := make([]contracts.EfectoDeImportacion, len(lines))
	for i, r := range lines {
		p, exists := existing[r.IDProducto]
		if !exists {
			p.Umbral = UsualUmbral
		}
		switch {
		case !exists && r.Nombre == "":
			e.fail(r.field(idColumn), "no existe el producto; para crearlo, la línea necesita su nombre")
		case exists && r.Nombre != "" && r.Nombre != p.Nombre:
			e.fail(r.field(nombreColumn), fmt.Sprintf("el producto ya se llama %q: una importación no cambia nombres", p.Nombre))
		case !Fits(p.Producto, r.Cantidad):
			e.fail(r.field(cantidadColumn), fmt.Sprintf("caben a lo sumo %d unidades y hay %d", MaxExistencias, p.Cantidad))
		}
		f := contracts.EfectoDeImportacion{
			Linea: r.Linea, IDProducto: r.IDProducto, Nuevo: !exists, Cantidad: r.Cantidad, Existencias: p.Cantidad, Quedan: p.Cantidad + r.Cantidad,
			UmbralAntes: p.Umbral, Umbral: p.Umbral,
		}
		if !exists {
			f.Nombre = r.Nombre
		}
		if r.Umbral != nil {
			f.Umbral = *r.Umbral
		}
		effects[i] = f
	}
	return effects, e.err()
}

// Sum returns the totals of effects.
func Sum(effects []contracts.EfectoDeImportacion) contracts.Importacion {
	total := contracts.Importacion{Lineas: len(effects)}
	for _, f := range effects {
		total.Unidades += int64(f.Cantidad)
		if f.Nuevo {
			total.Nuevos++
		} else if f.Umbral != f.UmbralAntes {
			total.Umbrales++
		}
	}
	return total
}

// Corregir returns the units on the shelf of p after a correction of cantidad units, and why the correction cannot be, in Spanish; "" where it
// can. Reserved units cannot be taken away: their purchases have to be cancelled first.
func Corregir(p Producto, cantidad int) (quedan int, refusal string) {
	quedan = p.Cantidad + cantidad
	switch {
	case quedan < 0:
		return quedan, fmt.Sprintf("Del producto %s hay %d en el estante: no se pueden quitar %d. Lo reservado no cuenta.", p.ID, p.Cantidad, -cantidad)
	case !Fits(p, cantidad):
		return quedan, fmt.Sprintf("Del producto %s caben a lo sumo %d unidades y hay %d.", p.ID, MaxExistencias, p.Cantidad)
	}
	return quedan, ""
}
