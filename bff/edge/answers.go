package edge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"entregas/bff/compras"
	"entregas/bff/memory"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// first stores the key name for this request. It returns nil when no other request of the subject has that key, else the result of
// waitForAnswer. The error is errs.Quota when the subject has too many keys, or an error of waitForAnswer.
func (k Keys) first(ctx context.Context, usuario, name, body string, alone *once) (*answered, error) {
	full := k.Quota.Take(ctx, usuario, 1)
	if full != nil && errs.Of(full) != errs.Quota {
		return nil, full
	}
	if full == nil {
		err := k.Store.Create(ctx, submissionPrefix+name, taken(body), compras.SubmissionTTL)
		if err == nil {
			return nil, nil
		}
		k.Quota.Return(usuario)
		if !errors.Is(err, compras.ErrChanged) {
			return nil, err
		}
	} else if values, err := k.Store.Load(ctx, submissionPrefix+name); err != nil || values[0].Version == "" {
		return nil, cmp.Or(err, full) // a key that exists takes no more room
	}
	return waitForAnswer(ctx, k.Store, name, body, alone)
}

// waitForAnswer returns the answer of the first request under name. It returns nil where this request must call the service: the
// key was freed, or the first request has no answer after firstWait. Errors: OtherBody; OutcomeUnknown where alone is set and
// ctx ends first.
func waitForAnswer(ctx context.Context, store compras.Store, name, body string, alone *once) (*answered, error) {
	for limit := time.Now().Add(firstWait); ; {
		values, err := store.Load(ctx, submissionPrefix+name, replyPrefix+name)
		if err != nil {
			return nil, err
		}
		submission := values[0]
		isFree := bytes.Equal(submission.Text, freed(body))
		if submission.Version != "" && !isFree && !bytes.Equal(submission.Text, taken(body)) {
			return nil, errs.New(errs.OtherBody, "La Idempotency-Key ya se usó con otro contenido. Use otra clave, o envíe lo mismo.")
		}
		if values[1].Version != "" {
			var earlier answered
			return &earlier, json.Unmarshal(values[1].Text, &earlier)
		}
		if submission.Version != "" && isFree {
			err := store.Replace(ctx, submissionPrefix+name, submission.Version, taken(body), compras.SubmissionTTL)
			if !errors.Is(err, compras.ErrChanged) { // else an equal request took the key first: wait for its answer
				return nil, err
			}
		}
		if alone == nil && time.Now().After(limit) {
			return nil, nil
		}
		select {
		case <-ctx.Done():
			if alone != nil {
				return nil, compras.OutcomeUnknown(alone.see, alone.repeat, ctx.Err())
			}
			return nil, ctx.Err()
		case <-time.After(firstLook):
		}
	}
}

// remember stores an answer, and returns the answer that was stored first. It frees the key after a refusal or a failure.
func (k Keys) remember(ctx context.Context, usuario, name, body string, r answered) (*answered, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	ctx = memory.Uncharged(ctx) // the operation is done: a lack of memory must not turn the answer into an error
	if r.unknown {
		return &r, nil
	}
	if r.failed || r.Status >= http.StatusBadRequest {
		release(ctx, k.Store, name, body)
		return &r, nil
	}
	kept := r
	switch {
	case bytes.Contains(r.Body, []byte(contracts.SecretoPrefix)):
		kept = doneButNotKept(r, "Tiene un secreto, que no se guarda: renuévelo si no lo tiene.")
	case k.Largest > 0 && len(r.Body) > k.Largest:
		kept = doneButNotKept(r, fmt.Sprintf("La respuesta, de %d bytes, era demasiado larga para guardarla: lea cómo quedó.", len(r.Body)))
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return nil, err
	}
	err = k.Store.Create(ctx, replyPrefix+name, text, compras.SubmissionTTL)
	if errors.Is(err, compras.ErrChanged) {
		values, err := k.Store.Load(ctx, replyPrefix+name)
		if err != nil || values[0].Version == "" {
			slog.WarnContext(ctx, "could not read the answer that was kept first", "error", err)
			return &r, nil
		}
		var first answered
		return &first, json.Unmarshal(values[0].Text, &first)
	}
	if err == nil {
		err = k.Quota.Charge(ctx, usuario, len(text)/keptPerKey)
	}
	if err != nil { // no error for the client: the operation is done once, and only the answer to a repetition may differ
		slog.WarnContext(ctx, "could not keep an answer", "error", err)
	}
	return &r, nil
}

// taken is the value of a submission whose request is done or in progress. body is the hash of the request's body.
func taken(body string) []byte { return []byte(`"` + body + `"`) }

// freed is the value of a submission whose request was refused or failed: an equal request may take the key.
func freed(body string) []byte { return []byte(`"` + body + ` free"`) }

// release frees the key. If that fails, a repetition of the request waits for firstWait.
func release(ctx context.Context, store compras.Store, name, body string) {
	values, err := store.Load(ctx, submissionPrefix+name)
	if err == nil && values[0].Version != "" {
		err = store.Replace(ctx, submissionPrefix+name, values[0].Version, freed(body), compras.SubmissionTTL)
	}
	if err != nil && !errors.Is(err, compras.ErrChanged) {
		slog.WarnContext(ctx, "could not free an Idempotency-Key", "error", err)
	}
}

// doneButNotKept is the answer to a repetition of a request whose first answer was not stored, for the reason why. It says only that
// the request was done.
func doneButNotKept(r answered, why string) answered {
	p := rest.ProblemOf(errs.New(errs.Conflict, "Lo pedido con esta Idempotency-Key ya se hizo y se respondió %d. %s", r.Status, why))
	text, _ := json.Marshal(p) // texts and a number
	return answered{Status: p.Status, Headers: map[string]string{"Content-Type": "application/problem+json"}, Body: text}
}
