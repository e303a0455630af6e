package contracts

import "time"

// Acto is something that a person did, as the audit shows it. Its owner stores it in the transaction of the act.
type Acto struct {
	ID       string     `json:"id"` // a UUIDv7
	Tipo     TipoDeActo `json:"tipo"`
	Sujeto   string     `json:"sujeto"` // empty where nobody named the person
	Rol      string     `json:"rol"`
	Objeto   string     `json:"objeto"`              // the id of the purchase, order, product, message or customer that was changed
	IDCompra string     `json:"id_compra,omitempty"` // the purchase, where the act is about one
	Motivo   string     `json:"motivo,omitempty"`    // the person's own words
	Detalle  string     `json:"detalle,omitempty"`   // in Spanish, such as how many units
	En       time.Time  `json:"en"`                  // exact to the millisecond, so that a cursor made of it is exact
}

// Cursor returns the place after a in a list of acts, newest first.
func (a Acto) Cursor() Cursor { return Cursor{CreadaEn: a.En, ID: a.ID} }

// TipoDeActo is the kind of an Acto.
type TipoDeActo string

// The kinds of acts.
const (
	ActoAprobacion       TipoDeActo = "aprobacion"
	ActoRechazo          TipoDeActo = "rechazo"
	ActoCancelacion      TipoDeActo = "cancelacion"
	ActoReintento        TipoDeActo = "reintento"
	ActoDespacho         TipoDeActo = "despacho"
	ActoReposicion       TipoDeActo = "reposicion"
	ActoCorreccion       TipoDeActo = "correccion"
	ActoPrecio           TipoDeActo = "precio"
	ActoUmbral           TipoDeActo = "umbral"
	ActoImportacion      TipoDeActo = "importacion"
	ActoMensajeRepuesto  TipoDeActo = "mensaje-repuesto"
	ActoMensajeApartado  TipoDeActo = "mensaje-apartado"
	ActoMensajeDescarte  TipoDeActo = "mensaje-descartado"
	ActoBorradoDePersona TipoDeActo = "borrado"
	ActoAviso            TipoDeActo = "aviso" // an address of webhooks, or a delivery to it
)

// TiposDeActo are all kinds of acts.
var TiposDeActo = []TipoDeActo{
	ActoAprobacion, ActoRechazo, ActoCancelacion, ActoReintento, ActoDespacho, ActoReposicion, ActoCorreccion, ActoPrecio, ActoUmbral, ActoImportacion,
	ActoMensajeRepuesto, ActoMensajeApartado, ActoMensajeDescarte, ActoBorradoDePersona, ActoAviso,
}

// ActosFilter selects acts. A zero field selects all.
type ActosFilter struct {
	Sujeto string
	Tipos  []TipoDeActo
	Desde  time.Time // the first instant
	Hasta  time.Time // the first instant that is no longer selected
	ID     string    // the Objeto or the IDCompra
}
