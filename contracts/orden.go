package contracts

import (
	"fmt"
	"reflect"
	"time"
)

// EstadoOrden is the state of an order.
type EstadoOrden string

// The states of an order. The last two are final.
const (
	EstadoOrdenCreada     EstadoOrden = "CREADA"
	EstadoOrdenCancelada  EstadoOrden = "CANCELADA"
	EstadoOrdenDespachada EstadoOrden = "DESPACHADA"
)

// EstadosDeOrden are all states of an order.
var EstadosDeOrden = []EstadoOrden{EstadoOrdenCreada, EstadoOrdenCancelada, EstadoOrdenDespachada}

// Orden is the order of a purchase in the JSON of ordenes and of the bff.
type Orden struct {
	ID            string      `json:"id"`
	Pedido                    // the purchase
	Estado        EstadoOrden `json:"estado"`
	DespachadaPor string      `json:"despachada_por,omitempty"` // the subject of the operator who dispatched it
	DespachadaRol string      `json:"despachada_rol,omitempty"`
	CreadaEn      time.Time   `json:"creada_en"`
	ActualizadaEn time.Time   `json:"actualizada_en"`
}

// Pedido is the purchase of an order: the data of its CrearOrden. Its JSON leaves out what the purchase lacks, and the data of a message,
// which has no nulls, does not. TestAnOrderHasTheDataOfItsCommand finds a field that is missing here.
type Pedido struct {
	IDCompra  string     `json:"id_compra"`
	Codigo    string     `json:"codigo,omitempty"` // empty where gestor-compra knew none yet
	IDUsuario string     `json:"id_usuario"`
	Productos []Linea    `json:"productos"`
	Domicilio bool       `json:"domicilio"`
	Direccion *Direccion `json:"direccion,omitempty"` // only where one order, or the queue of the warehouse, is read
	Tienda    string     `json:"tienda,omitempty"`

	Moneda  string         `json:"moneda,omitempty"`
	Total   int64          `json:"total,omitempty"` // minor units
	Precios []PrecioFijado `json:"precios,omitempty"`
}

// Pedido returns the purchase in the data of a CrearOrden.
func (d DatosComandoOrden) Pedido() Pedido {
	var p Pedido
	from, to := reflect.ValueOf(d), reflect.ValueOf(&p).Elem()
	for i := range to.NumField() {
		carry(to.Field(i), from.FieldByName(to.Type().Field(i).Name))
	}
	return p
}

// OrdenesFilter selects orders. A nil Domicilio selects those with home delivery and those without, a nil Zona those of all zones.
type OrdenesFilter struct {
	Estado    EstadoOrden
	Domicilio *bool
	Zona      *string // "" selects those without a zone
}

// ZonaDeOrdenes is a zone with the number of its orders that wait for their dispatch. A zone is the city of an address in small letters, else
// the shop where an order is picked up, else "".
type ZonaDeOrdenes struct {
	Zona    string `json:"zona"`
	Ordenes int    `json:"ordenes"`
}

// MaxZonas is the maximum of zones in one answer.
const MaxZonas = 200

// PaginaDeOrdenes is one page of a queue of orders: home delivery first, then the oldest.
type PaginaDeOrdenes struct {
	Ordenes   []Orden `json:"ordenes"`
	Total     int     `json:"total"`               // orders that the filter selects, on all pages; at most MaxTotalOrdenes
	Siguiente string  `json:"siguiente,omitempty"` // the cursor of the next page; empty on the last page
}

// MaxTotalOrdenes is the largest Total of a PaginaDeOrdenes. It stands for as many orders or more: counting all of them would read them all.
const MaxTotalOrdenes = 10_000

// MaxAtOnce is the maximum of orders or decisions in one request about many.
const MaxAtOnce = 200

// Despachos is the request to dispatch many orders.
type Despachos struct {
	IDs []string `json:"ids"`
}

// Validate requires 1 to MaxAtOnce different UUIDs. It returns nil, or a *ValidationError with every wrong field.
func (d Despachos) Validate() error {
	var v Validator
	v.many("ids", len(d.IDs))
	seen := map[string]bool{}
	for i, id := range d.IDs[:min(len(d.IDs), MaxAtOnce)] {
		v.IDCompra(fmt.Sprintf("ids[%d]", i), id)
		v.once(fmt.Sprintf("ids[%d]", i), id, seen)
	}
	return v.Error()
}

// many requires that a list about many things has 1 to MaxAtOnce entries.
func (v *Validator) many(field string, n int) {
	if n < 1 || n > MaxAtOnce {
		v.Fail(field, fmt.Sprintf("debe tener de 1 a %d", MaxAtOnce))
	}
}

// once requires that value is not in seen, and adds it there.
func (v *Validator) once(field, value string, seen map[string]bool) {
	if seen[value] {
		v.Fail(field, "está repetido")
	}
	seen[value] = true
}
