package correo

import (
	"context"
	"log/slog"
	"time"

	"entregas/contracts"
	"entregas/internal/telemetry"
	"entregas/services/avisos/avisos"
)

// Store keeps the mails.
type Store interface {
	// ClaimEnvio takes the mail that is due, or returns nil. Until lease is over, no other replica takes the same mail.
	ClaimEnvio(ctx context.Context, lease time.Duration) (*Envio, error)
	// FinishEnvio stores what became of a try: the state of the mail, the pause before its next try, and in Spanish what failed.
	FinishEnvio(ctx context.Context, e Envio, v avisos.Verdict, reason string) error
}

// Sender sends a mail to one address.
type Sender interface {
	Send(ctx context.Context, to string, m Mensaje) error
}

// Productos reads a product by its id.
type Productos interface {
	Producto(ctx context.Context, id string) (contracts.Producto, error)
}

// Mailer sends the mails that are due while Run runs, one at a time: the binding keeps the address and the subject of a mail where the next
// one overwrites them.
type Mailer struct {
	store     Store
	send      Sender
	productos Productos
	plan      avisos.Plan
	wake      chan struct{}
}

// NewMailer returns a Mailer of the mails in store. productos names what is missing, and plan has the pauses after failed tries.
func NewMailer(store Store, send Sender, productos Productos, plan avisos.Plan) *Mailer {
	return &Mailer{store, send, productos, plan, make(chan struct{}, 1)}
}

// Wake makes Run look for mails at once. It does not wait.
func (m *Mailer) Wake() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

const (
	// lookEvery is how often a replica looks for mails that are due.
	lookEvery = 5 * time.Second
	// sendTimeout is how long one try to send a mail may take.
	sendTimeout = 30 * time.Second
	// namesTimeout bounds the questions to admin-productos about the names of the products in one mail.
	namesTimeout = 5 * time.Second
	// leaseMargin is how much longer than a try to send a mail its lease is.
	leaseMargin = 15 * time.Second
	// storeTimeout bounds the storing of what became of a mail, also while the program stops.
	storeTimeout = 5 * time.Second
)

// Run sends mails until ctx ends. It finishes the mail that is under way then, if the program's stop leaves the time: one that is broken off is sent twice.
func (m *Mailer) Run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		for ctx.Err() == nil && m.one(ctx) {
		}
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		case <-ticker.C:
		}
	}
}

// one sends the mail that is due, and reports whether there was one. Nothing that it logs has an address: the error of a mail server has.
func (m *Mailer) one(ctx context.Context) bool {
	claiming, release := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout) // a mail that is taken while the program stops would wait for its lease
	e, err := m.store.ClaimEnvio(claiming, sendTimeout+leaseMargin)
	release()
	if err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "the mails that are due could not be read", "error", err)
	}
	if e == nil || err != nil {
		return false
	}
	ctx, span := telemetry.Delivery(ctx, "correo", e.Tipo, e.IDCompra, e.Traza, e.Repeticion)
	defer span.End()
	var answer avisos.Answer
	if err := m.try(context.WithoutCancel(ctx), *e); err != nil {
		answer.Error = reasonOf(err)
	}
	telemetry.Delivered(span, 0, answer.Error != "")
	v := m.plan.Judge(answer, e.Intentos)
	switch v.Estado {
	case contracts.EntregaMuerta:
		slog.WarnContext(ctx, "a mail was given up", "mail", e.ID, "tries", e.Intentos, "reason", answer.Error)
	case contracts.EntregaPendiente:
		slog.InfoContext(ctx, "a mail was not sent", "mail", e.ID, "tries", e.Intentos, "reason", answer.Error)
	}
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := m.store.FinishEnvio(storing, *e, v, answer.Error); err != nil { // the lease ends, and it is sent again
		slog.WarnContext(ctx, "what became of a mail was not stored", "mail", e.ID, "error", err)
	}
	return true
}

func (m *Mailer) try(ctx context.Context, e Envio) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	text, err := Write(e, m.names(ctx, e.Faltantes))
	if err != nil {
		return err
	}
	return m.send.Send(ctx, e.Correo, text)
}

// names returns the names of the products in faltantes, by their ids. A mail does not wait for names: after a failure it has the ids.
func (m *Mailer) names(ctx context.Context, faltantes []contracts.Faltante) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, namesTimeout)
	defer cancel()
	names := map[string]string{}
	for _, f := range faltantes {
		p, err := m.productos.Producto(ctx, f.IDProducto)
		if err != nil {
			slog.WarnContext(ctx, "the name of a product for a mail could not be read", "id_producto", f.IDProducto, "error", err)
			break
		}
		names[f.IDProducto] = p.Nombre
	}
	return names
}
