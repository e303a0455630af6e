package contracts

import (
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

// Orden is the order of a purchase in the JSON of ordenes and of the bff.
type Orden struct {
	ID            string      `json:"id"`
	Pedido                    // the purchase
	Estado        EstadoOrden `json:"estado"`
	CreadaEn      time.Time   `json:"creada_en"`
	ActualizadaEn time.Time   `json:"actualizada_en"`
}

// Pedido is the purchase of an order: the data of its CrearOrden. Its JSON leaves out what the purchase lacks, and the data of a message,
// which has no nulls, does not. TestAnOrderHasTheDataOfItsCommand finds a field that is missing here.
type Pedido struct {
	IDCompra  string     `json:"id_compra"`
	IDUsuario string     `json:"id_usuario"`
	Productos []Linea    `json:"productos"`
	Domicilio bool       `json:"domicilio"`
	Direccion *Direccion `json:"direccion,omitempty"` // only where one order is read
	Tienda    string     `json:"tienda,omitempty"`
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
