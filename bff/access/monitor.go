package access

import (
	"context"

	"entregas/bff/compras"
	"entregas/bff/identity"
	"entregas/contracts"
)

// Resumen returns how many purchases are in each state, and the throughput of the last seconds, for operators.
func (g Gate) Resumen(ctx context.Context, seconds int) (contracts.Resumen, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Resumen{}, err
	}
	if seconds < 1 || seconds > 24*60*60 {
		return contracts.Resumen{}, contracts.BadField("segundos", SecondsForm)
	}
	return g.Operation.Resumen(ctx, seconds)
}

// Colas returns the queues now and over the last minutes, for operators.
func (g Gate) Colas(ctx context.Context, minutes int) (contracts.Colas, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.Colas{}, err
	}
	if minutes < 1 || minutes > 15 {
		return contracts.Colas{}, contracts.BadField("minutos", MinutesForm)
	}
	return g.Monitor.Colas(ctx, minutes)
}

// DeadLetters returns the dead letters, for operators.
func (g Gate) DeadLetters(ctx context.Context) ([]contracts.MensajeMuerto, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return nil, err
	}
	return g.Monitor.DeadLetters(ctx)
}

// PutBackDeadLetter puts a dead letter back into its topic, for operators.
func (g Gate) PutBackDeadLetter(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	return g.onLetter(ctx, id, g.Monitor.PutBackDeadLetter)
}

// SetAside makes a dead letter of a message that no service can read, for operators.
func (g Gate) SetAside(ctx context.Context, id string) (contracts.MensajeMuerto, error) {
	return g.onLetter(ctx, id, g.Monitor.SetAside)
}

// onLetter calls do for the message id. It does not repeat do where the outcome is unknown, since do is not idempotent.
func (g Gate) onLetter(ctx context.Context, id string, do func(context.Context, string) (contracts.MensajeMuerto, error)) (contracts.MensajeMuerto, error) {
	if err := identity.Require(ctx, operador); err != nil {
		return contracts.MensajeMuerto{}, err
	}
	var v contracts.Validator
	v.Identifier("id", id)
	if err := v.Error(); err != nil {
		return contracts.MensajeMuerto{}, err
	}
	one, err := do(ctx, id)
	if compras.InDoubt(err) { // a second try could put the message back twice
		return one, compras.OutcomeUnknown("/api/mensajes-muertos", "repítalo solo si el mensaje sigue en la lista.", err)
	}
	return one, err
}
