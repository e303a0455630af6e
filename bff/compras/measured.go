package compras

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"entregas/internal/errs"
	"entregas/internal/telemetry"
)

// What became of a request for a purchase, as a label of its metrics.
const (
	outcomeAccepted    = "accepted"
	outcomeRepeated    = "repeated"    // accepted, and the bff had seen its id before: mostly accepted before, but also the first acceptance after unknown
	outcomeRefused     = "refused"     // for a reason that the client can change
	outcomeUnavailable = "unavailable" // nothing was done, for a fault of ours
	outcomeUnknown     = "unknown"     // it may have been accepted
)

var (
	acceptances = telemetry.CounterOf("entregas_purchases_accepted", "Requests for a purchase, by what became of them: accepted, repeated (accepted, and the bff had seen its id before: also a first acceptance after unknown), refused, unavailable or unknown.",
		"outcome", outcomeAccepted, outcomeRepeated, outcomeRefused, outcomeUnavailable, outcomeUnknown)
	acceptanceSeconds = telemetry.Seconds("entregas_acceptance_duration", "How long a request for a purchase took, by what became of it and by the interface through which it came.", telemetry.Short)
)

type interfaceKey struct{}

// Through returns ctx for requests of the interface name; rest is that of a context without one.
func Through(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, interfaceKey{}, name)
}

// outcomeOf returns what became of a request. repeated says that the bff had seen its id before.
func outcomeOf(repeated bool, err error) string {
	if err == nil && repeated {
		return outcomeRepeated
	}
	if err == nil {
		return outcomeAccepted
	}
	switch errs.Of(err) {
	case errs.OutcomeUnknown:
		return outcomeUnknown
	case errs.Unavailable, errs.Busy, errs.Internal:
		return outcomeUnavailable
	default:
		return outcomeRefused
	}
}

// measureAcceptance measures a request for a purchase since start. It is the one place for REST, GraphQL and the interface of the earlier
// system.
func measureAcceptance(ctx context.Context, start time.Time, repeated bool, err error) {
	outcome := attribute.String("outcome", outcomeOf(repeated, err))
	through, named := ctx.Value(interfaceKey{}).(string)
	if !named {
		through = "rest"
	}
	acceptances.Add(ctx, 1, metric.WithAttributes(outcome))
	acceptanceSeconds.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(outcome, attribute.String("interface", through)))
}
