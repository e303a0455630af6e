package contracts_test

import (
	"errors"
	"strings"
	"testing"

	"entregas/contracts"
)

// One address and nothing else: the program that sends the mail takes a ; for the beginning of another address.
func TestWhichMailAddressesAreValid(t *testing.T) {
	for _, good := range []string{"ana@ejemplo.com", "ana.maria+compras@correo.ejemplo.com.co", "o'hara@x.io", strings.Repeat("a", 64) + "@ejemplo.com"} {
		if err := (contracts.CambioDeCorreo{Correo: good}).Validate(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "ana", "@ejemplo.com", "ana@", "ana@localhost", "ana@ejemplo..com", "Ana <ana@ejemplo.com>", "<ana@ejemplo.com>", "ana@ejemplo.com;eva@ejemplo.com",
		"ana@ejemplo.com,eva@ejemplo.com", `"ana;eva"@ejemplo.com`, "ana@ejemplo.com\r\nBcc: eva@ejemplo.com", "ana@ejemplo.com\x00", "aña@ejemplo.com", "ana@ejémplo.com",
		"ana @ejemplo.com", " ana@ejemplo.com", "ana@[127.0.0.1]", "ana(x)@ejemplo.com", strings.Repeat("a", contracts.MaxCorreo) + "@ejemplo.com", "\xff@ejemplo.com",
	} {
		var invalid *contracts.ValidationError
		err := (contracts.CambioDeCorreo{Correo: bad}).Validate()
		if !errors.As(err, &invalid) || len(invalid.Errores) != 1 || invalid.Errores[0].Field != "correo" {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
}
