package postgres_test

import (
	"errors"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/internal/basetest"
	"entregas/services/internal/errores"
	"entregas/workflows/compra"
)

// What a cancellation does in each state. Asking again is answered alike and changes nothing.
func TestCancelar(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for _, c := range []struct {
		nombre   string
		estado   contracts.Estado
		antes    string // a statement about purchase $1
		codigo   errores.Codigo
		queda    contracts.Estado
		hecha    bool
		marca    bool   // that each step looks at
		decision string // that holds afterwards
		tramite  bool
	}{
		{"not started", contracts.EstadoRecibida, "", "", contracts.EstadoCancelada, true, false, "", false},
		{"being started", contracts.EstadoRecibida, `update compra set arriendo_hasta = now() + interval '1 hour' where id = $1`, "", contracts.EstadoCancelada, true, false, "", false},
		{"started", contracts.EstadoIniciada, "", "", contracts.EstadoIniciada, false, true, "", false},
		{"valid", contracts.EstadoProductosValidos, "", "", contracts.EstadoProductosValidos, false, true, "", false},
		{"reserved", contracts.EstadoProductosReservados, "", "", contracts.EstadoProductosReservados, false, true, "", false},
		{"awaits approval", contracts.EstadoPorAprobar, "", "", contracts.EstadoPorAprobar, false, false, compras.Cancelada, false},
		{"approved, the order on its way", contracts.EstadoPorAprobar, `insert into decision (id_compra, decision) values ($1, 'aprobada')`, "", contracts.EstadoPorAprobar, false, true, compras.Aprobada, false},
		{"rejected", contracts.EstadoPorAprobar, `insert into decision (id_compra, decision) values ($1, 'rechazada')`, errores.Conflicto, contracts.EstadoPorAprobar, false, false, compras.Rechazada, false},
		{"expired", contracts.EstadoPorAprobar, `insert into decision (id_compra, decision) values ($1, 'expirada')`, errores.Conflicto, contracts.EstadoPorAprobar, false, false, compras.Expirada, false},
		{"confirmed", contracts.EstadoConfirmada, "", "", contracts.EstadoConfirmada, false, false, "", true},
		{"confirmed, and the order has left", contracts.EstadoConfirmada, `insert into tramite (id_compra, tipo) values ($1, 'despacho')`, errores.Conflicto, contracts.EstadoConfirmada, false, false, "", false},
		{"confirmed, and ordenes refused before", contracts.EstadoConfirmada, `insert into tramite (id_compra, tipo, terminado_en, hecho) values ($1, 'cancelacion', now(), false)`, errores.Conflicto, contracts.EstadoConfirmada, false, false, "", true},
		{"on its way", contracts.EstadoCompensando, "", "", contracts.EstadoCompensando, false, false, "", false},
		{"done", contracts.EstadoCancelada, "", "", contracts.EstadoCancelada, true, false, "", false},
		{"refused", contracts.EstadoRechazada, "", errores.Conflicto, contracts.EstadoRechazada, false, false, "", false},
		{"dispatched", contracts.EstadoDespachada, "", errores.Conflicto, contracts.EstadoDespachada, false, false, "", false},
		{"failed", contracts.EstadoFallida, "", errores.Conflicto, contracts.EstadoFallida, false, false, "", false},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			s := a.Compra(t, c.estado)
			if c.antes != "" {
				a.Hacer(t, c.antes, s.ID)
			}
			for range 2 {
				vista, hecha, err := a.Cancelar(t.Context(), s.ID, "ya no")
				esperarCodigo(t, err, c.codigo)
				if hecha != c.hecha || err == nil && vista.Estado != c.queda {
					t.Errorf("hecha %v: %+v", hecha, vista)
				}
			}
			final, err := a.Leer(t.Context(), s.ID)
			if err != nil || final.Estado != c.queda || c.estado == contracts.EstadoRecibida && final.Motivo != "ya no" {
				t.Errorf("quedó %+v: %v", final, err)
			}
			a.SinHuecos(t, s.ID)
			vigente, _, err := a.Decidir(t.Context(), s.ID, compras.Decision{Decision: compras.Rechazada})
			if c.decision != "" && (err != nil || vigente.Decision != c.decision) {
				t.Errorf("rige %+v: %v", vigente, err)
			}
			if marca := postgrestest.Uno[bool](t, a, `select coalesce(cancelacion_pedida = 'ya no', false) from compra where id = $1`, s.ID); marca != c.marca {
				t.Errorf("quedó marcada: %v", marca)
			}
			if n := postgrestest.Uno[int](t, a, `select count(*) from tramite where id_compra = $1 and tipo = 'cancelacion'`, s.ID); (n == 1) != c.tramite {
				t.Errorf("hay %d cancelaciones en trámite", n)
			}
		})
	}
	_, _, err := a.Cancelar(t.Context(), postgrestest.Solicitud().ID, "ya no")
	esperarCodigo(t, err, errores.NoEncontrado)
}

// docs/adr/accept-then-start-by-priority.md: starting and cancelling a purchase are the same compare-and-set.
func TestIniciarYCancelarALaVez(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for range 40 {
		s := a.Compra(t, contracts.EstadoRecibida)
		var movida, hecha bool
		basetest.ALaVez(2, 2, func(i int) {
			var err error
			if i == 0 {
				_, movida, err = a.Mover(t.Context(), cambio(s.ID, contracts.EstadoIniciada, contracts.EstadoRecibida))
			} else {
				_, hecha, err = a.Cancelar(t.Context(), s.ID, "ya no")
			}
			if err != nil {
				t.Error(err)
			}
		})
		if estado := a.Estado(t, s.ID); movida == hecha || movida != (estado == contracts.EstadoIniciada) {
			t.Fatalf("empezó %v, se canceló %v, y está %s", movida, hecha, estado)
		}
		if movida && !postgrestest.Uno[bool](t, a, `select cancelacion_pedida is not null from compra where id = $1`, s.ID) {
			t.Fatal("empezó, y la cancelación se perdió")
		}
		a.SinHuecos(t, s.ID)
	}
}

// docs/adr/who-owns-a-fact-decides.md: the purchase's row decides between CONFIRMADA and a mark, so that none is lost.
func TestConfirmarYCancelarALaVez(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for range 40 {
		s := a.Compra(t, contracts.EstadoProductosReservados)
		var movida bool
		basetest.ALaVez(2, 2, func(i int) {
			var err error
			if i == 0 {
				k := cambio(s.ID, contracts.EstadoConfirmada, contracts.EstadoProductosReservados)
				k.SiNoCancelada = true
				_, movida, err = a.Mover(t.Context(), k)
			} else {
				_, _, err = a.Cancelar(t.Context(), s.ID, "ya no")
			}
			if err != nil {
				t.Error(err)
			}
		})
		marcada := postgrestest.Uno[bool](t, a, `select cancelacion_pedida is not null from compra where id = $1`, s.ID)
		enTramite := postgrestest.Uno[bool](t, a, `select exists (select from tramite where id_compra = $1)`, s.ID)
		if movida == marcada || movida != enTramite {
			t.Fatalf("confirmada %v, marcada %v, cancelación en trámite %v", movida, marcada, enTramite)
		}
	}
}

// docs/adr/rollback-may-come-first.md: a cancellation may come before its purchase, from its owner.
func TestCancelarAntesDeQueLlegue(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for _, c := range []struct {
		nombre   string
		usuarios []string
		marcada  bool
	}{{"its owner's", []string{"ana", "ana"}, true}, {"another's", []string{"eva"}, false}, {"another's first", []string{"eva", "ana"}, true}} {
		t.Run(c.nombre, func(t *testing.T) {
			s, motivo := postgrestest.Solicitud(), map[string]string{"ana": "ya no", "eva": "por molestar"}
			for _, usuario := range c.usuarios {
				if vista, hecha, err := a.CancelarPorMensaje(t.Context(), s.ID, usuario, motivo[usuario]); err != nil || hecha || vista.ID != "" {
					t.Fatalf("%+v %v %v", vista, hecha, err)
				}
				motivo[usuario] = "ni ahora" // delivered again with other words: the first stays
			}
			vista, nueva, err := a.Aceptar(t.Context(), s, postgrestest.Abiertas)
			if err != nil || !nueva || vista.Estado != contracts.EstadoRecibida {
				t.Fatalf("%+v %v %v", vista, nueva, err)
			}
			if marcada := postgrestest.Uno[bool](t, a, `select coalesce(cancelacion_pedida = 'ya no', false) from compra where id = $1`, s.ID); marcada != c.marcada {
				t.Errorf("quedó marcada: %v", marcada)
			}
		})
	}
}

func TestCancelarPorMensajeLoQueYaEsta(t *testing.T) {
	a := postgrestest.Nuevo(t)
	s := a.Compra(t, contracts.EstadoRecibida)
	_, _, err := a.CancelarPorMensaje(t.Context(), s.ID, "eva", "ya no")
	esperarCodigo(t, err, errores.MensajeMalo)
	if estado := a.Estado(t, s.ID); estado != contracts.EstadoRecibida {
		t.Fatalf("otro la dejó %s", estado)
	}
	for range 2 {
		if vista, hecha, err := a.CancelarPorMensaje(t.Context(), s.ID, "ana", "ya no"); err != nil || !hecha || vista.Estado != contracts.EstadoCancelada {
			t.Fatalf("%+v %v %v", vista, hecha, err)
		}
	}
}

// Whatever comes first, the purchase is cancelled or will be by its first step.
func TestCrearYCancelarALaVez(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for range 60 {
		s := postgrestest.Solicitud()
		basetest.ALaVez(2, 2, func(i int) {
			var err error
			if i == 0 {
				_, _, err = a.Aceptar(t.Context(), s, postgrestest.Abiertas)
			} else {
				_, _, err = a.CancelarPorMensaje(t.Context(), s.ID, "ana", "ya no")
			}
			if err != nil {
				t.Error(err)
			}
		})
		if !postgrestest.Uno[bool](t, a, `select estado = 'CANCELADA' or cancelacion_pedida is not null from compra where id = $1`, s.ID) {
			t.Fatal("la cancelación se perdió")
		}
	}
}

// The order's dispatch is recorded in whatever state its purchase is, once.
func TestAnotarDespacho(t *testing.T) {
	a := postgrestest.Nuevo(t)
	for _, estado := range contracts.Estados {
		s := a.Compra(t, estado)
		for range 2 {
			if err := a.AnotarDespacho(t.Context(), s.ID); err != nil {
				t.Fatal(err)
			}
		}
		if n := postgrestest.Uno[int](t, a, `select count(*) from tramite where id_compra = $1 and tipo = 'despacho'`, s.ID); n != 1 {
			t.Errorf("%s: %d despachos", estado, n)
		}
	}
	esperarCodigo(t, a.AnotarDespacho(t.Context(), postgrestest.Solicitud().ID), errores.MensajeMalo)
}

// A dispatch that is recorded while the saga runs is taken up when the purchase is confirmed.
func TestElDespachoEsperaALaConfirmacion(t *testing.T) {
	a := postgrestest.Nuevo(t)
	s := a.Compra(t, contracts.EstadoProductosReservados)
	if err := a.AnotarDespacho(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	for _, espera := range []int{0, 1} {
		tramites, err := a.TomarTramites(t.Context(), time.Hour, 10)
		if err != nil || len(tramites) != espera || espera == 1 && tramites[0].Tipo != compra.TramiteDespacho {
			t.Fatal(errors.Join(err), tramites)
		}
		if _, _, err := a.Mover(t.Context(), cambio(s.ID, contracts.EstadoConfirmada, contracts.EstadoProductosReservados)); err != nil {
			t.Fatal(err)
		}
	}
}
