package productos

import (
	"errors"
	"fmt"

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

// Field returns the name of a field of the line in an error.
func (r Renglon) Field(name string) string { return fmt.Sprintf("linea[%d].%s", r.Linea, name) }

// The columns of an import file. IDColumn is mandatory, and one of the others.
const (
	IDColumn       = "id_producto"
	CantidadColumn = "cantidad"
	UmbralColumn   = "umbral"
	NombreColumn   = "nombre"
)

// maxImportErrors bounds the wrong fields that one answer names.
const maxImportErrors = 50

// ImportErrors collects the wrong fields of an import file. It names at most maxImportErrors of them, and counts the others.
type ImportErrors struct {
	v contracts.Validator
	n int
}

// Len returns how many fields are wrong.
func (e *ImportErrors) Len() int { return e.n }

// Add adds a wrong field.
func (e *ImportErrors) Add(field, detail string) {
	if e.n++; e.n <= maxImportErrors {
		e.v.Fail(field, detail)
	}
}

// Check adds the wrong fields that one of the checks of contracts finds.
func (e *ImportErrors) Check(do func(*contracts.Validator)) {
	var v contracts.Validator
	do(&v)
	var found *contracts.ValidationError
	if errors.As(v.Error(), &found) {
		for _, f := range found.Errores {
			e.Add(f.Field, f.Detalle)
		}
	}
}

// Err returns nil, or a *contracts.ValidationError with the wrong fields.
func (e *ImportErrors) Err() error {
	if e.n > maxImportErrors {
		e.v.Fail("csv", fmt.Sprintf("hay %d errores más", e.n-maxImportErrors))
	}
	return e.v.Error()
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
	var e ImportErrors
	effects := make([]contracts.EfectoDeImportacion, len(lines))
	for i, r := range lines {
		p, exists := existing[r.IDProducto]
		if !exists {
			p.Umbral = UsualUmbral
		}
		switch {
		case !exists && r.Nombre == "":
			e.Add(r.Field(IDColumn), "no existe el producto; para crearlo, la línea necesita su nombre")
		case exists && r.Nombre != "" && r.Nombre != p.Nombre:
			e.Add(r.Field(NombreColumn), fmt.Sprintf("el producto ya se llama %q: una importación no cambia nombres", p.Nombre))
		case !Fits(p.Producto, r.Cantidad):
			e.Add(r.Field(CantidadColumn), fmt.Sprintf("caben a lo sumo %d unidades y hay %d", MaxExistencias, p.Cantidad))
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
	return effects, e.Err()
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
