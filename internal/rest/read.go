package rest

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entregas/contracts"
	"entregas/internal/errs"
)

// Load decodes a JSON body of at most contracts.MaxRequestBody bytes. Errors: UnsupportedType, TooLarge, Invalid; what
// is wrong is named by its place, as in productos[1].cantidad.
func Load[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	var v T
	body, err := ReadBody(w, r)
	if err == nil && len(body) == 0 {
		err = errs.New(errs.Invalid, "Falta el cuerpo de la petición.")
	}
	if err == nil {
		err = RequireJSON(r)
	}
	if err != nil {
		return v, err
	}
	return Decode[T](body)
}

// ReadOptional is Load for a body that may be missing, as which an empty one counts.
func ReadOptional[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	var v T
	body, err := ReadBody(w, r)
	if err != nil || len(body) == 0 {
		return v, err
	}
	if err := RequireJSON(r); err != nil {
		return v, err
	}
	return Decode[T](body)
}

// ReadBody reads a whole body of at most contracts.MaxRequestBody bytes, for a caller that needs it before it is decoded. Errors:
// TooLarge, Invalid.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, contracts.MaxRequestBody))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return nil, errs.New(errs.TooLarge, "El cuerpo puede tener a lo sumo %d bytes.", tooBig.Limit)
	case err != nil && slices.Contains([]errs.Code{errs.TooMany, errs.Busy}, errs.Of(err)): // who holds the body reads no further
		return nil, err
	case err != nil:
		return nil, errs.New(errs.Invalid, "No se pudo leer el cuerpo de la petición.")
	}
	return body, nil
}

// RequireJSON is UnsupportedType for a request whose headers do not say that its body is plain JSON in UTF-8.
func RequireJSON(r *http.Request) error {
	kind, params, err := mime.ParseMediaType(strings.Join(r.Header.Values("Content-Type"), ",")) // more than one is none
	charset, hasCharset := params["charset"]
	if err != nil || kind != "application/json" || hasCharset && !strings.EqualFold(charset, "utf-8") || !slices.Contains([]string{"", "identity"}, strings.ToLower(r.Header.Get("Content-Encoding"))) {
		return errs.New(errs.UnsupportedType, "El Content-Type debe ser application/json, en UTF-8 y sin comprimir.")
	}
	return nil
}

// Decode reads one JSON value that must be an object with the fields of T and no others: each once, and spelled as the
// contract spells it. null counts as a field that is missing. Its errors are Invalid.
func Decode[T any](text []byte) (T, error) {
	var v T
	if jsontext.Value(text).Kind() == jsontext.KindNull {
		return v, errs.New(errs.Invalid, "El cuerpo debe ser un objeto JSON.")
	}
	return v, explain(json.Unmarshal(text, &v, json.RejectUnknownMembers(true), json.WithUnmarshalers(lines)))
}

// lines also takes an id_producto that is a number: the earlier system counted its products.
var lines = json.UnmarshalFromFunc(func(d *jsontext.Decoder, l *contracts.Linea) error {
	var raw struct {
		IDProducto jsontext.Value `json:"id_producto"`
		Cantidad   int            `json:"cantidad"`
	}
	if err := json.UnmarshalDecode(d, &raw); err != nil {
		return err
	}
	*l = contracts.Linea{Cantidad: raw.Cantidad}
	switch id := string(raw.IDProducto); {
	case raw.IDProducto == nil || raw.IDProducto.Kind() == jsontext.KindNull: // Validate says that it is missing
		return nil
	case raw.IDProducto.Kind() == jsontext.KindString:
		return json.Unmarshal(raw.IDProducto, &l.IDProducto)
	case strings.Trim(id, "0123456789") == "":
		l.IDProducto = id
		return nil
	default:
		return contracts.BadField(fieldName(d.StackPointer()+"/id_producto"), "debe ser un texto")
	}
})

// explain says in words for a person what is wrong with a body, and where.
func explain(err error) error {
	var validation *contracts.ValidationError
	var form *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &validation):
		return validation
	case errors.As(err, &form) && errors.Is(form.Err, jsontext.ErrDuplicateName):
		return contracts.BadField(fieldName(form.JSONPointer), "está más de una vez")
	case errors.As(err, &form) && form.JSONPointer != "":
		return contracts.BadField(fieldName(form.JSONPointer), "no es JSON bien formado en UTF-8")
	case errors.As(err, &form):
		return &errs.Error{
			Codigo: errs.Invalid, Cause: err,
			Mensaje: fmt.Sprintf("El cuerpo no es un objeto JSON bien formado en UTF-8: falla en el byte %d.", form.ByteOffset+1),
		}
	case errors.As(err, &meaning) && meaning.JSONPointer == "":
		return errs.New(errs.Invalid, "El cuerpo debe ser un objeto JSON.")
	case errors.As(err, &meaning) && errors.Is(meaning.Err, json.ErrUnknownName):
		return contracts.BadField(fieldName(meaning.JSONPointer), "no se conoce")
	case errors.As(err, &meaning) && meaning.GoType != nil:
		return contracts.BadField(fieldName(meaning.JSONPointer), "debe ser "+kindInWords(meaning.GoType.Kind()))
	default:
		return &errs.Error{Codigo: errs.Invalid, Mensaje: "El cuerpo no es lo que se espera.", Cause: err}
	}
}

// maxFieldName bounds how much of a name that a client made up comes back to it.
const maxFieldName = 100

// fieldName is a place in a body as our errors name it: productos[1].cantidad.
func fieldName(p jsontext.Pointer) string {
	var name strings.Builder
	for token := range p.Tokens() {
		if _, err := strconv.ParseUint(token, 10, 0); err == nil && name.Len() > 0 {
			name.WriteString("[" + token + "]")
			continue
		}
		if name.Len() > 0 {
			name.WriteByte('.')
		}
		name.WriteString(token)
	}
	if letters := []rune(name.String()); len(letters) > maxFieldName {
		return string(letters[:maxFieldName]) + "…"
	}
	return name.String()
}

func kindInWords(k reflect.Kind) string {
	switch k {
	case reflect.Int, reflect.Int64:
		return "un número entero"
	case reflect.Float64:
		return "un número"
	case reflect.String:
		return "un texto"
	case reflect.Bool:
		return "true o false"
	case reflect.Slice:
		return "una lista"
	default:
		return "un objeto JSON"
	}
}
