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

// SendingPrefix begins the names under which the store has what an Idempotency-Key was used for.
const SendingPrefix = "envio/"

// submission is what an Idempotency-Key was used for.
type submission struct {
	ID          string `json:"id"`
	Fingerprint string `json:"huella"`
}

// submissionID gives the purchase's id under this key: proposed for the first request, the first one's id for a later request
// with the same body, OtherBody for another body. A key is the customer's own: two customers may use the same.
func (s *state) submissionID(ctx context.Context, key string, requested contracts.SolicitudCompra, proposed string) (string, error) {
	body, err := json.Marshal(requested)
	if err != nil {
		return "", err
	}
	fresh, err := json.Marshal(submission{ID: proposed, Fingerprint: Fingerprint(string(body))})
	if err != nil {
		return "", err
	}
	place := SendingPrefix + Fingerprint(requested.IDUsuario, key)
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
	case first == nil: // its time ended between the two calls
		return "", errs.New(errs.Unavailable, "Intente de nuevo.")
	case first.Fingerprint != Fingerprint(string(body)):
		return "", errs.New(errs.OtherBody, "La Idempotency-Key ya se usó con otra compra. Use otra clave, o envíe lo mismo.")
	}
	return first.ID, nil
}

// Fingerprint is one name for parts of which any may have any character.
func Fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // a hash does not fail
	}
	return hex.EncodeToString(h.Sum(nil))
}
