package pubsub

import (
	"context"
	"fmt"
	"strconv"

	dapr "github.com/dapr/go-sdk/client"
)

// StateStore is the name of the Dapr state store component of the services that components/state.yaml names in its scopes.
const StateStore = "state"

// attemptSeconds is how long the store keeps a count after the last attempt, in seconds: a day.
const attemptSeconds = "86400"

// StateAttempts implements Attempts in a Dapr state store, for a service without a table of its own. Two deliveries of one
// record at the same time may count as one, which only gives the record one attempt more.
type StateAttempts struct {
	sidecar dapr.Client
	store   string
}

// NewAttempts returns a StateAttempts that counts in state store StateStore of sidecar.
func NewAttempts(sidecar dapr.Client) StateAttempts { return NewAttemptsIn(sidecar, StateStore) }

// NewAttemptsIn returns a StateAttempts that counts in the named state store component of sidecar.
func NewAttemptsIn(sidecar dapr.Client, store string) StateAttempts {
	return StateAttempts{sidecar: sidecar, store: store}
}

// Count implements Attempts.
func (a StateAttempts) Count(ctx context.Context, record string) (int, error) {
	key := "intentos/" + record // Dapr refuses a key with "||" in it
	saved, err := a.sidecar.GetState(ctx, a.store, key, nil)
	if err != nil {
		return 0, fmt.Errorf("read attempts: %w", err)
	}
	times, _ := strconv.Atoi(string(saved.Value)) // no value yet counts as 0
	times++
	err = a.sidecar.SaveState(ctx, a.store, key, []byte(strconv.Itoa(times)), map[string]string{"ttlInSeconds": attemptSeconds})
	if err != nil {
		return 0, fmt.Errorf("store attempts: %w", err)
	}
	return times, nil
}
