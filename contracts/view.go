package contracts

import (
	"errors"
	"fmt"
	"time"
)

// Compra is a purchase in the JSON of gestor-compra and of the bff.
type Compra struct {
	SolicitudCompra
	Importes
	Estado        Estado         `json:"estado"`
	Motivo        string         `json:"motivo,omitempty"`
	Faltantes     []Faltante     `json:"faltantes,omitempty"`
	IDOrden       string         `json:"id_orden,omitempty"`
	Codigo        string         `json:"codigo,omitempty"` // empty while only the topic has the purchase
	Traza         string         `json:"traza,omitempty"`  // the id of its trace, for operators; empty where nothing is recorded
	CreadaEn      time.Time      `json:"creada_en"`
	ActualizadaEn time.Time      `json:"actualizada_en"`
	Historia      []HechoContado `json:"historia"`
}

// IsSame reports whether s asks for the purchase c: all its fields are the same, except the id. The order of the lines counts, because a
// client that repeats a request sends the same bytes.
func (c Compra) IsSame(s SolicitudCompra) bool {
	return c.same(s)
}

// PaginaDeCompras is one page of a list of purchases.
type PaginaDeCompras struct {
	Compras   []Compra `json:"compras"`
	Siguiente string   `json:"siguiente,omitempty"` // the cursor of the next page; empty on the last page
	Cuantas   *int     `json:"cuantas,omitempty"`   // how many purchases match, at most MaxContadas; nil where the client did not ask
	HayMas    bool     `json:"hay_mas,omitempty"`   // more than Cuantas match
}

// HechoContado is one entry of the history of a purchase. Numero counts the entries of the purchase.
type HechoContado struct {
	Numero  int       `json:"numero"`
	Paso    string    `json:"paso"` // the state entered, or the rollback that was confirmed
	Tipo    string    `json:"tipo"` // the message that is the reason
	En      time.Time `json:"en"`
	Detalle string    `json:"detalle"`
	// Sujeto and Rol are the person behind the entry. Both are empty for an entry of the system itself. For a customer the bff
	// empties the Sujeto of anybody else.
	Sujeto string `json:"sujeto,omitempty"`
	Rol    string `json:"rol,omitempty"`
}

// Numero returns the number of the newest entry of the history, or 0 where there is none.
func (c Compra) Numero() int {
	if len(c.Historia) == 0 {
		return 0
	}
	return c.Historia[len(c.Historia)-1].Numero
}

// Event returns the data of the event on eventos-compra about c.
func (c Compra) Event() DatosEventoCompra {
	e := dataOf[DatosEventoCompra](c.SolicitudCompra)
	e.Numero, e.Estado, e.Motivo, e.Faltantes, e.IDOrden, e.Codigo = c.Numero(), string(c.Estado), c.Motivo, c.Faltantes, c.IDOrden, c.Codigo
	e.CreadaEn, e.ActualizadaEn = c.CreadaEn.UnixMilli(), c.ActualizadaEn.UnixMilli()
	e.Moneda, e.Total, e.Precios = c.Moneda, c.Total, c.Precios
	for _, h := range c.Historia {
		e.Historia = append(e.Historia, Hecho{Numero: h.Numero, Paso: h.Paso, Tipo: h.Tipo, En: h.En.UnixMilli(), Detalle: h.Detalle})
		if h.Rol != "" {
			e.Autores = append(e.Autores, Autor{Numero: h.Numero, Sujeto: h.Sujeto, Rol: h.Rol})
		}
	}
	return e
}

// Compra returns the purchase of the event.
func (e DatosEventoCompra) Compra() Compra {
	c := Compra{
		SolicitudCompra: solicitudIn(e), Importes: e.importes(),
		Estado: Estado(e.Estado), Motivo: e.Motivo, Faltantes: e.Faltantes, IDOrden: e.IDOrden,
		CreadaEn: time.UnixMilli(e.CreadaEn).UTC(), ActualizadaEn: time.UnixMilli(e.ActualizadaEn).UTC(), Historia: []HechoContado{},
	}
	c.Codigo = e.Codigo
	authors := map[int]Autor{}
	for _, a := range e.Autores {
		authors[a.Numero] = a
	}
	for _, h := range e.Historia {
		a := authors[h.Numero]
		c.Historia = append(c.Historia, HechoContado{Numero: h.Numero, Paso: h.Paso, Tipo: h.Tipo, En: time.UnixMilli(h.En).UTC(), Detalle: h.Detalle, Sujeto: a.Sujeto, Rol: a.Rol})
	}
	return c
}

// Aceptada is the answer to a purchase that was accepted, with its id.
type Aceptada struct {
	ID     string `json:"id"`
	Codigo string `json:"codigo,omitempty"` // empty while only the topic has the purchase
	Estado Estado `json:"estado"`
}

// Cancelacion is the request to cancel a purchase.
type Cancelacion struct {
	Motivo string `json:"motivo,omitempty"`
}

// Aprobacion is the decision about a purchase that awaits approval. Aprobada is nil where the request does not say it.
type Aprobacion struct {
	Aprobada *bool  `json:"aprobada"`
	Motivo   string `json:"motivo,omitempty"`
}

// Decisiones is the request to decide about many purchases that await approval.
type Decisiones struct {
	Decisiones []Decision `json:"decisiones"`
}

// Decision is the decision about one of many purchases, which ID names by its id or its code. Aprobada is nil where the request does not say it.
type Decision struct {
	ID       string `json:"id"`
	Aprobada *bool  `json:"aprobada"`
	Motivo   string `json:"motivo,omitempty"`
}

// Validate requires 1 to MaxAtOnce decisions about different purchases. It returns nil, or a *ValidationError with every wrong field.
func (d Decisiones) Validate() error {
	var v Validator
	v.many("decisiones", len(d.Decisiones))
	seen := map[string]bool{}
	for i, one := range d.Decisiones[:min(len(d.Decisiones), MaxAtOnce)] {
		at := fmt.Sprintf("decisiones[%d].", i)
		if _, err := ParseCodigo(one.ID); errors.Is(err, ErrNoCodigo) {
			v.IDCompra(at+"id", one.ID)
		}
		v.once(at+"id", one.ID, seen)
		if one.Aprobada == nil {
			v.Fail(at+"aprobada", "falta: debe ser true o false")
		}
		v.Motivo(at+"motivo", one.Motivo)
	}
	return v.Error()
}

// CompraPorAprobar is a purchase that awaits approval. Nobody may decide after VenceEn.
type CompraPorAprobar struct {
	Compra  Compra    `json:"compra"`
	Desde   time.Time `json:"desde"`    // since when it waits
	VenceEn time.Time `json:"vence_en"` // earlier where another purchase lacks the units that it holds
}

// PaginaPorAprobar is one page of the purchases that await approval, the oldest first.
type PaginaPorAprobar struct {
	Compras   []CompraPorAprobar `json:"compras"`
	Total     int                `json:"total"` // purchases that await approval, on all pages
	Siguiente string             `json:"siguiente,omitempty"`
}

// Reposicion is the request to add to the stock of a product.
type Reposicion struct {
	Cantidad int `json:"cantidad"`
}

// Producto is a product, with the quantity that can be bought and the present price, in the JSON of admin-productos and of the bff. A
// product without a price has Precio 0 and no Moneda.
type Producto struct {
	ID       string `json:"id"`
	Nombre   string `json:"nombre"`
	Cantidad int    `json:"cantidad"`
	Precio   int64  `json:"precio,omitempty"` // minor units of one unit
	Moneda   string `json:"moneda,omitempty"`
}
