package rest

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"entregas/contracts"
)

// instants writes every time of an answer in the one form of the contract.
var instants = json.WithMarshalers(json.MarshalToFunc(func(e *jsontext.Encoder, t time.Time) error {
	return e.WriteToken(jsontext.String(contracts.FormatInstant(t)))
}))

// Encode is v as JSON, as every answer and event of ours has it: instants as contracts.FormatInstant, all else as encoding/json
// writes it.
func Encode(v any) ([]byte, error) { return json.Marshal(v, jsonv1.DefaultOptionsV1(), instants) }

// Write answers with a status and v as JSON.
func Write(w http.ResponseWriter, status int, v any) {
	text, err := Encode(v)
	if err != nil { // a value of ours that has no JSON: a mistake in the program
		slog.Error("respuesta que no se puede escribir", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client is gone when this fails
}

// Answer answers with a status and v as JSON, or with the problem of err.
func Answer(w http.ResponseWriter, r *http.Request, status int, v any, err error) {
	if err != nil {
		WriteError(w, r, err)
		return
	}
	Write(w, status, v)
}
