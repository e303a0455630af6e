package contracts

import "time"

// MensajeDeSaga is a command that the saga sent for a purchase, with the replies to it.
type MensajeDeSaga struct {
	Comando      MessageType       `json:"comando"`
	PreguntadaEn time.Time         `json:"preguntada_en"`
	AbandonadaEn *time.Time        `json:"abandonada_en,omitempty"` // when the saga stopped waiting for the reply
	Respuesta    MessageType       `json:"respuesta,omitempty"`
	Motivo       string            `json:"motivo,omitempty"`
	RespondidaEn *time.Time        `json:"respondida_en,omitempty"`
	Tardias      []RespuestaTardia `json:"tardias"`
}

// RespuestaTardia is a second reply, or one that came after the saga had stopped waiting. It is kept for operators and has no effect.
type RespuestaTardia struct {
	Tipo MessageType `json:"tipo"`
	En   time.Time   `json:"en"`
}

// Resumen is the present load: how many purchases are in each state, what those of the last VentanaS seconds came to, and how long they
// took from RECIBIDA to CONFIRMADA. The percentiles are of the newest 10,000 at most, and nil where no purchase was confirmed.
type Resumen struct {
	Estados     map[Estado]int `json:"estados"`
	VentanaS    int            `json:"ventana_s"`
	Recibidas   int            `json:"recibidas"`
	Confirmadas int            `json:"confirmadas"`
	Despachadas int            `json:"despachadas"`
	Rechazadas  int            `json:"rechazadas"`
	Canceladas  int            `json:"canceladas"`
	Fallidas    int            `json:"fallidas"`
	Deshechas   int            `json:"deshechas"`   // purchases whose rollback began
	PorSegundo  float64        `json:"por_segundo"` // confirmed purchases
	P50         *float64       `json:"p50_ms"`
	P90         *float64       `json:"p90_ms"`
	P95         *float64       `json:"p95_ms"`
	P99         *float64       `json:"p99_ms"`
}

// Salud is the health of the services as the bff sees them, and where to look for more. The addresses are empty where no setting has them.
type Salud struct {
	Servicios []SaludDeServicio `json:"servicios"`
	Trazas    string            `json:"trazas,omitempty"`
	Traza     string            `json:"traza,omitempty"` // the address of one trace, with {traza} for its id
	Tableros  string            `json:"tableros,omitempty"`
}

// SaludDeServicio is the health of one service. Detalle is the cause in English, for an administrator.
type SaludDeServicio struct {
	Servicio string        `json:"servicio"`
	Estado   EstadoDeSalud `json:"estado"`
	Detalle  string        `json:"detalle,omitempty"`
}

// EstadoDeSalud says whether a service can do its work.
type EstadoDeSalud = string

// The states of a service.
const (
	Listo        EstadoDeSalud = "listo"         // the service, its sidecar and what it needs answer
	NoListo      EstadoDeSalud = "no-listo"      // the service answers, and something that it needs does not
	SinRespuesta EstadoDeSalud = "sin-respuesta" // the service or its sidecar does not answer
)

// PendientesDeOperacion counts what waits for an operator. A count is nil where its owner does not answer.
type PendientesDeOperacion struct {
	PorAprobar      *int `json:"por_aprobar,omitempty"`
	PorDespachar    *int `json:"por_despachar,omitempty"` // at most MaxTotalOrdenes, which stands for as many or more
	Fallidas        *int `json:"fallidas,omitempty"`
	MensajesMuertos *int `json:"mensajes_muertos,omitempty"`
}

// Colas has the number of waiting messages of each queue, now and in the last minutes.
type Colas struct {
	Broker   bool             `json:"broker"` // the broker answers; else Ahora is empty
	Muestras []MuestraDeColas `json:"muestras"`
	Ahora    []ColaAhora      `json:"ahora"`
}

// MuestraDeColas has the number of waiting messages of each topic at one instant, without the topics for which the broker did not answer.
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
