package pubsub

import (
	"context"
	"fmt"
	"strconv"

	dapr "github.com/dapr/go-sdk/client"
)

// StateStore is the name of the Dapr state store component of the services that components/state.yaml names in its scopes.
const StateStore = "state"

// attemptSeconds is how long a count of tries is kept after the last: a day.
const attemptSeconds = "86400"

// StateAttempts counts in a Dapr state store, for a service that counts in no table of its own.
// Two deliveries of one record at once may count as one; that only gives it one try more.
type StateAttempts struct {
	sidecar dapr.Client
	store   string
}

// NewAttempts counts through sidecar in StateStore.
func NewAttempts(sidecar dapr.Client) StateAttempts { return TriesIn(sidecar, StateStore) }

// TriesIn counts through sidecar in the state store component of that name.
func TriesIn(sidecar dapr.Client, store string) StateAttempts {
	return StateAttempts{sidecar: sidecar, store: store}
}

// Count implements Intentos.
func (i StateAttempts) Count(ctx context.Context, record string) (int, error) {
	key := "intentos/" + record // Dapr refuses a key with "||" in it
	saved, err := i.sidecar.GetState(ctx, i.store, key, nil)
	if err != nil {
		return 0, fmt.Errorf("leer intentos: %w", err)
	}
	times, _ := strconv.Atoi(string(saved.Value)) // none yet reads as 0
	times++
	err = i.sidecar.SaveState(ctx, i.store, key, []byte(strconv.Itoa(times)), map[string]string{"ttlInSeconds": attemptSeconds})
	if err != nil {
		return 0, fmt.Errorf("guardar intentos: %w", err)
	}
	return times, nil
}
