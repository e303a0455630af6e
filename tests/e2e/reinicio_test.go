package e2e

import (
	"testing"

	. "entregas/tests/prueba"
)

// Each service is restarted, as a new version is rolled out, while purchases go through: none is lost, and none is a
// dead letter. Clients of a bff that is away send again.
func TestReinicioBajoCarga(t *testing.T) {
	s := ParaRomper(t)
	for _, servicio := range []string{"gestor-compra", "admin-productos", "consolidador", "ordenes", "bff", "monitor"} {
		t.Run(servicio, func(t *testing.T) {
			sinMuertos := s.SinMuertos(t)
			carga := s.Cargar(t, 8)
			carga.Esperar(10)
			s.Orden(t, "restart", servicio)
			carga.Esperar(10)
			carga.Terminar(Plazo)
			sinMuertos()
		})
	}
}
