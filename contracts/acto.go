package contracts

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Acto is something that a person did, as the audit shows it. Its owner stores it in the transaction of the act.
type Acto struct {
	ID       string        `json:"id"` // a UUIDv7
	Tipo     TipoDeActo    `json:"tipo"`
	Sujeto   string        `json:"sujeto"` // empty where nobody named the person
	Rol      string        `json:"rol"`
	Objeto   string        `json:"objeto"`              // the id of the purchase, order, product, message or customer that was changed
	IDCompra string        `json:"id_compra,omitempty"` // the purchase, where the act is about one
	Motivo   string        `json:"motivo,omitempty"`    // the person's own words
	Detalle  string        `json:"detalle,omitempty"`   // in Spanish, such as how many units
	Texto    TextoDeActo   `json:"texto,omitempty"`     // which sentence Detalle is; empty where it is none of TextosDeActo
	Valores  []ValorDeActo `json:"valores,omitempty"`   // the values in that sentence
	En       time.Time     `json:"en"`                  // exact to the millisecond, so that a cursor made of it is exact
}

// Cursor returns the place after a in a list of acts, newest first.
func (a Acto) Cursor() Cursor { return Cursor{CreadaEn: a.En, ID: a.ID} }

// TipoDeActo is the kind of an Acto.
type TipoDeActo string

// The kinds of acts.
const (
	ActoAprobacion        TipoDeActo = "aprobacion"
	ActoRechazo           TipoDeActo = "rechazo"
	ActoCancelacion       TipoDeActo = "cancelacion"
	ActoReintento         TipoDeActo = "reintento"
	ActoDespacho          TipoDeActo = "despacho"
	ActoReposicion        TipoDeActo = "reposicion"
	ActoCorreccion        TipoDeActo = "correccion"
	ActoPrecio            TipoDeActo = "precio"
	ActoUmbral            TipoDeActo = "umbral"
	ActoImportacion       TipoDeActo = "importacion"
	ActoMensajeDevuelto   TipoDeActo = "mensaje_devuelto"
	ActoMensajeApartado   TipoDeActo = "mensaje_apartado"
	ActoMensajeDescartado TipoDeActo = "mensaje_descartado"
	ActoBorradoDePersona  TipoDeActo = "borrado"
	ActoAviso             TipoDeActo = "aviso" // an address of webhooks, or a delivery to it
)

// TiposDeActo are all kinds of acts.
var TiposDeActo = []TipoDeActo{
	ActoAprobacion, ActoRechazo, ActoCancelacion, ActoReintento, ActoDespacho, ActoReposicion, ActoCorreccion, ActoPrecio, ActoUmbral, ActoImportacion,
	ActoMensajeDevuelto, ActoMensajeApartado, ActoMensajeDescartado, ActoBorradoDePersona, ActoAviso,
}

// ActosFilter selects acts. A zero field selects all.
type ActosFilter struct {
	Sujeto string
	Tipos  []TipoDeActo
	Desde  time.Time // the first instant
	Hasta  time.Time // the first instant that is no longer selected
	ID     string    // the Objeto or the IDCompra
}

// Selects reports whether f selects a.
func (f ActosFilter) Selects(a Acto) bool {
	return (f.Sujeto == "" || a.Sujeto == f.Sujeto) && (len(f.Tipos) == 0 || slices.Contains(f.Tipos, a.Tipo)) &&
		!a.En.Before(f.Desde) && (f.Hasta.IsZero() || a.En.Before(f.Hasta)) && (f.ID == "" || a.Objeto == f.ID || a.IDCompra == f.ID)
}

// CompareActos sorts acts, newest first: by instant, and by id where two have the same one.
func CompareActos(a, b Acto) int { return cmp.Or(b.En.Compare(a.En), cmp.Compare(b.ID, a.ID)) }

// PaginaDeActos is one page of a list of acts, newest first.
type PaginaDeActos struct {
	Actos     []Acto `json:"actos"`
	Siguiente string `json:"siguiente,omitempty"` // the cursor of the next page; empty on the last page
}

// The sizes of a page of acts: the most, and that of a request without a size.
const (
	MaxActos     = 500
	DefaultActos = 50
)

// ActosForm says in Spanish which size of a page a request may have.
var ActosForm = fmt.Sprintf("debe ser un número entero de 1 a %d", MaxActos)

// ActosQuery is a request for acts, in the texts of a client. A nil field asks for nothing. Its fields are those of the parameters that the
// OpenAPI documents have, so that they convert to it.
type ActosQuery struct {
	Sujeto  *string
	Tipo    *[]TipoDeActo
	Desde   *string
	Hasta   *string
	ID      *string
	Limite  *int
	Despues *string
}

// NewActosQuery returns the request for the acts that f selects after the cursor.
func NewActosQuery(f ActosFilter, after Cursor, limit int) ActosQuery {
	q := ActosQuery{Limite: &limit}
	for _, one := range []struct {
		text  string
		field **string
	}{{f.Sujeto, &q.Sujeto}, {instantOr(f.Desde), &q.Desde}, {instantOr(f.Hasta), &q.Hasta}, {f.ID, &q.ID}, {after.String(), &q.Despues}} {
		if one.text != "" {
			*one.field = &one.text
		}
	}
	if len(f.Tipos) > 0 {
		q.Tipo = &f.Tipos
	}
	return q
}

func instantOr(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// Parse returns the filter of q, the place after which the list goes on, and the size of the page. The error is a *ValidationError with
// every wrong field.
func (q ActosQuery) Parse() (f ActosFilter, after Cursor, limit int, err error) {
	var v Validator
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	f.Sujeto, f.ID, limit = text(q.Sujeto), CanonicalID(text(q.ID)), DefaultActos
	for _, one := range []struct{ field, value string }{{"sujeto", f.Sujeto}, {"id", f.ID}} {
		if one.value != "" {
			v.Identifier(one.field, one.value)
		}
	}
	if q.Tipo != nil {
		f.Tipos = slices.Compact(slices.Sorted(slices.Values(*q.Tipo)))
	}
	if slices.ContainsFunc(f.Tipos, func(t TipoDeActo) bool { return !slices.Contains(TiposDeActo, t) }) {
		v.Fail("tipo", fmt.Sprintf("debe ser uno o varios de %v", TiposDeActo))
	}
	f.Desde, f.Hasta = v.Instant("desde", text(q.Desde), 0), v.Instant("hasta", text(q.Hasta), 1)
	if !f.Desde.IsZero() && !f.Hasta.IsZero() && !f.Desde.Before(f.Hasta) {
		v.Fail("hasta", "debe ser después de desde")
	}
	if q.Limite != nil {
		limit = *q.Limite
	}
	if limit < 1 || limit > MaxActos {
		v.Fail("limite", ActosForm)
	}
	if after, err = ParseCursor(text(q.Despues)); err != nil || after.Campo() != PorCreacion {
		v.Fail("despues", cursorForm)
	}
	return f, after, limit, v.Error()
}
