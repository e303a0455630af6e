package contracts

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/google/uuid"
)

// The limits of a purchase.
const (
	MaxLineas      = 100
	MaxCantidad    = 1_000_000
	MaxIdentifier  = 64        // characters of an id_usuario or id_producto
	MaxMotivo      = 500       // characters of a reason that a person gives
	MaxRequestBody = 128 << 10 // bytes; the largest purchase with every character escaped has 88 kB
)

// The defaults of settings that more than one program or page has. Tests compare those with these constants.
const (
	ApprovalThreshold = 100 // units above which a purchase needs an approval
	MaxOpen           = 100 // purchases, and orders, that one customer may have open
)

const idCompraFormat = "un UUID, por ejemplo 01938f5e-7c1a-7000-8000-000000000001"

var (
	cantidadFormat  = fmt.Sprintf("un número entero de 1 a %d", MaxCantidad)
	productosFormat = fmt.Sprintf("de 1 a %d líneas {id_producto, cantidad}", MaxLineas)
)

// SolicitudCompra is a purchase as a customer asks for it.
type SolicitudCompra struct {
	ID        string     `json:"id"` // a UUID; the bff makes one where the customer gave none
	IDUsuario string     `json:"id_usuario"`
	Productos []Linea    `json:"productos"`
	Domicilio bool       `json:"domicilio"`
	Direccion *Direccion `json:"direccion,omitempty"` // with Domicilio; nil where the customer gave none, and where it may not be (docs/adr/personal-data.md)
	Tienda    string     `json:"tienda,omitempty"`    // without Domicilio: the id of one of Tiendas; empty where the customer named none
}

// CommandData returns the data of a command to gestor-compra: to create s, or to cancel s for the reason motivo.
func (s SolicitudCompra) CommandData(motivo string) DatosComandoGestorCompra {
	d := dataOf[DatosComandoGestorCompra](s)
	d.Motivo = motivo
	return d
}

// NewSolicitud returns the purchase in the data of a command.
func (d DatosComandoGestorCompra) NewSolicitud() SolicitudCompra { return solicitudIn(d) }

// OrdenData returns the data of a command to ordenes about s.
func (s SolicitudCompra) OrdenData() DatosComandoOrden { return dataOf[DatosComandoOrden](s) }

// NewSolicitud returns the purchase in the data of a command.
func (d DatosComandoOrden) NewSolicitud() SolicitudCompra { return solicitudIn(d) }

// dataOf returns the data of a message about s. Each field of a SolicitudCompra has a field of the same name in D; only ID is IDCompra there.
// So a new field needs no code here. TestEveryFieldOfAPurchaseIsCarried finds a schema that lacks it.
func dataOf[D any](s SolicitudCompra) D {
	var d D
	from, to := reflect.ValueOf(s), reflect.ValueOf(&d).Elem()
	for i := range from.NumField() {
		if field := to.FieldByName(nameInData(from.Type().Field(i).Name)); field.IsValid() {
			carry(field, from.Field(i))
		}
	}
	return d
}

// solicitudIn returns the purchase in the data of a message. It is the inverse of dataOf.
func solicitudIn[D any](d D) SolicitudCompra {
	var s SolicitudCompra
	from, to := reflect.ValueOf(d), reflect.ValueOf(&s).Elem()
	for i := range to.NumField() {
		if field := from.FieldByName(nameInData(to.Type().Field(i).Name)); field.IsValid() {
			carry(to.Field(i), field)
		}
	}
	return s
}

// carry sets to to the value of from. A message has no nulls: what a purchase lacks is a nil pointer here and an empty record there.
func carry(to, from reflect.Value) {
	switch {
	case from.Kind() == reflect.Pointer && to.Kind() != reflect.Pointer:
		if !from.IsNil() {
			to.Set(from.Elem())
		}
	case from.Kind() != reflect.Pointer && to.Kind() == reflect.Pointer:
		if !from.IsZero() {
			to.Set(reflect.New(to.Type().Elem()))
			to.Elem().Set(from)
		}
	default:
		to.Set(from)
	}
}

func nameInData(field string) string {
	if field == "ID" {
		return "IDCompra"
	}
	return field
}

// same reports whether s and other are the same but for their ids.
func (s SolicitudCompra) same(other SolicitudCompra) bool {
	other.ID = s.ID
	return reflect.DeepEqual(s, other)
}

// Unidades returns the number of units in all lines of the purchase.
func (s SolicitudCompra) Unidades() int {
	total := 0
	for _, l := range s.Productos {
		total += l.Cantidad
	}
	return total
}

// InvalidField names a wrong field. Detalle says in Spanish what would be right.
type InvalidField struct {
	Field   string `json:"campo"`
	Detalle string `json:"detalle"`
}

// ValidationError has every wrong field of an input.
type ValidationError struct{ Errores []InvalidField }

func (e *ValidationError) Error() string {
	parts := make([]string, len(e.Errores))
	for i, c := range e.Errores {
		parts[i] = c.Field + ": " + c.Detalle
	}
	return strings.Join(parts, "; ")
}

// BadField returns a *ValidationError about one field.
func BadField(field, detail string) error {
	return &ValidationError{Errores: []InvalidField{{Field: field, Detalle: detail}}}
}

// Validate checks the form of the purchase. It returns nil, or a *ValidationError with every wrong field. consolidador checks the stock,
// and whether the products exist.
func (s SolicitudCompra) Validate() error {
	var v Validator
	v.IDCompra("id", s.ID)
	v.Solicitud(s)
	v.Parties("id", s.ID, s.IDUsuario)
	v.knownTienda("tienda", s.Tienda)
	return v.Error()
}

// Solicitud checks the form of each field of a purchase except its id, which has another name in a message.
func (v *Validator) Solicitud(s SolicitudCompra) {
	v.Identifier("id_usuario", s.IDUsuario)
	v.Lineas("productos", s.Productos)
	v.entrega(s)
}

// Validator collects the wrong fields of an input.
type Validator struct{ errs []InvalidField }

// Fail adds a wrong field. detail says in Spanish what would be right.
func (v *Validator) Fail(field, detail string) {
	v.errs = append(v.errs, InvalidField{Field: field, Detalle: detail})
}

// Error returns nil, or a *ValidationError with the wrong fields.
func (v *Validator) Error() error {
	if len(v.errs) == 0 {
		return nil
	}
	return &ValidationError{Errores: v.errs}
}

// IDCompra requires a UUID in its canonical form.
func (v *Validator) IDCompra(field, value string) {
	if id, err := uuid.Parse(value); err != nil || id.String() != value {
		v.Fail(field, "debe ser "+idCompraFormat)
	}
}

// Identifier requires 1 to MaxIdentifier characters of free text in one line, without tabs, and without spaces at either end.
func (v *Validator) Identifier(field, value string) { v.line(field, value, MaxIdentifier) }

// line requires 1 to max characters of free text in one line, without tabs, and without spaces at either end.
func (v *Validator) line(field, value string, max int) {
	switch {
	case value == "":
		v.Fail(field, "falta")
	case strings.TrimSpace(value) != value:
		v.Fail(field, "no puede empezar ni terminar con espacios")
	case strings.ContainsFunc(value, isLineBreakOrTab):
		v.Fail(field, "no puede tener saltos de línea ni tabuladores")
	default:
		v.FreeText(field, value, max)
	}
}

// Cantidad requires a whole number from 1 to MaxCantidad.
func (v *Validator) Cantidad(field string, value int) {
	if value < 1 || value > MaxCantidad {
		v.Fail(field, "debe ser "+cantidadFormat)
	}
}

// Motivo requires free text of at most MaxMotivo characters. It may be empty.
func (v *Validator) Motivo(field, value string) { v.FreeText(field, value, MaxMotivo) }

// MotivoObligatorio requires free text of 1 to MaxMotivo characters that are not only spaces.
func (v *Validator) MotivoObligatorio(field, value string) {
	if strings.TrimSpace(value) == "" {
		v.Fail(field, "falta: diga por qué")
		return
	}
	v.Motivo(field, value)
}

// Lineas requires 1 to MaxLineas lines, each with its own product and a valid quantity.
func (v *Validator) Lineas(field string, lineas []Linea) {
	if len(lineas) == 0 || len(lineas) > MaxLineas {
		v.Fail(field, "debe tener "+productosFormat)
		return
	}
	seen := map[string]bool{}
	for i, l := range lineas {
		productoField := fmt.Sprintf("%s[%d].id_producto", field, i)
		v.Identifier(productoField, l.IDProducto)
		if seen[l.IDProducto] && l.IDProducto != "" {
			v.Fail(productoField, "está repetido: junte las cantidades en una sola línea")
		}
		seen[l.IDProducto] = true
		v.Cantidad(fmt.Sprintf("%s[%d].cantidad", field, i), l.Cantidad)
	}
}
