package compras_test

import (
	"context"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/internal/errores"
)

func TestCancelar(t *testing.T) {
	// conocida has the purchase known here at a state, and then gestor-compra away.
	conocida := func(pasos ...contracts.Estado) func(*testing.T, mundo) {
		return func(t *testing.T, m mundo) {
			for _, c := range contar(m, pasos...) {
				exigir(t, m.Registrar(t.Context(), c), "")
			}
			m.gestor.Caer()
		}
	}
	casos := []struct {
		nombre     string
		dado       func(t *testing.T, m mundo)
		error      errores.Codigo
		hecha      bool
		estado     contracts.Estado
		publicadas int
	}{
		{"apenas recibida", func(_ *testing.T, m mundo) { crearDada(m) }, "", true, contracts.EstadoCancelada, 0},
		{"en marcha", func(_ *testing.T, m mundo) { contar(m, contracts.EstadoIniciada) }, "", false, contracts.EstadoIniciada, 0},
		{"despachada", func(_ *testing.T, m mundo) { contar(m, contracts.EstadoDespachada) }, errores.Conflicto, false, "", 0},
		{"que nadie conoce", func(*testing.T, mundo) {}, errores.NoEncontrado, false, "", 0},
		{"que gestor-compra aún no tiene", func(_ *testing.T, m mundo) { m.gestor.Caer(); crearDada(m); m.gestor.Responder(nil) }, "", false, contracts.EstadoRecibida, 1},
		{"gestor-compra caído, en marcha", conocida(contracts.EstadoIniciada), "", false, contracts.EstadoIniciada, 1},
		{"gestor-compra caído, confirmada", conocida(hastaConfirmada...), "", false, contracts.EstadoConfirmada, 1},
		{"gestor-compra caído, ya deshaciéndose", conocida(contracts.EstadoCompensando), "", true, contracts.EstadoCompensando, 0},
		{"gestor-compra caído, ya cancelada", conocida(contracts.EstadoCancelada), "", true, contracts.EstadoCancelada, 0},
		{"gestor-compra caído, rechazada", conocida(contracts.EstadoRechazada), errores.Conflicto, false, "", 0},
		{"gestor-compra caído, despachada", conocida(contracts.EstadoDespachada), errores.Conflicto, false, "", 0},
		{"gestor-compra caído, que no se conoce aquí", func(_ *testing.T, m mundo) { m.gestor.Caer() }, errores.NoDisponible, false, "", 0},
		{"todo caído", func(t *testing.T, m mundo) {
			conocida(contracts.EstadoIniciada)(t, m)
			m.broker.Fallar(errNoSidecar)
		}, errores.NoDisponible, false, "", 0},
		{"done without an answer, and the broker away: nobody knows", func(t *testing.T, m mundo) {
			conocida(contracts.EstadoIniciada)(t, m)
			m.gestor.Enmudecer()
			m.broker.Fallar(errCaido)
		}, errores.OutcomeUnknown, false, "", 0},
		{"no answer, and nothing known here: nobody knows", func(_ *testing.T, m mundo) {
			crearDada(m)
			m.gestor.Enmudecer()
			m.almacen.Fallar(errCaido)
		}, errores.OutcomeUnknown, false, "", 0},
		{"no answer, and no room to look", func(_ *testing.T, m mundo) {
			crearDada(m)
			m.gestor.Enmudecer()
			m.almacen.Fallar(errores.Nuevo(errores.Ocupado, "lleno"))
		}, errores.OutcomeUnknown, false, "", 0},
		{"ni el almacén", func(_ *testing.T, m mundo) { m.gestor.Caer(); m.almacen.Fallar(errCaido) }, errores.NoDisponible, false, "", 0},
	}
	for _, c := range casos {
		t.Run(c.nombre, func(t *testing.T) {
			m := nuevoMundo()
			c.dado(t, m)
			antes := len(m.publicadas(t))
			a, hecha, err := m.Cancelar(t.Context(), idDado, "cambié de idea")
			exigir(t, err, c.error)
			if hecha != c.hecha || a.Estado != c.estado || (err == nil) != (a.ID == idDado) {
				t.Errorf("%+v, hecha %v", a, hecha)
			}
			nuevas := m.publicadas(t)[antes:]
			if len(nuevas) != c.publicadas {
				t.Fatalf("%d publicadas, quiero %d", len(nuevas), c.publicadas)
			}
			for _, p := range nuevas {
				if p.Type != contracts.CancelarCompra || p.Data.IDCompra != idDado || p.Data.IDUsuario != "ana" || p.Data.Motivo != "cambié de idea" {
					t.Errorf("publicada %+v", p)
				}
			}
		})
	}
}

func TestAprobar(t *testing.T) {
	casos := []struct {
		nombre   string
		dado     func(m mundo)
		aprobada bool
		error    errores.Codigo
		estado   contracts.Estado
	}{
		{"la que espera", func(m mundo) { contar(m, contracts.EstadoPorAprobar) }, true, "", contracts.EstadoConfirmada},
		{"rechazarla", func(m mundo) { contar(m, contracts.EstadoPorAprobar) }, false, "", contracts.EstadoRechazada},
		{"la que no espera", crearDada, true, errores.Conflicto, ""},
		{"la que nadie conoce", func(mundo) {}, true, errores.NoEncontrado, ""},
		{"approved without an answer: it is asked again", func(m mundo) { contar(m, contracts.EstadoPorAprobar); m.gestor.MuteOnce() }, true, "", contracts.EstadoConfirmada},
		{"rejected without an answer: it is asked again", func(m mundo) { contar(m, contracts.EstadoPorAprobar); m.gestor.MuteOnce() }, false, "", contracts.EstadoRechazada},
		{"never an answer: nobody knows", func(m mundo) { contar(m, contracts.EstadoPorAprobar); m.gestor.Enmudecer() }, true, errores.OutcomeUnknown, ""},
		{"con gestor-compra caído", func(m mundo) { contar(m, contracts.EstadoPorAprobar); m.gestor.Caer() }, true, errores.NoDisponible, ""},
	}
	for _, c := range casos {
		t.Run(c.nombre, func(t *testing.T) {
			m := nuevoMundo()
			c.dado(m)
			antes := len(m.publicadas(t))
			a, err := m.Aprobar(t.Context(), idDado, c.aprobada, "")
			exigir(t, err, c.error)
			if a.Estado != c.estado || len(m.publicadas(t)) != antes {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestDecisionesMalas(t *testing.T) {
	m := nuevoMundo()
	for _, caso := range []struct{ id, motivo string }{{"x", ""}, {idDado, strings.Repeat("a", 501)}, {idDado, "a\x00b"}} {
		_, _, err := m.Cancelar(t.Context(), caso.id, caso.motivo)
		exigir(t, err, errores.Invalido)
		_, err = m.Aprobar(t.Context(), caso.id, true, caso.motivo)
		exigir(t, err, errores.Invalido)
	}
	if m.gestor.Llamadas() != 0 || len(m.publicadas(t)) != 0 {
		t.Error("algo se llamó o se publicó")
	}
}

// Only a definite answer ends the doubt about a first try that nobody answered.
func TestSettle(t *testing.T) {
	for second, want := range map[errores.Codigo]errores.Codigo{
		errores.Conflicto: errores.Conflicto, errores.NoEncontrado: errores.NoEncontrado, errores.Invalido: errores.Invalido,
		errores.NoDisponible: errores.OutcomeUnknown, errores.Ocupado: errores.OutcomeUnknown, errores.Demasiadas: errores.OutcomeUnknown,
		errores.Demasiado: errores.OutcomeUnknown, errores.Interno: errores.OutcomeUnknown,
	} {
		_, err := compras.Settle(t.Context(), "/x", "", func(_ context.Context, again bool) (int, error) {
			if again {
				return 0, errores.Nuevo(second, "x")
			}
			return 0, errCaido
		})
		if errores.De(err) != want {
			t.Errorf("%s: %v, want %s", second, err, want)
		}
	}
}
