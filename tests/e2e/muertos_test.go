package e2e

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

// A message that decodes and makes no sense goes to its topic's dead letters with its reason, at once, and what comes
// after it is handled.
func TestMensajesMuertos(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"1": 10})
	u := Usuario(t)
	una := []contracts.Linea{Linea("1", 1)}
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: una})
	s.Espera(t, id, contracts.EstadoConfirmada)

	t.Run("una compra sin sentido", func(t *testing.T) {
		muere(t, s, contracts.ComandosGestorCompra, contracts.CrearCompra, "gestor-compra", "productos[0].cantidad",
			contracts.DatosComandoGestorCompra{IDCompra: NuevoID(), IDUsuario: u, Productos: []contracts.Linea{Linea("1", 0)}})
	})
	t.Run("una compra que ya es otra", func(t *testing.T) {
		muere(t, s, contracts.ComandosGestorCompra, contracts.CrearCompra, "gestor-compra", id,
			contracts.DatosComandoGestorCompra{IDCompra: id, IDUsuario: u, Productos: []contracts.Linea{Linea("1", 9)}})
	})
	t.Run("un comando de nadie", func(t *testing.T) {
		muere(t, s, contracts.ComandosInventario, "ContarInventario", "consolidador", "ContarInventario",
			contracts.DatosComandoInventario{IDCompra: NuevoID(), Productos: una})
	})
	t.Run("la misma reserva con otras líneas", func(t *testing.T) {
		muere(t, s, contracts.ComandosProducto, contracts.ReservarProducto, "admin-productos", id,
			contracts.DatosComandoProducto{IDCompra: id, Productos: []contracts.Linea{Linea("1", 9)}})
	})
	t.Run("una orden sin compra", func(t *testing.T) {
		muere(t, s, contracts.ComandosOrden, contracts.CrearOrden, "ordenes", "id_compra",
			contracts.DatosComandoOrden{IDCompra: "ninguna", IDUsuario: u, Productos: una})
	})
	t.Run("una respuesta que nadie pidió", func(t *testing.T) {
		muere(t, s, contracts.EventosInventario, contracts.InventarioValidado, "gestor-compra", "ValidarInventario",
			contracts.DatosEventoInventario{IDCompra: NuevoID(), RespondeA: string(contracts.ValidarInventario)})
	})
	t.Run("una respuesta que no lo es", func(t *testing.T) {
		muere(t, s, contracts.EventosProductos, "ProductosVendidos", "gestor-compra", "ProductosVendidos",
			contracts.DatosEventoProductos{IDCompra: id, RespondeA: string(contracts.ReservarProducto)})
	})
	t.Run("una respuesta con una orden que no lo es", func(t *testing.T) {
		muere(t, s, contracts.EventosOrden, contracts.OrdenCreada, "gestor-compra", "id_orden",
			contracts.DatosEventoOrden{IDCompra: id, RespondeA: string(contracts.CrearOrden), IDOrden: "A-17"})
	})
	t.Run("4,5 MB", func(t *testing.T) { // daprd takes 4 MiB: as it is it cannot be set aside
		muere(t, s, contracts.ComandosOrden, contracts.CrearOrden, "ordenes", "bytes",
			contracts.DatosComandoOrden{IDCompra: NuevoID(), IDUsuario: strings.Repeat("x", 4_500_000), Productos: una})
	})
	t.Run("un id que no es UUID", func(t *testing.T) {
		m := contracts.NuevoMensaje("prueba", "RegalarOrden", "", contracts.DatosComandoOrden{IDCompra: NuevoID()})
		m.ID = "a b\x00||/" + m.ID
		muereEste(t, s, contracts.ComandosOrden, "ordenes", "RegalarOrden", m)
	})
	t.Run("un comando más viejo que la memoria", func(t *testing.T) {
		m := contracts.NuevoMensaje("prueba", contracts.ReservarProducto, "", contracts.DatosComandoProducto{IDCompra: NuevoID(), Productos: una})
		m.Time = time.Now().AddDate(0, 0, -31).UnixMilli()
		muereEste(t, s, contracts.ComandosProducto, "admin-productos", "ya no se sabe", m)
	})
	s.Espera(t, s.Comprar(t, contracts.SolicitudCompra{IDUsuario: u, Productos: una}), contracts.EstadoConfirmada)
	s.Cuadran(t, []string{id})
}

// muere publishes a message and requires that it becomes a dead letter: set aside by servicio, with a reason that has dice in it.
func muere[D any](t *testing.T, s *Sistema, tema contracts.Tema[D], tipo contracts.Tipo, servicio, dice string, data D) {
	t.Helper()
	muereEste(t, s, tema, servicio, dice, contracts.NuevoMensaje("prueba", tipo, "", data))
}

func muereEste[D any](t *testing.T, s *Sistema, tema contracts.Tema[D], servicio, dice string, m contracts.Mensaje[D]) {
	t.Helper()
	ctx, soltar := context.WithTimeout(t.Context(), Plazo)
	defer soltar()
	if err := cliente.Publicar(ctx, s.Broker, tema, m); err != nil {
		t.Fatal(err)
	}
	err := cliente.Muertos(ctx, s.Broker, tema, func(muerto cliente.Muerto[D]) bool {
		if muerto.Mensaje.ID != m.ID {
			return false
		}
		p := muerto.Propiedades
		if n, err := strconv.Atoi(p["intentos"]); err != nil || n != 1 || p["origen"] != servicio || !strings.Contains(p["motivo"], dice) {
			t.Errorf("lleva %v; se esperaba origen %s y un motivo con %q", p, servicio, dice)
		}
		return true
	})
	if err != nil {
		t.Fatalf("no llegó a %s: %v", tema.MensajesMuertos(), err)
	}
}
