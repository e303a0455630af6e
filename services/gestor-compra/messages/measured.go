package messages

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"entregas/contracts"
	"entregas/internal/telemetry"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

var (
	stepSeconds   = telemetry.Seconds("entregas_step_duration", "How long a step waited for its first reply, by its command.", telemetry.Long)
	compensations = telemetry.CounterOf("entregas_compensations", "Steps that were undone, by the command that undid them.", "step", rollbacks()...)
	lateReplies   = telemetry.CounterOf("entregas_late_replies", "Replies that were stored without effect: their step had another reply, or no longer waited.", "topic", topicsOfReplies()...)
)

// rollbacks returns the commands that undo a step.
func rollbacks() (commands []string) {
	for _, c := range compra.Commands() {
		if compra.UndoOf(c).Command != "" {
			commands = append(commands, string(c))
		}
	}
	return commands
}

func topicsOfReplies() (topics []string) {
	for topic := range replies {
		topics = append(topics, topic)
	}
	slices.Sort(topics)
	return topics
}

// measure measures a reply to command that was recorded. A step counts by its first reply only, also where it is reopened, and a
// compensation by the reply that confirms it. The database tells which these are. So each counts once, whatever is delivered or asked again.
func measure(ctx context.Context, command contracts.MessageType, kind contracts.MessageType, recorded compras.Recorded, waited time.Duration) {
	step := metric.WithAttributes(attribute.String("step", string(command)))
	switch recorded {
	case compras.First:
		if waited > 0 { // 0 where the step was reopened
			stepSeconds.Record(ctx, waited.Seconds(), step)
		}
		if undo := compra.UndoOf(command); undo.Command != "" && undo.Confirmed.Type == kind {
			compensations.Add(ctx, 1, step)
		}
	case compras.Late:
		lateReplies.Add(ctx, 1, metric.WithAttributes(attribute.String("topic", contracts.TopicOf(kind).Name)))
	}
}
