package rest

import (
	"cmp"
	"net/http"
	"reflect"

	"entregas/contracts"
)

// BadParameter returns an error handler for a generated server. It answers Invalid and names the parameter that could not be
// read. accepted describes in Spanish the values that each parameter accepts; a parameter that is not in it is a text.
func BadParameter(accepted map[string]string) func(w http.ResponseWriter, r *http.Request, err error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		name := parameterName(err)
		WriteError(w, r, contracts.BadField(name, cmp.Or(accepted[name], "debe estar una vez, como texto")))
	}
}

// parameterName returns the name of the parameter that err is about. Each generated package has its own error types, which
// have only the field ParamName in common.
func parameterName(err error) string {
	if v := reflect.Indirect(reflect.ValueOf(err)); v.Kind() == reflect.Struct {
		if name := v.FieldByName("ParamName"); name.IsValid() && name.Kind() == reflect.String {
			return name.String()
		}
	}
	return "parámetros"
}
