package pubsub

import (
	"context"
	"fmt"
	"strconv"

	dapr "github.com/dapr/go-sdk/client"
)

// AlmacenDeEstado is the name of the Dapr state store component.
const AlmacenDeEstado = "estado"

// intentosSegundos is how long a count of tries is kept after the last: a day.
const intentosSegundos = "86400"

// IntentosEnEstado counts in the Dapr state store: consolidador and bff have no database of their own.
// Two deliveries of one record at once may count as one; that only gives it one try more.
type IntentosEnEstado struct{ sidecar dapr.Client }

// NuevosIntentos counts through sidecar.
func NuevosIntentos(sidecar dapr.Client) IntentosEnEstado { return IntentosEnEstado{sidecar} }

// Contar implements Intentos.
func (i IntentosEnEstado) Contar(ctx context.Context, registro string) (int, error) {
	clave := "intentos/" + registro // Dapr refuses a key with "||" in it
	guardado, err := i.sidecar.GetState(ctx, AlmacenDeEstado, clave, nil)
	if err != nil {
		return 0, fmt.Errorf("leer intentos: %w", err)
	}
	veces, _ := strconv.Atoi(string(guardado.Value)) // none yet reads as 0
	veces++
	err = i.sidecar.SaveState(ctx, AlmacenDeEstado, clave, []byte(strconv.Itoa(veces)), map[string]string{"ttlInSeconds": intentosSegundos})
	if err != nil {
		return 0, fmt.Errorf("guardar intentos: %w", err)
	}
	return veces, nil
}
