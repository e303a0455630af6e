package contracts

import (
	"regexp"
	"strconv"
)

// TextoDeActo names a sentence about an act. It is a string, so that GraphQL takes it as one.
type TextoDeActo = string

// The sentences about acts.
const (
	TextoReintento        TextoDeActo = "reintento"
	TextoReposicion       TextoDeActo = "reposicion"
	TextoSuma             TextoDeActo = "suma"
	TextoResta            TextoDeActo = "resta"
	TextoUmbral           TextoDeActo = "umbral"
	TextoImportacion      TextoDeActo = "importacion"
	TextoPrimerPrecio     TextoDeActo = "primer_precio"
	TextoPrecio           TextoDeActo = "precio"
	TextoMensaje          TextoDeActo = "mensaje"
	TextoComprasBorradas  TextoDeActo = "compras_borradas"
	TextoOrdenesBorradas  TextoDeActo = "ordenes_borradas"
	TextoDireccionNueva   TextoDeActo = "direccion_nueva"
	TextoDireccionPausada TextoDeActo = "direccion_pausada"
	TextoDireccionActiva  TextoDeActo = "direccion_activa"
	TextoDireccionSecreto TextoDeActo = "direccion_secreto"
	TextoDireccionBorrada TextoDeActo = "direccion_borrada"
	TextoEntregaRepetida  TextoDeActo = "entrega_repetida"
	TextoCorreoRepetido   TextoDeActo = "correo_repetido"
	TextoDeseosBorrados   TextoDeActo = "deseos_borrados"
	TextoCorreoBorrado    TextoDeActo = "correo_borrado"
)

// TextosDeActo has the Spanish sentences about acts, with a place in braces for each value. The pages have them in other languages, in the
// group acts of bff/pages/words.
var TextosDeActo = map[TextoDeActo]string{ // #nosec G101 -- sentences, no secrets
	TextoReintento:        "Quedó {estado}.",
	TextoReposicion:       "Se agregaron {unidades} unidades; quedaron {quedaron}.",
	TextoSuma:             "Se sumaron {unidades} unidades; quedaron {quedaron}.",
	TextoResta:            "Se restaron {unidades} unidades; quedaron {quedaron}.",
	TextoUmbral:           "El umbral pasó de {antes} a {ahora} unidades.",
	TextoImportacion:      "{lineas} líneas: entraron {unidades} unidades, se crearon {productos} productos y cambiaron {umbrales} umbrales.",
	TextoPrimerPrecio:     "El precio es {ahora}.",
	TextoPrecio:           "El precio pasó de {antes} a {ahora}.",
	TextoMensaje:          "{tipo} de {tema}.",
	TextoComprasBorradas:  "Compras: {compras}.",
	TextoOrdenesBorradas:  "Órdenes: {ordenes}.",
	TextoDireccionNueva:   "Añadió la dirección {url}",
	TextoDireccionPausada: "Puso en pausa la dirección {url}",
	TextoDireccionActiva:  "Activó la dirección {url}",
	TextoDireccionSecreto: "Renovó el secreto de la dirección {url}",
	TextoDireccionBorrada: "Borró la dirección {url}",
	TextoEntregaRepetida:  "Envió de nuevo {tipo} a {url}",
	TextoCorreoRepetido:   "Envió de nuevo {tipo} por correo",
	TextoDeseosBorrados:   "Avisos de existencias: {deseos}.",
	TextoCorreoBorrado:    "La dirección de correo y sus correos. Avisos de existencias: {deseos}.",
}

// ValorDeActo is a value in a sentence about an act: a number, an amount of money, or else a text.
type ValorDeActo struct {
	Nombre string `json:"nombre"` // the place
	Texto  string `json:"texto,omitempty"`
	Numero *int64 `json:"numero,omitempty"` // with Moneda, minor units
	Moneda string `json:"moneda,omitempty"`
}

// NumeroDeActo returns the number n for a place.
func NumeroDeActo(place string, n int) ValorDeActo {
	return ValorDeActo{Nombre: place, Numero: new(int64(n))}
}

// ImporteDeActo returns an amount of minor units for a place.
func ImporteDeActo(place string, amount int64, moneda string) ValorDeActo {
	return ValorDeActo{Nombre: place, Numero: &amount, Moneda: moneda}
}

// String returns the value as a Spanish sentence has it.
func (v ValorDeActo) String() string {
	switch {
	case v.Numero == nil:
		return v.Texto
	case v.Moneda != "":
		return FormatImporte(*v.Numero, v.Moneda)
	default:
		return strconv.FormatInt(*v.Numero, 10)
	}
}

// placeOfValue is a place in a sentence about an act.
var placeOfValue = regexp.MustCompile(`\{(\w+)\}`)

// Telling returns a with a sentence about what was done: as structure, for a reader of any language, and in Spanish as Detalle.
func (a Acto) Telling(texto TextoDeActo, valores ...ValorDeActo) Acto {
	a.Texto, a.Valores = texto, valores
	a.Detalle = placeOfValue.ReplaceAllStringFunc(TextosDeActo[texto], func(place string) string {
		for _, v := range valores {
			if "{"+v.Nombre+"}" == place {
				return v.String()
			}
		}
		return place
	})
	return a
}
