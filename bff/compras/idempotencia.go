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
	"entregas/services/internal/errores"
)

// VidaDeEnvio is how long an Idempotency-Key is remembered.
const VidaDeEnvio = 24 * time.Hour

// EnvioPrefix begins the names under which the store has what an Idempotency-Key was used for.
const EnvioPrefix = "envio/"

// envio is what an Idempotency-Key was used for.
type envio struct {
	ID     string `json:"id"`
	Huella string `json:"huella"`
}

// idDeEnvio gives the purchase's id under this key: propuesto for the first request, the first one's id for a later request
// with the same body, OtroCuerpo for another body. A key is the customer's own: two customers may use the same.
func (e *estado) idDeEnvio(ctx context.Context, clave string, pedida contracts.SolicitudCompra, propuesto string) (string, error) {
	cuerpo, err := json.Marshal(pedida)
	if err != nil {
		return "", err
	}
	nuevo, err := json.Marshal(envio{ID: propuesto, Huella: Huella(string(cuerpo))})
	if err != nil {
		return "", err
	}
	en := EnvioPrefix + Huella(pedida.IDUsuario, clave)
	err = e.almacen.Crear(ctx, en, nuevo, VidaDeEnvio)
	if err == nil {
		return propuesto, nil
	}
	if !errors.Is(err, ErrYaCambio) {
		return "", err
	}
	primero, _, err := leerJSON[envio](ctx, e.almacen, en)
	switch {
	case err != nil:
		return "", err
	case primero == nil: // its time ended between the two calls
		return "", errores.Nuevo(errores.NoDisponible, "Intente de nuevo.")
	case primero.Huella != Huella(string(cuerpo)):
		return "", errores.Nuevo(errores.OtroCuerpo, "La Idempotency-Key ya se usó con otra compra. Use otra clave, o envíe lo mismo.")
	}
	return primero.ID, nil
}

// Huella is one name for parts of which any may have any character.
func Huella(partes ...string) string {
	h := sha256.New()
	for _, p := range partes {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // a hash does not fail
	}
	return hex.EncodeToString(h.Sum(nil))
}
