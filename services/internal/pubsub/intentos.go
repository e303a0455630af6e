package pubsub

import (
	"context"
	"fmt"
	"strconv"

	dapr "github.com/dapr/go-sdk/client"
)

// AlmacenDeEstado is the name of the Dapr state store component of the services that components/estado.yaml names in its scopes.
const AlmacenDeEstado = "estado"

// intentosSegundos is how long a count of tries is kept after the last: a day.
const intentosSegundos = "86400"

// IntentosEnEstado counts in a Dapr state store, for a service that counts in no table of its own.
// Two deliveries of one record at once may count as one; that only gives it one try more.
type IntentosEnEstado struct {
	sidecar dapr.Client
	store   string
}

// NuevosIntentos counts through sidecar in AlmacenDeEstado.
func NuevosIntentos(sidecar dapr.Client) IntentosEnEstado { return TriesIn(sidecar, AlmacenDeEstado) }

// TriesIn counts through sidecar in the state store component of that name.
func TriesIn(sidecar dapr.Client, store string) IntentosEnEstado {
	return IntentosEnEstado{sidecar: sidecar, store: store}
}

// Contar implements Intentos.
func (i IntentosEnEstado) Contar(ctx context.Context, registro string) (int, error) {
	clave := "intentos/" + registro // Dapr refuses a key with "||" in it
	guardado, err := i.sidecar.GetState(ctx, i.store, clave, nil)
	if err != nil {
		return 0, fmt.Errorf("leer intentos: %w", err)
	}
	veces, _ := strconv.Atoi(string(guardado.Value)) // none yet reads as 0
	veces++
	err = i.sidecar.SaveState(ctx, i.store, clave, []byte(strconv.Itoa(veces)), map[string]string{"ttlInSeconds": intentosSegundos})
	if err != nil {
		return 0, fmt.Errorf("guardar intentos: %w", err)
	}
	return veces, nil
}
