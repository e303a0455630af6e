package contracts

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The limits of the addresses to which avisos delivers.
const (
	MaxDirecciones = 20    // addresses of all operators together
	MaxURL         = 2_000 // characters of an address
	MaxDescripcion = 200   // characters of the description of an address
	MaxEntregas    = 100   // deliveries of a page
	UsualEntregas  = 50    // deliveries of a page where the client gives no limit
)

// SecretoPrefix is the beginning of each secret, by Standard Webhooks.
const SecretoPrefix = "whsec_"

// PruebaDeAviso is the type of an event that an operator sends to try an address.
const PruebaDeAviso = "prueba"

// EntregasForm says in Spanish which limit a page of deliveries may have.
var EntregasForm = fmt.Sprintf("debe ser un número entero de 1 a %d", MaxEntregas)

// TipoDeAviso returns the type of an event for the entry of a purchase into the state e: compra.confirmada.
func TipoDeAviso(e Estado) string { return "compra." + strings.ToLower(string(e)) }

// NuevaDireccion is the request to deliver the changes of purchases to a URL. Estados selects the changes; empty means all.
type NuevaDireccion struct {
	URL         string   `json:"url"`
	Descripcion string   `json:"descripcion,omitempty"`
	Estados     []Estado `json:"estados,omitempty"`
}

// Validate checks the form of the request. It returns nil, or a *ValidationError with every wrong field. avisos checks where the URL leads.
func (d NuevaDireccion) Validate() error {
	var v Validator
	switch {
	case d.URL == "":
		v.Fail("url", "falta")
	case strings.ContainsFunc(d.URL, func(r rune) bool { return r <= ' ' || r > '~' }):
		v.Fail("url", "puede tener solo caracteres ASCII visibles: escriba los demás en su forma codificada")
	default:
		v.FreeText("url", d.URL, MaxURL)
	}
	v.FreeText("descripcion", d.Descripcion, MaxDescripcion)
	v.estados("estados", d.Estados)
	return v.Error()
}

// estados requires known states, each at most once.
func (v *Validator) estados(field string, list []Estado) {
	for i, e := range list {
		place := fmt.Sprintf("%s[%d]", field, i)
		if !slices.Contains(Estados, e) {
			v.Fail(place, fmt.Sprintf("debe ser uno de %v", Estados))
		} else if slices.Contains(list[:i], e) {
			v.Fail(place, "está repetido")
		}
	}
}

// CambioDeDireccion is the request to pause an address, or to use it again. Activa is nil where the request does not say it.
type CambioDeDireccion struct {
	Activa *bool `json:"activa"`
}

// DireccionDeAviso is a URL to which avisos delivers the changes of purchases. Only the answers to its creation and to the renewal of its
// secret have Secreto.
type DireccionDeAviso struct {
	ID            string    `json:"id"`
	URL           string    `json:"url"`
	Descripcion   string    `json:"descripcion"`
	Estados       []Estado  `json:"estados"` // empty means all
	Activa        bool      `json:"activa"`
	Motivo        string    `json:"motivo,omitempty"` // why avisos paused it
	Secreto       string    `json:"secreto,omitempty"`
	Pendientes    int       `json:"pendientes"`
	Muertas       int       `json:"muertas"`
	CreadaEn      time.Time `json:"creada_en"`
	ActualizadaEn time.Time `json:"actualizada_en"`
}

// ProductoDisponible is the type of an event for a customer who waited for a product: there is enough of it now.
const ProductoDisponible = "producto.disponible"

// CanalDeEntrega is the way by which a delivery goes.
type CanalDeEntrega string

// The ways of a delivery.
const (
	CanalWebhook CanalDeEntrega = "WEBHOOK" // to an address of an operator
	CanalCorreo  CanalDeEntrega = "CORREO"  // a mail to a customer
)

// CanalesDeEntrega are all ways of a delivery.
var CanalesDeEntrega = []CanalDeEntrega{CanalWebhook, CanalCorreo}

// EstadoEntrega is the state of a delivery.
type EstadoEntrega string

// The states of a delivery. One that is MUERTA was tried as often as the schedule says.
const (
	EntregaPendiente EstadoEntrega = "PENDIENTE"
	EntregaHecha     EstadoEntrega = "ENTREGADA"
	EntregaMuerta    EstadoEntrega = "MUERTA"
)

// EstadosEntrega are all states of a delivery.
var EstadosEntrega = []EstadoEntrega{EntregaPendiente, EntregaHecha, EntregaMuerta}

// EntregaDeAviso is one event on its way to one address, or to a customer by e-mail. A mail does not say to which address it goes.
type EntregaDeAviso struct {
	ID            string         `json:"id"`
	Canal         CanalDeEntrega `json:"canal"`
	IDDireccion   string         `json:"id_direccion,omitempty"` // empty for a mail
	URL           string         `json:"url,omitempty"`          // empty for a mail
	Evento        string         `json:"evento"`                 // the webhook-id: the same at each try
	Tipo          string         `json:"tipo"`
	IDCompra      string         `json:"id_compra,omitempty"`
	Estado        EstadoEntrega  `json:"estado"`
	Intentos      int            `json:"intentos"`
	CodigoHTTP    int            `json:"codigo_http,omitempty"` // of the last answer
	Error         string         `json:"error,omitempty"`       // of the last try, in Spanish
	ProximoEn     *time.Time     `json:"proximo_en,omitempty"`
	CreadaEn      time.Time      `json:"creada_en"`
	ActualizadaEn time.Time      `json:"actualizada_en"`
}

// EntregasFilter selects deliveries. A zero field selects all.
type EntregasFilter struct {
	Canal       CanalDeEntrega
	IDDireccion string
	IDCompra    string
	Estado      EstadoEntrega
}

// Validate checks the filter, the limit of a page and its cursor, which is the id of a delivery.
func (f EntregasFilter) Validate(limit int, after string) error {
	var v Validator
	for field, id := range map[string]string{"id_direccion": f.IDDireccion, "id_compra": f.IDCompra, "despues": after} {
		if id != "" {
			v.IDCompra(field, id)
		}
	}
	if f.Canal != "" && !slices.Contains(CanalesDeEntrega, f.Canal) {
		v.Fail("canal", fmt.Sprintf("debe ser uno de %v", CanalesDeEntrega))
	}
	if f.Estado != "" && !slices.Contains(EstadosEntrega, f.Estado) {
		v.Fail("estado", fmt.Sprintf("debe ser uno de %v", EstadosEntrega))
	}
	if limit < 1 || limit > MaxEntregas {
		v.Fail("limite", EntregasForm)
	}
	return v.Error()
}

// PaginaDeEntregas is one page of a list of deliveries, newest first.
type PaginaDeEntregas struct {
	Entregas  []EntregaDeAviso `json:"entregas"`
	Siguiente string           `json:"siguiente,omitempty"` // the cursor of the next page; empty on the last page
}
