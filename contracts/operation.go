package contracts

import (
	"encoding/json"
	"time"
)

// ComprasFilter picks purchases; a zero field picks all.
type ComprasFilter struct {
	Estados   []Estado
	IDUsuario string
	Domicilio *bool
}

// MensajeDeSaga is a command that the saga sent for a purchase, with what was answered.
type MensajeDeSaga struct {
	Comando      MessageType       `json:"comando"`
	PreguntadaEn time.Time         `json:"preguntada_en"`
	AbandonadaEn *time.Time        `json:"abandonada_en,omitempty"` // when patience ran out
	Respuesta    MessageType       `json:"respuesta,omitempty"`
	Motivo       string            `json:"motivo,omitempty"`
	RespondidaEn *time.Time        `json:"respondida_en,omitempty"`
	Tardias      []RespuestaTardia `json:"tardias"`
}

// RespuestaTardia is a reply that came second, or after patience had run out: kept, and without effect.
type RespuestaTardia struct {
	Tipo MessageType `json:"tipo"`
	En   time.Time   `json:"en"`
}

// Resumen is what goes on now: how many purchases are in each state, and how fast those of the last VentanaS seconds came
// from RECIBIDA to CONFIRMADA. The percentiles are nil where none did.
type Resumen struct {
	Estados     map[Estado]int `json:"estados"`
	VentanaS    int            `json:"ventana_s"`
	Recibidas   int            `json:"recibidas"`
	Confirmadas int            `json:"confirmadas"`
	PorSegundo  float64        `json:"por_segundo"` // confirmed
	P50         *float64       `json:"p50_ms"`
	P95         *float64       `json:"p95_ms"`
	P99         *float64       `json:"p99_ms"`
}

// Colas tells how many messages wait in each queue, now and of late.
type Colas struct {
	Broker   bool             `json:"broker"` // it answers; else Ahora is empty
	Muestras []MuestraDeColas `json:"muestras"`
	Ahora    []ColaAhora      `json:"ahora"`
}

// MuestraDeColas is how many waited in each topic at an instant: none of those for which the broker did not answer.
type MuestraDeColas struct {
	En         time.Time        `json:"en"`
	Pendientes map[string]int64 `json:"pendientes"`
}

// ColaAhora is one reader of one topic.
type ColaAhora struct {
	Tema        string   `json:"tema"`
	Suscripcion string   `json:"suscripcion"`
	Pendientes  int64    `json:"pendientes"`
	Replicas    int      `json:"replicas"`
	Edad        *float64 `json:"edad_segundos,omitempty"`
	Entrada     *float64 `json:"entrada_por_segundo,omitempty"`
	Salida      *float64 `json:"salida_por_segundo,omitempty"`
	ParaVaciar  *float64 `json:"segundos_para_vaciar,omitempty"`
}

// LineaDeBalance is a product in the books: initial + restocked = stock + reserved + dispatched, or Diferencia is not 0.
type LineaDeBalance struct {
	IDProducto  string `json:"id_producto"`
	Inicial     int64  `json:"inicial"`
	Repuesto    int64  `json:"repuesto"`
	Existencias int64  `json:"existencias"`
	Reservado   int64  `json:"reservado"`
	Despachado  int64  `json:"despachado"`
	Diferencia  int64  `json:"diferencia"`
}

// MensajeMuerto is a message that its reader set aside: it will never be handled as it is. Pendiente is one that is still on
// its topic, since a sidecar cannot hand it to its reader: it is delivered again each second until an operator sets it aside.
type MensajeMuerto struct {
	ID         string          `json:"id"`          // its place in the broker
	IDRegistro string          `json:"id_registro"` // what its producer calls it; may be anything
	Tema       string          `json:"tema"`        // where it came from, and where it is put back
	Tipo       string          `json:"tipo"`
	IDCompra   string          `json:"id_compra"`
	Motivo     string          `json:"motivo"`
	Origen     string          `json:"origen"` // the service that could not handle it
	Intentos   int             `json:"intentos"`
	En         time.Time       `json:"en"` // when it was set aside; when it was published where it is Pendiente
	Pendiente  bool            `json:"pendiente,omitempty"`
	Bytes      int64           `json:"bytes,omitempty"`    // of the original, where Registro is not all of it
	SHA256     string          `json:"sha256,omitempty"`   // of the original
	Comienzo   string          `json:"comienzo,omitempty"` // of the original
	Position   string          `json:"posicion,omitempty"` // of the original
	Registro   json.RawMessage `json:"registro,omitempty"` // none where it cannot be read or is too large to be shown
}
