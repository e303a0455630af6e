package compras

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"entregas/contracts"
	"entregas/internal/errs"
)

// SubmissionTTL is how long an Idempotency-Key is remembered.
const SubmissionTTL = 24 * time.Hour

// SubmissionPrefix begins the keys under which the store has the purchase of an Idempotency-Key.
const SubmissionPrefix = "submission/"

// submission is the purchase that an Idempotency-Key was used for: its id, and the fingerprint of the request's body.
type submission struct {
	ID          string `json:"id"`
	Fingerprint string `json:"fingerprint"`
}

// submissionID returns the id of the purchase for an Idempotency-Key: proposed for the first request, and the id of the first
// request for a repetition. Two customers may use the same key for different purchases. Error: OtherBody for a repetition with
// another body.
func (s *state) submissionID(ctx context.Context, key string, requested contracts.SolicitudCompra, proposed string) (string, error) {
	body, err := json.Marshal(requested)
	if err != nil {
		return "", err
	}
	fresh, err := json.Marshal(submission{ID: proposed, Fingerprint: Fingerprint(string(body))})
	if err != nil {
		return "", err
	}
	place := SubmissionPrefix + Fingerprint(requested.IDUsuario, key)
	err = s.store.Create(ctx, place, fresh, SubmissionTTL)
	if err == nil {
		return proposed, nil
	}
	if !errors.Is(err, ErrChanged) {
		return "", err
	}
	first, _, err := loadJSON[submission](ctx, s.store, place)
	switch {
	case err != nil:
		return "", err
	case first == nil: // the ttl of the first submission ended between the two calls
		return "", errs.New(errs.Unavailable, "Intente de nuevo.")
	case first.Fingerprint != Fingerprint(string(body)):
		return "", errs.New(errs.OtherBody, "La Idempotency-Key ya se usó con otra compra. Use otra clave, o envíe lo mismo.")
	}
	return first.ID, nil
}

// Fingerprint returns a hash of parts in hex. Each part may have any characters.
func Fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // a hash does not fail
	}
	return hex.EncodeToString(h.Sum(nil))
}
