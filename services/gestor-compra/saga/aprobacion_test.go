package saga_test

import (
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/workflows/compra"
)

// A large purchase passes PRODUCTOS_RESERVADOS, as all do, and then gives its place to another.
func TestPedirAprobacion(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	for _, c := range []struct {
		nombre    string
		estado    contracts.Estado
		marcada   bool
		resultado compra.Resultado
		queda     contracts.Estado
		pasos     int // history entries beside the reception
	}{
		{"reserved", contracts.EstadoProductosValidos, false, compra.Pendiente, contracts.EstadoPorAprobar, 2},
		{"half way", contracts.EstadoProductosReservados, false, compra.Pendiente, contracts.EstadoPorAprobar, 1},
		{"it waits already", contracts.EstadoPorAprobar, false, compra.Pendiente, contracts.EstadoPorAprobar, 0},
		{"cancelled before", contracts.EstadoProductosValidos, true, compra.Cancelada, contracts.EstadoProductosValidos, 0},
		{"at its end", contracts.EstadoRechazada, false, compra.Terminada, contracts.EstadoRechazada, 0},
		{"being undone", contracts.EstadoCompensando, true, compra.Terminada, contracts.EstadoCompensando, 0},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			s := e.Compra(t, c.estado)
			if c.marcada {
				e.Hacer(t, `update compra set cancelacion_pedida = 'ya no' where id = $1`, s.ID)
			}
			e.testigo.Olvidar()
			for range 2 {
				d, err := e.PedirAprobacion(t.Context(), s)
				if err != nil || d.Resultado != c.resultado || d.Preguntada || d.Resultado == compra.Cancelada && d.Motivo != "ya no" {
					t.Fatalf("%+v %v", d, err)
				}
			}
			vista, err := e.Leer(t.Context(), s.ID)
			if err != nil || vista.Estado != c.queda || len(vista.Historia) != 1+c.pasos {
				t.Fatalf("%+v %v", vista, err)
			}
			if visto := e.testigo.Olvidar(); (visto.Avisos == 1 && len(visto.Difundidas) == 1) != (c.pasos > 0) {
				t.Errorf("contó %+v", visto)
			}
			e.SinHuecos(t, s.ID)
		})
	}
}

// The row says what was decided, whatever woke the workflow; time decides only where nobody has.
func TestLeerDecision(t *testing.T) {
	e := nuevaEscena(t, pacientes)
	for _, c := range []struct {
		nombre    string
		decidido  string
		vencida   bool
		resultado compra.Resultado
		respuesta contracts.Tipo
	}{
		{"woken for nothing", "", false, compra.Pendiente, ""},
		{"approved", compras.Aprobada, false, compra.Aceptada, ""},
		{"rejected", compras.Rechazada, false, compra.Rechazada, "AprobacionNegada"},
		{"cancelled", compras.Cancelada, false, compra.Cancelada, ""},
		{"the time is up", "", true, compra.Rechazada, "AprobacionExpirada"},
		{"the time is up, but it was approved", compras.Aprobada, true, compra.Aceptada, ""},
		{"the time is up, but it was cancelled", compras.Cancelada, true, compra.Cancelada, ""},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			s := e.Compra(t, contracts.EstadoPorAprobar)
			if c.decidido != "" {
				if _, primera, err := e.Decidir(t.Context(), s.ID, compras.Decision{Decision: c.decidido, Motivo: "porque sí"}); err != nil || !primera {
					t.Fatal(primera, err)
				}
			}
			for range 2 {
				d, err := e.LeerDecision(t.Context(), compra.LecturaDecision{IDCompra: s.ID, Vencida: c.vencida})
				if err != nil || d.Resultado != c.resultado || d.Respuesta != c.respuesta {
					t.Fatalf("%+v %v", d, err)
				}
				if motivada := slices.Contains([]compra.Resultado{compra.Rechazada, compra.Cancelada}, d.Resultado); motivada != (d.Motivo != "") {
					t.Errorf("dice %q", d.Motivo)
				}
			}
			vista, err := e.Leer(t.Context(), s.ID)
			if aprobada := c.resultado == compra.Aceptada; err != nil || (len(vista.Historia) == 2) != aprobada {
				t.Errorf("%+v %v", vista.Historia, err)
			}
			if por, err := e.PorDespertar(t.Context(), 0, 100); err != nil || slices.Contains(por, s.ID) {
				t.Errorf("queda por despertar: %v", err)
			}
		})
	}
}
