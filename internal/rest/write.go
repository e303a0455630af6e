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

// instants encodes times as contracts.FormatInstant.
var instants = json.WithMarshalers(json.MarshalToFunc(func(e *jsontext.Encoder, t time.Time) error {
	return e.WriteToken(jsontext.String(contracts.FormatInstant(t)))
}))

// Encode returns v as JSON in the form of all answers and events: times as contracts.FormatInstant, all other values as
// encoding/json.
func Encode(v any) ([]byte, error) { return json.Marshal(v, jsonv1.DefaultOptionsV1(), instants) }

// Write answers with status and with v as JSON.
func Write(w http.ResponseWriter, status int, v any) {
	text, err := Encode(v)
	if err != nil { // a bug in the program: v has no JSON
		slog.Error("an answer cannot be encoded", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // it fails only when the client is gone
}

// Answer answers with the problem of err if err is set, else with status and with v as JSON.
func Answer(w http.ResponseWriter, r *http.Request, status int, v any, err error) {
	if err != nil {
		WriteError(w, r, err)
		return
	}
	Write(w, status, v)
}
