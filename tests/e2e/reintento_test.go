package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	. "entregas/tests/prueba"
)

// A purchase that could not be undone is taken up again by an operator: all of it is undone, and the books agree. The purchase is put
// where only a day of trouble would put it.
func TestReintentarUnaFallida(t *testing.T) {
	s := ParaRomper(t)
	s.Surtir(t, map[string]int{"1": 10})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 3)}})
	s.Espera(t, id, contracts.EstadoConfirmada)
	base, err := pgx.Connect(t.Context(), s.Entorno.DSNGestorCompra)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = base.Close(t.Context()) }()
	for _, sentencia := range []string{
		`update compra set estado = 'FALLIDA', numero = numero + 1, motivo = 'No se pudo deshacer: LiberarReserva sin confirmar. No hay existencias suficientes.' where id = $1`,
		`insert into historia (id_compra, numero, paso, tipo) select id, numero, 'FALLIDA', 'LiberarReserva' from compra where id = $1`,
	} {
		if _, err := base.Exec(t.Context(), sentencia, id); err != nil {
			t.Fatal(err)
		}
	}
	r, err := s.BFF.Pedir(t.Context(), http.MethodPost, "/compras/"+id+"/reintento", nil)
	if err != nil || r.Estado != http.StatusAccepted {
		t.Fatalf("%d %s %v", r.Estado, r.Cuerpo, err)
	}
	c := s.Espera(t, id, contracts.EstadoRechazada)
	if c.Motivo != "No hay existencias suficientes." || !slices.Contains(Pasos(c), "LiberarReserva") || !slices.Contains(Pasos(c), "CancelarOrden") {
		t.Errorf("%+v", c)
	}
	s.Cuadran(t, []string{id})
	if r, err := s.BFF.Pedir(t.Context(), http.MethodPost, "/compras/"+id+"/reintento", nil); err != nil || r.Estado != http.StatusConflict {
		t.Errorf("otra vez: %d %s %v", r.Estado, r.Cuerpo, err)
	}
}
