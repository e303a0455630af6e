package rest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"entregas/contracts"
	"entregas/services/admin-productos/productos"
)

var importColumns = []string{productos.IDColumn, productos.CantidadColumn, productos.UmbralColumn, productos.NombreColumn}

// importReader reads an import file and collects what is wrong with it.
type importReader struct{ productos.ImportErrors }

// parseImportacion reads an import file: CSV as RFC 4180 has it, with commas or semicolons, and a header with the columns id_producto and
// cantidad, umbral or nombre. An empty cell changes nothing. It returns the lines, or a *contracts.ValidationError with the wrong fields,
// each with the number of its line.
func parseImportacion(text string) ([]productos.Renglon, error) {
	var e importReader
	text = strings.TrimPrefix(text, "\ufeff") // a spreadsheet writes it
	header, _, _ := strings.Cut(text, "\n")
	reader := csv.NewReader(strings.NewReader(text))
	reader.FieldsPerRecord = -1
	if strings.Contains(header, ";") && !strings.Contains(header, ",") {
		reader.Comma = ';'
	}
	columns, err := reader.Read()
	if err != nil {
		e.Add("csv", "debe tener un encabezado con las columnas "+strings.Join(importColumns, ", "))
		return nil, e.Err()
	}
	for i, name := range columns {
		columns[i] = strings.ToLower(strings.TrimSpace(name))
		switch {
		case !slices.Contains(importColumns, columns[i]):
			e.Add("csv", fmt.Sprintf("la columna %q no se conoce: las columnas son %s", contracts.Cut(name, contracts.MaxIdentifier), strings.Join(importColumns, ", ")))
		case slices.Contains(columns[:i], columns[i]):
			e.Add("csv", "la columna "+columns[i]+" está dos veces")
		}
	}
	if e.Len() == 0 && (!slices.Contains(columns, productos.IDColumn) || len(columns) == 1) {
		e.Add("csv", "debe tener la columna id_producto, y cantidad, umbral o nombre")
	}
	if e.Len() > 0 {
		return nil, e.Err()
	}
	list := e.read(reader, columns)
	if e.Len() == 0 && len(list) == 0 {
		e.Add("csv", "no tiene ninguna línea después del encabezado")
	}
	if err := e.Err(); err != nil {
		return nil, err
	}
	return list, nil
}

// read reads the lines after the header.
func (e *importReader) read(reader *csv.Reader, columns []string) []productos.Renglon {
	var list []productos.Renglon
	first := map[string]int{} // the line of each product
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return list
		}
		if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
			e.Add(fmt.Sprintf("linea[%d]", wrong.StartLine), "no es CSV bien formado: revise las comillas")
			return list // the reader cannot tell where the next line begins
		}
		line, _ := reader.FieldPos(0)
		if strings.Join(cells, "") == "" { // a spreadsheet writes empty lines at the end
			continue
		}
		if len(cells) != len(columns) {
			e.Add(fmt.Sprintf("linea[%d]", line), fmt.Sprintf("tiene %d columnas y el encabezado %d", len(cells), len(columns)))
			continue
		}
		if len(list) == contracts.MaxImport {
			e.Add("csv", fmt.Sprintf("puede tener a lo sumo %d líneas", contracts.MaxImport))
			return list
		}
		r := e.renglon(line, columns, cells)
		if other := first[r.IDProducto]; other > 0 {
			e.Add(r.Field(productos.IDColumn), fmt.Sprintf("ya está en la línea %d: junte las cantidades en una sola", other))
		}
		first[r.IDProducto] = line
		list = append(list, r)
	}
}

func (e *importReader) renglon(line int, columns, cells []string) productos.Renglon {
	r := productos.Renglon{Linea: line}
	for i, column := range columns {
		cell := strings.TrimSpace(cells[i])
		switch column {
		case productos.IDColumn:
			r.IDProducto = cell
			e.Check(func(v *contracts.Validator) { v.Identifier(r.Field(productos.IDColumn), cell) })
		case productos.NombreColumn:
			if r.Nombre = cell; cell != "" {
				e.Check(func(v *contracts.Validator) { v.Nombre(r.Field(productos.NombreColumn), cell) })
			}
		case productos.CantidadColumn:
			r.Cantidad = e.number(r.Field(productos.CantidadColumn), cell, contracts.MaxCantidad)
		case productos.UmbralColumn:
			if cell != "" {
				r.Umbral = new(e.number(r.Field(productos.UmbralColumn), cell, contracts.MaxUmbral))
			}
		}
	}
	return r
}

// number reads a cell with a whole number from 0 to most; an empty cell is 0.
func (e *importReader) number(field, cell string, most int) int {
	if cell == "" {
		return 0
	}
	n, err := strconv.Atoi(cell)
	if err != nil || n < 0 || n > most || strings.Trim(cell, "0123456789") != "" {
		e.Add(field, fmt.Sprintf("debe ser un número entero de 0 a %d, sin puntos ni comas", most))
		return 0
	}
	return n
}
