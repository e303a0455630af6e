// Package anchors gives the spans of the saga their places in the trace of the purchase (docs/adr/one-trace-a-purchase.md).
package anchors

import (
	"context"
	"log/slog"
	"time"

	"entregas/contracts"
	"entregas/internal/telemetry"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// SendAccepted sends the anchor of a purchase. Everything that is done for the purchase hangs on it.
func SendAccepted(a compras.Accepted) {
	telemetry.Anchor(a.Traceparent, a.ID, "Compra", a.At, telemetry.KeyCompra.String(a.ID), telemetry.KeyCodigo.String(a.Codigo))
}

// SendAsked sends the anchor of a step. The command, the participant's work and its reply hang on it.
func SendAsked(a compras.Asked) {
	telemetry.Anchor(OfCompra(a.Traza, a.ID), stepKey(a), string(a.Command), a.At, telemetry.KeyCompra.String(a.ID), telemetry.KeyMensaje.String(string(a.Command)),
		telemetry.KeyUndo.Bool(compra.UndoOf(a.Command).Command == a.Command))
}

// OfCompra returns the traceparent of the anchor of a purchase; "" when traza is.
func OfCompra(traza, idCompra string) string { return telemetry.AnchorOf(traza, idCompra) }

// ofStep returns the traceparent of the anchor of a step; "" when the purchase has no trace.
func ofStep(a compras.Asked) string { return telemetry.AnchorOf(a.Traza, stepKey(a)) }

func stepKey(a compras.Asked) string { return a.ID + "/" + string(a.Command) }

// Store reads the traces of purchases.
type Store interface {
	Traza(ctx context.Context, idCompra string) (string, error)
	Requests(ctx context.Context, idCompra string) ([]string, error)
	RecentAnchors(ctx context.Context, window time.Duration, limit int) ([]compras.Accepted, []compras.Asked, error)
}

const (
	// lostWindow is how far back a program that starts sends the anchors again: longer than a span waits before it is sent.
	lostWindow = 30 * time.Second
	// maxLost is how many purchases and how many steps it sends again.
	maxLost = 5000
)

// SendAgain sends the anchors that this program may have lost when it was killed: those of the last purchases and steps of all replicas.
func SendAgain(ctx context.Context, store Store) {
	if !telemetry.On() {
		return
	}
	accepted, asked, err := store.RecentAnchors(ctx, lostWindow, maxLost)
	if err != nil {
		slog.WarnContext(ctx, "the last anchors of the traces were not sent again", "error", err)
	}
	for _, a := range accepted {
		SendAccepted(a)
	}
	for _, a := range asked {
		SendAsked(a)
	}
}

// under returns a context for work on a purchase, below its anchor. It returns ctx when tracing is off, and when the purchase has no
// trace. A database that does not answer fails the work itself, so its error is not reported here.
func under(ctx context.Context, store Store, idCompra string) (_ context.Context, traza string) {
	if !telemetry.On() {
		return ctx, ""
	}
	traza, err := store.Traza(ctx, idCompra)
	if err != nil || traza == "" {
		return ctx, ""
	}
	return telemetry.Under(ctx, OfCompra(traza, idCompra)), traza
}

// About adds to the current span a link to the trace of a purchase.
func About(ctx context.Context, c contracts.Compra) {
	telemetry.Link(ctx, OfCompra(c.Traza, c.ID))
}
