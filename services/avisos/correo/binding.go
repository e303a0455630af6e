package correo

import (
	"context"

	dapr "github.com/dapr/go-sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Sidecar is what this package uses of Dapr's client.
type Sidecar interface {
	InvokeOutputBinding(ctx context.Context, in *dapr.InvokeBindingRequest) error
}

// Binding sends mails through the output binding Name of Sidecar.
type Binding struct {
	Sidecar Sidecar
	Name    string
}

// Send implements Sender. It gives address and subject each time, since the binding keeps those of the mail before.
func (b Binding) Send(ctx context.Context, to string, m Mensaje) error {
	return b.Sidecar.InvokeOutputBinding(ctx, &dapr.InvokeBindingRequest{
		Name: b.Name, Operation: "create", Data: []byte(m.Cuerpo), Metadata: map[string]string{"emailTo": to, "subject": m.Asunto},
	})
}

// reasonOf says in Spanish why a try failed, by the code of err alone: its text comes from the mail server and may have the address.
func reasonOf(err error) string {
	switch status.Code(err) {
	case codes.DeadlineExceeded:
		return "El servidor de correo no respondió a tiempo."
	case codes.Unavailable, codes.Canceled:
		return "No se pudo llegar al sidecar, que envía los correos."
	default:
		return "El servidor de correo no responde, o no aceptó el correo."
	}
}
