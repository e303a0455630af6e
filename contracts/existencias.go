package contracts

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of what operators say about the stock.
const (
	MaxNombre      = 120 // characters of the name of a product
	MaxUmbral      = MaxCantidad
	MaxImport      = 5_000   // lines of an import
	MaxImportBytes = 1 << 20 // bytes of the request with an import
)

// The kinds of a Movimiento.
const (
	MovimientoInicial    = "INICIAL"
	MovimientoReposicion = "REPOSICION"
	MovimientoCorreccion = "CORRECCION"
	MovimientoReserva    = "RESERVA"
	MovimientoLiberacion = "LIBERACION"
	MovimientoDespacho   = "DESPACHO"
)

// TiposDeMovimiento are all kinds of movements.
var TiposDeMovimiento = []string{
	MovimientoInicial, MovimientoReposicion, MovimientoCorreccion, MovimientoReserva, MovimientoLiberacion, MovimientoDespacho,
}

// LineaDeBalance is the balance of a product. Diferencia is 0 where initial + restocked + corrected = stock + reserved + dispatched. The stock
// is low where Existencias is at most Umbral.
type LineaDeBalance struct {
	IDProducto  string `json:"id_producto"`
	Nombre      string `json:"nombre"`
	Inicial     int64  `json:"inicial"`
	Repuesto    int64  `json:"repuesto"`
	Corregido   int64  `json:"corregido"` // negative where more was taken away than added
	Existencias int64  `json:"existencias"`
	Reservado   int64  `json:"reservado"`
	Despachado  int64  `json:"despachado"`
	Diferencia  int64  `json:"diferencia"`
	Umbral      int    `json:"umbral"`
}

// BalanceFilter selects lines of the balance. A zero field selects all.
type BalanceFilter struct {
	Buscar string // words of the name, or the id
	Bajas  bool   // only products whose stock is low
}

// Movimiento is an entry of the ledger of a product.
type Movimiento struct {
	Numero      int64     `json:"numero"` // ascends with the entries of a product
	Tipo        string    `json:"tipo"`
	Cantidad    int64     `json:"cantidad"`    // negative where units left the shelf, or the warehouse
	Existencias int64     `json:"existencias"` // on the shelf afterwards
	IDCompra    string    `json:"id_compra,omitempty"`
	Sujeto      string    `json:"sujeto,omitempty"` // the person; empty for what the saga did
	Rol         string    `json:"rol,omitempty"`
	Motivo      string    `json:"motivo,omitempty"`
	En          time.Time `json:"en"`
}

// PaginaDeMovimientos is a page of the ledger of a product, newest first, with the present balance of the product.
type PaginaDeMovimientos struct {
	Producto    LineaDeBalance `json:"producto"`
	Movimientos []Movimiento   `json:"movimientos"`
	Siguiente   string         `json:"siguiente,omitempty"` // the cursor of the next page; empty on the last page
}

// NumeroCursor reads the cursor of a page of numbered entries; 0 is the beginning. It accepts only what strconv.FormatInt writes.
func (v *Validator) NumeroCursor(field, text string) int64 {
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != text {
		v.Fail(field, "debe ser el siguiente que dio la página anterior")
		return 0
	}
	return n
}

// Correccion is the request to correct the stock of a product: to add Cantidad units to the shelf, or to take them away where it is negative.
type Correccion struct {
	Cantidad int    `json:"cantidad"`
	Motivo   string `json:"motivo"`
}

// Correccion requires a quantity from -MaxCantidad to MaxCantidad that is not 0, and a reason.
func (v *Validator) Correccion(c Correccion) {
	if c.Cantidad == 0 || c.Cantidad < -MaxCantidad || c.Cantidad > MaxCantidad {
		v.Fail("cantidad", "debe ser un número entero de -"+strconv.Itoa(MaxCantidad)+" a "+strconv.Itoa(MaxCantidad)+", y no 0")
	}
	v.MotivoObligatorio("motivo", c.Motivo)
}

// CambioDeUmbral is the request to change the stock of a product from which it is low. Umbral is nil where the request does not say it.
type CambioDeUmbral struct {
	Umbral *int `json:"umbral"`
}

// UmbralForm says in Spanish which thresholds are valid.
const UmbralForm = "debe ser un número entero de 0 a 1000000"

// Umbral requires a whole number from 0 to MaxUmbral.
func (v *Validator) Umbral(field string, umbral *int) {
	switch {
	case umbral == nil:
		v.Fail(field, "falta: "+UmbralForm)
	case *umbral < 0 || *umbral > MaxUmbral:
		v.Fail(field, UmbralForm)
	}
}

// Nombre requires the name of a product: 1 to MaxNombre characters of free text in one line, without spaces at either end.
func (v *Validator) Nombre(field, value string) {
	switch {
	case value == "":
		v.Fail(field, "falta")
	case strings.TrimSpace(value) != value || strings.ContainsFunc(value, isLineBreakOrTab):
		v.Fail(field, "debe ser una sola línea, sin espacios al principio ni al final")
	case utf8.RuneCountInString(value) > MaxNombre:
		v.Fail(field, "puede tener a lo sumo "+strconv.Itoa(MaxNombre)+" caracteres")
	default:
		v.FreeText(field, value, MaxNombre)
	}
}

// SolicitudDeImportacion is the request to change the stock of many products by a CSV file (docs/api.md). With Ensayo nothing is changed: the
// answer says what each line would do.
type SolicitudDeImportacion struct {
	CSV    string `json:"csv"`
	Ensayo bool   `json:"ensayo"`
}

// Importacion says what an import did, or would do.
type Importacion struct {
	Ensayo   bool                  `json:"ensayo"`
	Lineas   int                   `json:"lineas"`
	Unidades int64                 `json:"unidades"` // all units that come in
	Nuevos   int                   `json:"nuevos"`   // products that did not exist
	Umbrales int                   `json:"umbrales"` // thresholds that change
	Efectos  []EfectoDeImportacion `json:"efectos,omitempty"`
}

// EfectoDeImportacion is what one line of an import would do. Only a trial has the effects: those of the first lines, as many as an answer holds.
type EfectoDeImportacion struct {
	Linea       int    `json:"linea"` // of the file, from 1
	IDProducto  string `json:"id_producto"`
	Nombre      string `json:"nombre,omitempty"` // of a new product
	Nuevo       bool   `json:"nuevo,omitempty"`
	Cantidad    int    `json:"cantidad"`
	Existencias int    `json:"existencias"` // on the shelf now
	Quedan      int    `json:"quedan"`      // on the shelf afterwards
	UmbralAntes int    `json:"umbral_antes"`
	Umbral      int    `json:"umbral"` // afterwards
}
