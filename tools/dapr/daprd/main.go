// Command daprd is Dapr's sidecar with its stable components and the output binding smtp, as the official images have it
// (docs/adr/mail-by-a-binding.md).
package main

import (
	"github.com/dapr/components-contrib/bindings/smtp"
	"github.com/dapr/dapr/cmd/daprd/app"
	"github.com/dapr/dapr/pkg/components/bindings"
)

func main() {
	bindings.DefaultRegistry.RegisterOutputBinding(smtp.NewSMTP, "smtp")
	app.Run()
}
