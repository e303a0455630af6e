package rest

import (
	"context"
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

type bodyKey struct{}

// WithBody returns r with a body of at most bytes, in place of contracts.MaxRequestBody, for Read, ReadOptional and ReadBody.
func WithBody(r *http.Request, bytes int64) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), bodyKey{}, bytes))
}

// bodyOf returns how many bytes the body of r may have.
func bodyOf(r *http.Request) int64 {
	if bytes, is := r.Context().Value(bodyKey{}).(int64); is {
		return bytes
	}
	return contracts.MaxRequestBody
}

// Read decodes a JSON body of at most contracts.MaxRequestBody bytes, unless WithBody says otherwise. Errors: UnsupportedType, TooLarge, Invalid. An error
// names an invalid field by its path, as in productos[1].cantidad.
func Read[T any](w http.ResponseWriter, r *http.Request) (T, error) {
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

// ReadOptional is Read for a body that may be empty: then it returns the zero value.
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

// ReadBody reads a body of at most contracts.MaxRequestBody bytes, unless WithBody says otherwise, for a caller that needs its bytes. Errors: TooLarge, Invalid,
// and TooMany or Busy from a middleware that limits the body.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyOf(r)))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return nil, errs.New(errs.TooLarge, "El cuerpo puede tener a lo sumo %d bytes.", tooBig.Limit)
	case err != nil && slices.Contains([]errs.Code{errs.TooMany, errs.Busy}, errs.Of(err)):
		return nil, err
	case err != nil:
		return nil, errs.New(errs.Invalid, "No se pudo leer el cuerpo de la petición.")
	}
	return body, nil
}

// RequireJSON returns UnsupportedType unless the headers of the request say that its body is JSON in UTF-8 and not compressed.
func RequireJSON(r *http.Request) error {
	kind, params, err := mime.ParseMediaType(strings.Join(r.Header.Values("Content-Type"), ",")) // two types do not parse
	charset, hasCharset := params["charset"]
	if err != nil || kind != "application/json" || hasCharset && !strings.EqualFold(charset, "utf-8") || !slices.Contains([]string{"", "identity"}, strings.ToLower(r.Header.Get("Content-Encoding"))) {
		return errs.New(errs.UnsupportedType, "El Content-Type debe ser application/json, en UTF-8 y sin comprimir.")
	}
	return nil
}

// Decode decodes a JSON object that has only fields of T, each at most once and with the exact name of the contract. A field
// that is null counts as missing. Its errors are Invalid.
func Decode[T any](text []byte) (T, error) {
	var v T
	if jsontext.Value(text).Kind() == jsontext.KindNull {
		return v, errs.New(errs.Invalid, "El cuerpo debe ser un objeto JSON.")
	}
	return v, explain(json.Unmarshal(text, &v, json.RejectUnknownMembers(true), json.WithUnmarshalers(lines)))
}

// lines decodes a contracts.Linea. Its id_producto may also be a whole number, as in the earlier system.
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
	case raw.IDProducto == nil || raw.IDProducto.Kind() == jsontext.KindNull: // Validate reports the missing field
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

// explain turns an error of the decoder into an Invalid error with a message for a person and the path of the field.
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
			Code: errs.Invalid, Cause: err,
			Message: fmt.Sprintf("El cuerpo no es un objeto JSON bien formado en UTF-8: falla en el byte %d.", form.ByteOffset+1),
		}
	case errors.As(err, &meaning) && meaning.JSONPointer == "":
		return errs.New(errs.Invalid, "El cuerpo debe ser un objeto JSON.")
	case errors.As(err, &meaning) && errors.Is(meaning.Err, json.ErrUnknownName):
		return contracts.BadField(fieldName(meaning.JSONPointer), "no se conoce")
	case errors.As(err, &meaning) && meaning.GoType != nil:
		return contracts.BadField(fieldName(meaning.JSONPointer), "debe ser "+kindInWords(meaning.GoType.Kind()))
	default:
		return &errs.Error{Code: errs.Invalid, Message: "El cuerpo no es lo que se espera.", Cause: err}
	}
}

// maxFieldName is the limit for a field name in an answer, in characters. A client may send a name of any length.
const maxFieldName = 100

// fieldName returns a JSON pointer in the form that errors have: productos[1].cantidad.
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

// kindInWords returns the Spanish name of a kind, for a client.
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
