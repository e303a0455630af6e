package compra

import (
	"strings"
	"testing"
	"time"

	"entregas/contracts"
)

// A walk that was lost is undone, every step of it, and ends where it must; no step is asked again.
func TestLoPerdidoSeDeshace(t *testing.T) {
	e := nuevoEscenario(t)
	for id, final := range map[string]contracts.Estado{"perdida": contracts.EstadoRechazada, "perdida-cancelada": contracts.EstadoCancelada} {
		l := &libreto{desenlaces: map[string][]Desenlace{}}
		e.teatro.libretos.Store(id, l)
		entrada := camino{ajustes: Ajustes{PlazoCompensacion: time.Hour}}.entrada(id)
		e.motor.iniciar(t, NombreCompra, id, ParaDeshacer(entrada.Compra, entrada.Ajustes, final, "Se perdió.", time.Now()))
		e.terminar(t, id)
		l.mu.Lock()
		hecho := strings.Join(l.llamadas, ", ")
		if espera := strings.TrimPrefix(sinOrden, ", ") + ", cerrar " + string(final); hecho != espera {
			t.Errorf("hizo %s; se esperaba %s", hecho, espera)
		}
		l.mu.Unlock()
	}
}
