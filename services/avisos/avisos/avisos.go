// Package avisos decides which changes of purchases are delivered to which addresses, and when. It does no I/O: the other packages of the service
// carry the decisions out.
package avisos

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"entregas/contracts"
)

// Suceso is an event that addresses are told. The same event always has the same Evento, so that a receiver can drop a copy.
type Suceso struct {
	Evento   string           // the webhook-id
	Tipo     string           // compra.confirmada and so on, or prueba
	IDCompra string           // empty for a test
	Estado   contracts.Estado // empty for a test
	En       time.Time        // when it happened
	Cuerpo   string           // the body of each delivery
}

// body is the body of a delivery, in the form that Standard Webhooks recommends. It has nothing personal: the id of the customer
// is the opaque subject of the issuer, and a reason may be a person's own words.
type body struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	Data      any    `json:"data"`
}

type compra struct {
	ID        string               `json:"id"`
	Codigo    string               `json:"codigo,omitempty"` // by which people name it; empty for a purchase of before
	IDUsuario string               `json:"id_usuario"`
	Estado    contracts.Estado     `json:"estado"`
	Numero    int                  `json:"numero"`
	Faltantes []contracts.Faltante `json:"faltantes,omitempty"`
}

// SucesosOf returns an event for each state that the purchase of e has entered. It reads the history, since a message may be
// about several entries: gestor-compra publishes a purchase once for those that it could not publish at once.
func SucesosOf(e contracts.DatosEventoCompra) ([]Suceso, error) {
	var all []Suceso
	for _, h := range e.Historia {
		estado := contracts.Estado(h.Paso)
		if !slices.Contains(contracts.Estados, estado) {
			continue // a rollback that was confirmed
		}
		data := compra{ID: e.IDCompra, Codigo: e.Codigo, IDUsuario: e.IDUsuario, Estado: estado, Numero: h.Numero}
		if string(estado) == e.Estado {
			data.Faltantes = e.Faltantes
		}
		s := Suceso{
			Evento: "msg_" + strings.ReplaceAll(e.IDCompra, "-", "") + "_" + strconv.Itoa(h.Numero), Tipo: contracts.TipoDeAviso(estado),
			IDCompra: e.IDCompra, Estado: estado, En: time.UnixMilli(h.En).UTC(),
		}
		var err error
		if s.Cuerpo, err = bodyOf(s, data); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Prueba returns an event by which an operator tries an address. id is unique.
func Prueba(id string, at time.Time) (Suceso, error) {
	s := Suceso{Evento: "msg_" + strings.ReplaceAll(id, "-", ""), Tipo: contracts.PruebaDeAviso, En: at}
	var err error
	s.Cuerpo, err = bodyOf(s, struct{}{})
	return s, err
}

func bodyOf(s Suceso, data any) (string, error) {
	text, err := json.Marshal(body{Type: s.Tipo, Timestamp: contracts.FormatInstant(s.En), Data: data})
	return string(text), err
}

// Envio is a try to deliver an event to an address.
type Envio struct {
	ID          string // of the delivery
	IDDireccion string
	URL         string
	Secretos    []string // whsec_…; the newest first
	Evento      string
	Tipo        string
	IDCompra    string // empty for a test
	Cuerpo      string
	Intentos    int // this try included
	Rastro
}

// Rastro is where a delivery belongs among the traces. Its texts are traceparents, or empty.
type Rastro struct {
	Traza      string // of what the delivery tells
	Repeticion string // of the operator who had it made again
}

// Answer is the result of a try. Codigo is 0 where there was no answer. Error says in Spanish what failed; it is empty after a
// success. RetryAfter is the pause that the receiver asked for, or 0.
type Answer struct {
	Codigo     int
	Error      string
	RetryAfter time.Duration
}

// Plan has the pause after each failed try but the last. So a delivery is tried once more than the plan is long.
type Plan []time.Duration

// maxRetryAfter is the longest pause that a receiver may ask for by Retry-After.
const maxRetryAfter = 24 * time.Hour

// gone is the status by which a receiver says that it wants no more events.
const gone = 410

// Period is how long all the pauses are together: what is not delivered by then is given up.
func (p Plan) Period() (period time.Duration) {
	for _, pause := range p {
		period += pause
	}
	return period
}

// Verdict says what follows from a try: the state of the delivery, the pause before its next try, and whether the address is
// paused, for the reason Motivo.
type Verdict struct {
	Estado contracts.EstadoEntrega
	After  time.Duration
	Pause  bool
	Motivo string
}

// Judge decides what follows from the answer to try number intentos.
func (p Plan) Judge(a Answer, intentos int) Verdict {
	switch {
	case a.Error == "":
		return Verdict{Estado: contracts.EntregaHecha}
	case a.Codigo == gone:
		return Verdict{Estado: contracts.EntregaMuerta, Pause: true, Motivo: "La dirección respondió 410: no quiere más avisos."}
	case intentos > len(p):
		return Verdict{Estado: contracts.EntregaMuerta}
	default:
		return Verdict{Estado: contracts.EntregaPendiente, After: max(p[intentos-1], min(a.RetryAfter, maxRetryAfter))}
	}
}

// MaxPendientes is how many deliveries of one address may wait. An address with more is paused within a minute, since it would fill the database.
const MaxPendientes = 100_000

// TooManyPendientes is the reason of such a pause, for an operator.
const TooManyPendientes = "La dirección no recibe: tenía más de 100.000 entregas por hacer."

// PausedTooLong is the error of a delivery that was given up because its address was paused for the whole period of its tries, for an operator.
const PausedTooLong = "La dirección estuvo en pausa durante todo el plazo de la entrega."

// ValidateID checks that id, the value of field, is a UUID. It returns nil or a *contracts.ValidationError.
func ValidateID(field, id string) error {
	var v contracts.Validator
	v.IDCompra(field, id)
	return v.Error()
}
