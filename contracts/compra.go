package contracts

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// What a purchase may be at most.
const (
	MaxLineas         = 100
	MaxCantidad       = 1_000_000
	MaxIdentificador  = 64        // characters of an id_usuario or id_producto
	MaxMotivo         = 500       // characters of a reason that a person gives
	MaxCuerpoPeticion = 128 << 10 // bytes; the largest purchase with every character escaped has 83 kB
)

// The defaults of settings that stand in more than one place: tests of the programs and of the pages compare them with these.
const (
	ApprovalThreshold = 100 // units above which a purchase needs an approval
	MaxOpen           = 100 // purchases, and orders, that one customer may have open
)

const formatoIDDeCompra = "un UUID, por ejemplo 01938f5e-7c1a-7000-8000-000000000001"

var (
	formatoDeCantidad  = fmt.Sprintf("un número entero de 1 a %d", MaxCantidad)
	formatoDeProductos = fmt.Sprintf("de 1 a %d líneas {id_producto, cantidad}", MaxLineas)
)

// SolicitudCompra is a purchase as a customer asks for it.
type SolicitudCompra struct {
	ID        string  `json:"id"` // a UUID; the bff gives one where the customer gave none
	IDUsuario string  `json:"id_usuario"`
	Productos []Linea `json:"productos"`
	Domicilio bool    `json:"domicilio"`
}

// CommandData is the data of a command to gestor-compra about s: to create it, or to cancel it for the reason motivo.
func (s SolicitudCompra) CommandData(motivo string) DatosComandoGestorCompra {
	return DatosComandoGestorCompra{IDCompra: s.ID, IDUsuario: s.IDUsuario, Productos: s.Productos, Domicilio: s.Domicilio, Motivo: motivo}
}

// Solicitud is the purchase that the command is about.
func (d DatosComandoGestorCompra) Solicitud() SolicitudCompra {
	return SolicitudCompra{ID: d.IDCompra, IDUsuario: d.IDUsuario, Productos: d.Productos, Domicilio: d.Domicilio}
}

// OrdenData is the data of a command to ordenes about s.
func (s SolicitudCompra) OrdenData() DatosComandoOrden {
	return DatosComandoOrden{IDCompra: s.ID, IDUsuario: s.IDUsuario, Productos: s.Productos, Domicilio: s.Domicilio}
}

// Unidades is how many units the purchase has over all its lines.
func (s SolicitudCompra) Unidades() int {
	total := 0
	for _, l := range s.Productos {
		total += l.Cantidad
	}
	return total
}

// CampoInvalido says which field is wrong and what would be right, in words for a person.
type CampoInvalido struct {
	Campo   string `json:"campo"`
	Detalle string `json:"detalle"`
}

// ErrorDeValidacion is everything that is wrong with an input.
type ErrorDeValidacion struct{ Errores []CampoInvalido }

func (e *ErrorDeValidacion) Error() string {
	partes := make([]string, len(e.Errores))
	for i, c := range e.Errores {
		partes[i] = c.Campo + ": " + c.Detalle
	}
	return strings.Join(partes, "; ")
}

// CampoMalo is an *ErrorDeValidacion of one field.
func CampoMalo(campo, detalle string) error {
	return &ErrorDeValidacion{Errores: []CampoInvalido{{Campo: campo, Detalle: detalle}}}
}

// Validar checks everything but stock and whether the products exist: those are consolidador's to say.
// It returns nil or an *ErrorDeValidacion with every field that is wrong.
func (s SolicitudCompra) Validar() error {
	var v Validador
	v.IDCompra("id", s.ID)
	v.Identificador("id_usuario", s.IDUsuario)
	v.Parties("id", s.ID, s.IDUsuario)
	v.Lineas("productos", s.Productos)
	return v.Error()
}

// Validador collects what is wrong with an input.
type Validador struct{ errores []CampoInvalido }

// Falla notes that a field is wrong.
func (v *Validador) Falla(campo, detalle string) {
	v.errores = append(v.errores, CampoInvalido{Campo: campo, Detalle: detalle})
}

// Error is nil or an *ErrorDeValidacion.
func (v *Validador) Error() error {
	if len(v.errores) == 0 {
		return nil
	}
	return &ErrorDeValidacion{Errores: v.errores}
}

// IDCompra requires a UUID in its canonical form.
func (v *Validador) IDCompra(campo, valor string) {
	if id, err := uuid.Parse(valor); err != nil || id.String() != valor {
		v.Falla(campo, "debe ser "+formatoIDDeCompra)
	}
}

// Identificador requires 1 to MaxIdentificador characters of free text, in one line, without tabs, and without spaces at
// either end.
func (v *Validador) Identificador(campo, valor string) {
	switch {
	case valor == "":
		v.Falla(campo, "falta")
	case strings.TrimSpace(valor) != valor:
		v.Falla(campo, "no puede empezar ni terminar con espacios")
	case strings.ContainsFunc(valor, isLineBreakOrTab):
		v.Falla(campo, "no puede tener saltos de línea ni tabuladores")
	default:
		v.FreeText(campo, valor, MaxIdentificador)
	}
}

// Cantidad requires a whole number from 1 to MaxCantidad.
func (v *Validador) Cantidad(campo string, valor int) {
	if valor < 1 || valor > MaxCantidad {
		v.Falla(campo, "debe ser "+formatoDeCantidad)
	}
}

// Motivo requires free text of at most MaxMotivo characters; none is fine.
func (v *Validador) Motivo(campo, valor string) { v.FreeText(campo, valor, MaxMotivo) }

// Lineas requires 1 to MaxLineas lines, each of another product and of a quantity that can be.
func (v *Validador) Lineas(campo string, lineas []Linea) {
	if len(lineas) == 0 || len(lineas) > MaxLineas {
		v.Falla(campo, "debe tener "+formatoDeProductos)
		return
	}
	vistos := map[string]bool{}
	for i, l := range lineas {
		deProducto := fmt.Sprintf("%s[%d].id_producto", campo, i)
		v.Identificador(deProducto, l.IDProducto)
		if vistos[l.IDProducto] && l.IDProducto != "" {
			v.Falla(deProducto, "está repetido: junte las cantidades en una sola línea")
		}
		vistos[l.IDProducto] = true
		v.Cantidad(fmt.Sprintf("%s[%d].cantidad", campo, i), l.Cantidad)
	}
}
