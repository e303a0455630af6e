package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

// grande is more units than are confirmed without an operator (APPROVAL_THRESHOLD).
const grande = 101

// comprarDe buys so many units of product 11.
func comprarDe(t *testing.T, s *Sistema, usuario string, cantidad int) string {
	t.Helper()
	s.Surtir(t, map[string]int{"11": cantidad + 200})
	return s.Comprar(t, contracts.SolicitudCompra{IDUsuario: usuario, Productos: []contracts.Linea{Linea("11", cantidad)}})
}

// conPasos requires that the history has these steps, in this order; others may stand between.
func conPasos(t *testing.T, c contracts.Compra, pasos ...string) {
	t.Helper()
	resto := Pasos(c)
	for _, p := range pasos {
		i := slices.Index(resto, p)
		if i < 0 {
			t.Errorf("%s: en la historia %v falta, en su orden, %s", c.ID, Pasos(c), p)
			return
		}
		resto = resto[i+1:]
	}
}

// seNiega requires that err is an answer with this status and words for a person.
func seNiega(t *testing.T, que string, err error, estado int) {
	t.Helper()
	var p *cliente.Problema
	if !errors.As(err, &p) || p.Status != estado || p.Detail == "" {
		t.Errorf("%s: se esperaba un %d con su porqué, y hubo: %v", que, estado, err)
	}
}

// A customer with too many open purchases is refused before anything is reserved: by the door, or where it came as a command
// by its end. ordenes has the last word: an order that it refuses is undone in reverse.
func TestOrdenRechazada(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"11": 300})
	u := Usuario(t)
	ids := s.ComprarMuchas(t, 100, 32, func(int) contracts.SolicitudCompra {
		return contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}}
	})
	s.TodasConfirmadas(t, Plazo, ids)
	t.Run("en la puerta", func(t *testing.T) {
		_, err := s.BFF.Comprar(t.Context(), contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}})
		seNiega(t, "una compra más", err, http.StatusConflict)
	})
	t.Run("por mensaje", func(t *testing.T) {
		id := NuevoID()
		command := contracts.NuevoMensaje("prueba", contracts.CrearCompra, "", contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}})
		if err := cliente.Publicar(t.Context(), s.Broker, contracts.ComandosGestorCompra, command); err != nil {
			t.Fatal(err)
		}
		c := s.Espera(t, id, contracts.EstadoRechazada)
		if pasos := Pasos(c); c.Motivo == "" || !slices.Equal(pasos, []string{"RECIBIDA", "RECHAZADA"}) {
			t.Errorf("%v, motivo %q", pasos, c.Motivo)
		}
	})
	t.Run("por ordenes", func(t *testing.T) {
		otro := Usuario(t) + "-otro"
		conn, err := pgx.Connect(t.Context(), s.Entorno.DSNOrdenes)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_, err := conn.Exec(context.Background(), `delete from orden where id_usuario = $1`, otro)
			if err != nil {
				t.Error(err)
			}
			_ = conn.Close(context.Background())
		})
		if _, err := conn.Exec(t.Context(), `insert into orden (id, id_compra, id_usuario, productos, domicilio, estado)
			select gen_random_uuid(), gen_random_uuid(), $1, '[]', false, 'CREADA' from generate_series(1, 100)`, otro); err != nil {
			t.Fatal(err)
		}
		c := s.Espera(t, comprarDe(t, s, otro, 1), contracts.EstadoRechazada)
		conPasos(t, c, "PRODUCTOS_RESERVADOS", "COMPENSANDO", "LiberarReserva", "RECHAZADA")
		if c.Motivo == "" || c.IDOrden != "" {
			t.Errorf("motivo %q, orden %q", c.Motivo, c.IDOrden)
		}
		s.Cuadran(t, []string{c.ID})
	})
}

func TestAprobacion(t *testing.T) {
	s := Abrir(t)
	u := Usuario(t)
	aprobada, rechazada := comprarDe(t, s, u, grande), comprarDe(t, s, u, grande)
	for _, id := range []string{aprobada, rechazada} {
		s.Espera(t, id, contracts.EstadoPorAprobar)
	}
	if _, err := s.BFF.Decidir(t.Context(), aprobada, true, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BFF.Decidir(t.Context(), rechazada, false, "No cabe."); err != nil {
		t.Fatal(err)
	}
	c := s.Espera(t, aprobada, contracts.EstadoConfirmada)
	conPasos(t, c, "PRODUCTOS_RESERVADOS", "POR_APROBAR", "CONFIRMADA")
	c = s.Espera(t, rechazada, contracts.EstadoRechazada)
	conPasos(t, c, "POR_APROBAR", "COMPENSANDO", "LiberarReserva", "RECHAZADA")
	if _, err := s.BFF.Decidir(t.Context(), aprobada, true, ""); err != nil {
		t.Errorf("la misma decisión otra vez: %v", err)
	}
	_, err := s.BFF.Decidir(t.Context(), aprobada, false, "")
	seNiega(t, "rechazar la aprobada", err, http.StatusConflict)
	_, err = s.BFF.Decidir(t.Context(), rechazada, true, "")
	seNiega(t, "aprobar la rechazada", err, http.StatusConflict)
	s.Cuadran(t, []string{aprobada, rechazada})
}

func TestCancelar(t *testing.T) {
	s := Abrir(t)
	u := Usuario(t)
	t.Run("mientras espera aprobación", func(t *testing.T) {
		id := comprarDe(t, s, u, grande)
		s.Espera(t, id, contracts.EstadoPorAprobar)
		cancelar(t, s, id)
		c := s.Espera(t, id, contracts.EstadoCancelada)
		conPasos(t, c, "POR_APROBAR", "COMPENSANDO", "LiberarReserva", "CANCELADA")
		_, err := s.BFF.Decidir(t.Context(), id, true, "")
		seNiega(t, "aprobar lo cancelado", err, http.StatusConflict)
		cancelar(t, s, id) // again is as good
		s.Cuadran(t, []string{id})
	})
	t.Run("después de confirmada", func(t *testing.T) {
		id := comprarDe(t, s, u, 2)
		s.Espera(t, id, contracts.EstadoConfirmada)
		cancelar(t, s, id)
		c := s.Espera(t, id, contracts.EstadoCancelada)
		conPasos(t, c, "CONFIRMADA", "LiberarReserva", "CANCELADA")
		_, err := s.BFF.Despachar(t.Context(), c.IDOrden)
		seNiega(t, "despachar una orden cancelada", err, http.StatusConflict)
		s.Cuadran(t, []string{id})
	})
	t.Run("apenas enviadas", func(t *testing.T) {
		var ids []string
		for range 20 { // wherever the cancellation meets the saga, it ends CANCELADA and undone
			id := comprarDe(t, s, u, 1)
			ids = append(ids, id)
			cancelar(t, s, id)
		}
		if cuantas := s.TodasEn(t, contracts.EstadoCancelada, ids); cuantas != len(ids) {
			t.Errorf("de %d quedaron %d canceladas", len(ids), cuantas)
		}
		s.Cuadran(t, ids)
	})
}

func cancelar(t *testing.T, s *Sistema, id string) {
	t.Helper()
	if _, err := s.BFF.Cancelar(t.Context(), id, "Ya no la quiero."); err != nil {
		t.Error(err)
	}
}

func TestDespacho(t *testing.T) {
	s := Abrir(t)
	id := comprarDe(t, s, Usuario(t), 3)
	c := s.Espera(t, id, contracts.EstadoConfirmada)
	for range 2 { // again is as good
		if o, err := s.BFF.Despachar(t.Context(), c.IDOrden); err != nil || o.Estado != "DESPACHADA" || o.IDCompra != id {
			t.Fatalf("despachar: %+v, %v", o, err)
		}
	}
	conPasos(t, s.Espera(t, id, contracts.EstadoDespachada), "CONFIRMADA", "DESPACHADA")
	_, err := s.BFF.Cancelar(t.Context(), id, "")
	seNiega(t, "cancelar lo despachado", err, http.StatusConflict)
	s.Cuadran(t, []string{id})
}

// A decision where there is none to take: a clear error, and nothing changes.
func TestDecisionesImposibles(t *testing.T) {
	s := Abrir(t)
	u := Usuario(t)
	confirmada := s.Espera(t, comprarDe(t, s, u, 1), contracts.EstadoConfirmada)
	rechazada := s.Espera(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("llama", 1)}}), contracts.EstadoRechazada)
	for _, c := range []contracts.Compra{confirmada, rechazada} {
		_, err := s.BFF.Decidir(t.Context(), c.ID, true, "")
		seNiega(t, "aprobar una "+string(c.Estado), err, http.StatusConflict)
	}
	_, err := s.BFF.Cancelar(t.Context(), rechazada.ID, "")
	seNiega(t, "cancelar una rechazada", err, http.StatusConflict)
	for _, id := range []string{NuevoID(), "otra-cosa"} {
		estado := http.StatusNotFound
		if id == "otra-cosa" {
			estado = http.StatusBadRequest
		}
		_, err := s.BFF.Cancelar(t.Context(), id, "")
		seNiega(t, "cancelar "+id, err, estado)
		_, err = s.BFF.Decidir(t.Context(), id, true, "")
		seNiega(t, "aprobar "+id, err, estado)
		_, err = s.BFF.Despachar(t.Context(), id)
		seNiega(t, "despachar "+id, err, estado)
		_, err = s.BFF.Orden(t.Context(), id)
		seNiega(t, "leer la orden "+id, err, estado)
	}
	for _, m := range []mala{
		{"sin cuerpo", ``, 400, ""}, {"sin decisión", `{}`, 400, "aprobada"}, {"decisión que no lo es", `{"aprobada": "sí"}`, 400, "aprobada"},
		{"motivo con caracteres de control", `{"aprobada": true, "motivo": "\u0007"}`, 400, "motivo"},
	} {
		r, err := s.BFF.Pedir(t.Context(), http.MethodPost, "/compras/"+confirmada.ID+"/aprobacion", []byte(m.cuerpo))
		if err != nil {
			t.Fatal(err)
		}
		esProblema(t, m.nombre, r, m.estado, m.campo)
	}
	for i, antes := range []contracts.Compra{confirmada, rechazada} {
		if ahora, err := s.BFF.Leer(t.Context(), antes.ID); err != nil || ahora.Numero() != antes.Numero() {
			t.Errorf("%d: la compra cambió: %v, %v", i, Pasos(ahora), err)
		}
	}
}

// Approve, reject and cancel at once: one wins, and is everybody's answer.
func TestDecisionesALaVez(t *testing.T) {
	s := Abrir(t)
	u := Usuario(t)
	var ids []string
	for range 8 {
		id := comprarDe(t, s, u, grande)
		ids = append(ids, id)
		s.Espera(t, id, contracts.EstadoPorAprobar)
		errores := ALaVez(
			func() error { _, err := s.BFF.Decidir(t.Context(), id, true, ""); return err },
			func() error { _, err := s.BFF.Decidir(t.Context(), id, false, "No."); return err },
			func() error { _, err := s.BFF.Cancelar(t.Context(), id, "Ya no."); return err },
		)
		c := s.Espera(t, id, contracts.EstadoConfirmada, contracts.EstadoRechazada, contracts.EstadoCancelada)
		if errores[0] == nil && errores[2] == nil { // approved first, and cancelled after that
			c = s.Espera(t, id, contracts.EstadoCancelada)
		}
		gano := map[contracts.Estado]int{contracts.EstadoConfirmada: 0, contracts.EstadoRechazada: 1, contracts.EstadoCancelada: 2}[c.Estado]
		if errores[gano] != nil || (errores[0] == nil && errores[1] == nil) {
			t.Errorf("quedó %s, y respondieron: aprobar %v, rechazar %v, cancelar %v", c.Estado, errores[0], errores[1], errores[2])
		}
		for i, err := range errores {
			if err != nil {
				seNiega(t, fmt.Sprint("la decisión ", i), err, http.StatusConflict)
			}
		}
	}
	s.Cuadran(t, ids)
}

// CancelarCompra over the topic, before its purchase: whatever comes later under this id is not bought
// (docs/adr/rollback-may-come-first.md).
func TestCancelarAntesDeCrear(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"11": 10})
	u, id := Usuario(t), NuevoID()
	ctx, soltar := context.WithTimeout(t.Context(), Plazo)
	defer soltar()
	datos := contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: u, Productos: []contracts.Linea{Linea("11", 1)}}
	for _, tipo := range []contracts.Tipo{contracts.CancelarCompra, contracts.CrearCompra} {
		if err := cliente.Publicar(ctx, s.Broker, contracts.ComandosGestorCompra, contracts.NuevoMensaje("prueba", tipo, "", datos)); err != nil {
			t.Fatal(err)
		}
	}
	Hasta(t, "la compra cancelada", func(ctx context.Context) (bool, error) {
		c, err := s.BFF.Leer(ctx, id)
		return c.Estado == contracts.EstadoCancelada, err
	})
	s.Cuadran(t, []string{id})
}
