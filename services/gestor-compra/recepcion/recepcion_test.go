package recepcion_test

import (
	"fmt"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/services/gestor-compra/postgrestest"
	"entregas/services/gestor-compra/recepcion"
	"entregas/services/internal/errores"
)

const (
	recibida   = contracts.EstadoRecibida
	porAprobar = contracts.EstadoPorAprobar
)

// Who is told of what comes in: the world of a change, the workflow of a decision, the admission of something to start.
// What is refused or was done before, nobody.
func TestAQuienSeLeCuenta(t *testing.T) {
	a := postgrestest.Nuevo(t)
	var testigo postgrestest.Testigo
	r := recepcion.Nueva(a, &testigo, &testigo, recepcion.Options{MaxOpen: 100, Admit: testigo.Avisar, Reconcile: testigo.Reconcile})
	nadie := postgrestest.Visto{}
	largo := strings.Repeat("a", contracts.MaxMotivo+1)
	for _, c := range []struct {
		nombre string
		estado contracts.Estado // "": there is no purchase yet
		hacer  func(s contracts.SolicitudCompra) error
		codigo errores.Codigo
		visto  postgrestest.Visto
	}{
		{"a purchase", "", aceptar(t, r), "", postgrestest.Visto{Difundidas: []contracts.Estado{recibida}, Avisos: 1}},
		{"the same again", recibida, aceptar(t, r), "", nadie},
		{"an invalid one", "", func(s contracts.SolicitudCompra) error { s.Productos = nil; return aceptar(t, r)(s) }, errores.Invalido, nadie},
		{"another one's id", recibida, func(s contracts.SolicitudCompra) error { s.IDUsuario = "eva"; return aceptar(t, r)(s) }, errores.Conflicto, nadie},

		{"a cancellation of what has not begun", recibida, cancelar(t, r, "ya no"), "", postgrestest.Visto{Difundidas: []contracts.Estado{contracts.EstadoCancelada}, Avisos: 1}},
		{"of what awaits approval", porAprobar, cancelar(t, r, "ya no"), "", postgrestest.Visto{Despertadas: 1, Avisos: 1}},
		{"of what runs", contracts.EstadoIniciada, cancelar(t, r, "ya no"), "", postgrestest.Visto{Avisos: 1}},
		{"of what is confirmed", contracts.EstadoConfirmada, cancelar(t, r, "ya no"), "", postgrestest.Visto{Avisos: 1}},
		{"of what was rejected", contracts.EstadoRechazada, cancelar(t, r, "ya no"), errores.Conflicto, nadie},
		{"for too long a reason", recibida, cancelar(t, r, largo), errores.Invalido, nadie},
		{"of nothing", "", cancelar(t, r, "ya no"), errores.NoEncontrado, nadie},
		{"by message", recibida, cancelarPorMensaje(t, r, "ana"), "", postgrestest.Visto{Difundidas: []contracts.Estado{contracts.EstadoCancelada}, Avisos: 1}},
		{"by message, before it comes", "", cancelarPorMensaje(t, r, "ana"), "", nadie},
		{"by another's message", recibida, cancelarPorMensaje(t, r, "eva"), errores.MensajeMalo, nadie},
		{"by nobody's message", "", cancelarPorMensaje(t, r, ""), errores.Invalido, nadie},

		{"an approval", porAprobar, aprobar(t, r, ""), "", postgrestest.Visto{Despertadas: 1}},
		{"an approval of what awaits none", contracts.EstadoIniciada, aprobar(t, r, ""), errores.Conflicto, nadie},
		{"an approval of nothing", "", aprobar(t, r, ""), errores.NoEncontrado, nadie},
		{"an approval for too long a reason", porAprobar, aprobar(t, r, largo), errores.Invalido, nadie},

		{"a retry of what failed", contracts.EstadoFallida, reintentar(t, r), "", postgrestest.Visto{Difundidas: []contracts.Estado{contracts.EstadoCompensando}, Reconciled: 1}},
		{"a retry of what did not", contracts.EstadoConfirmada, reintentar(t, r), errores.Conflicto, nadie},
		{"a retry of nothing", "", reintentar(t, r), errores.NoEncontrado, nadie},

		{"a dispatch", contracts.EstadoConfirmada, despachada(t, r), "", postgrestest.Visto{Avisos: 1}},
		{"a dispatch of nothing", "", despachada(t, r), errores.MensajeMalo, nadie},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			s := postgrestest.Solicitud()
			if c.estado != "" {
				s = a.Compra(t, c.estado)
			}
			err := c.hacer(s)
			if (err == nil) != (c.codigo == "") || err != nil && errores.De(err) != c.codigo {
				t.Fatalf("%v, se esperaba %q", err, c.codigo)
			}
			if visto := testigo.Olvidar(); fmt.Sprint(visto) != fmt.Sprint(c.visto) {
				t.Errorf("se contó %+v, esperado %+v", visto, c.visto)
			}
		})
	}
}

func aceptar(t *testing.T, r *recepcion.Recepcion) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error { _, err := r.Aceptar(t.Context(), s); return err }
}

func cancelar(t *testing.T, r *recepcion.Recepcion, motivo string) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error {
		_, _, err := r.Cancelar(t.Context(), s.ID, motivo)
		return err
	}
}

func cancelarPorMensaje(t *testing.T, r *recepcion.Recepcion, usuario string) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error { return r.CancelarPorMensaje(t.Context(), s.ID, usuario, "") }
}

func aprobar(t *testing.T, r *recepcion.Recepcion, motivo string) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error {
		_, err := r.Aprobar(t.Context(), s.ID, true, motivo)
		return err
	}
}

func despachada(t *testing.T, r *recepcion.Recepcion) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error { return r.Despachada(t.Context(), s.ID) }
}

func TestUnaCancelacionSinMotivoTieneUno(t *testing.T) {
	a := postgrestest.Nuevo(t)
	r := recepcion.Nueva(a, &postgrestest.Testigo{}, &postgrestest.Testigo{}, recepcion.Options{MaxOpen: 100, Admit: func() {}})
	c, hecha, err := r.Cancelar(t.Context(), a.Compra(t, recibida).ID, "")
	if err != nil || !hecha || c.Motivo == "" {
		t.Fatalf("%+v %v %v", c, hecha, err)
	}
}

func reintentar(t *testing.T, r *recepcion.Recepcion) func(contracts.SolicitudCompra) error {
	return func(s contracts.SolicitudCompra) error {
		_, err := r.Reintentar(t.Context(), s.ID)
		return err
	}
}

// A customer who has as many purchases open as one may gets no further one, and nothing is reserved for it. A request is told so;
// a command is taken in and RECHAZADA. What was taken in before is given as it stands.
func TestTooManyOpen(t *testing.T) {
	a := postgrestest.Nuevo(t)
	var witness postgrestest.Testigo
	r := recepcion.Nueva(a, &witness, &witness, recepcion.Options{MaxOpen: 3, Admit: witness.Avisar})
	var first contracts.SolicitudCompra
	for i, estado := range []contracts.Estado{recibida, porAprobar, contracts.EstadoConfirmada} {
		s := postgrestest.Solicitud()
		if _, err := r.Aceptar(t.Context(), s); err != nil {
			t.Fatalf("la compra %d: %v", i+1, err)
		}
		a.Hacer(t, `update compra set estado = $2 where id = $1`, s.ID, estado)
		first = s
	}
	witness.Olvidar()

	refused := postgrestest.Solicitud()
	if _, err := r.Aceptar(t.Context(), refused); errores.De(err) != errores.Conflicto || !strings.Contains(err.Error(), "3 compras abiertas") {
		t.Errorf("una de más: %v", err)
	}
	if _, err := a.Leer(t.Context(), refused.ID); errores.De(err) != errores.NoEncontrado {
		t.Errorf("lo que no se aceptó quedó guardado: %v", err)
	}
	if _, err := r.Aceptar(t.Context(), first); err != nil {
		t.Errorf("una repetida: %v", err)
	}
	if seen := witness.Olvidar(); fmt.Sprint(seen) != fmt.Sprint(postgrestest.Visto{}) {
		t.Errorf("se contó %+v", seen)
	}

	for range 2 { // the broker delivers it again
		c, err := r.AceptarPorMensaje(t.Context(), refused)
		if err != nil || c.Estado != contracts.EstadoRechazada || c.Motivo == "" || len(c.Historia) != 2 || c.Historia[1].Detalle != c.Motivo {
			t.Fatalf("por mensaje: %+v %v", c, err)
		}
	}
	a.SinHuecos(t, refused.ID)
	if seen := witness.Olvidar(); fmt.Sprint(seen) != fmt.Sprint(postgrestest.Visto{Difundidas: []contracts.Estado{contracts.EstadoRechazada}}) {
		t.Errorf("se contó %+v", seen)
	}

	other := postgrestest.Solicitud()
	other.IDUsuario = "eva"
	if _, err := r.Aceptar(t.Context(), other); err != nil {
		t.Errorf("la de otra: %v", err)
	}
	a.Hacer(t, `update compra set estado = 'DESPACHADA' where id = $1`, first.ID)
	if _, err := r.Aceptar(t.Context(), postgrestest.Solicitud()); err != nil {
		t.Errorf("salió una orden: %v", err)
	}
}
