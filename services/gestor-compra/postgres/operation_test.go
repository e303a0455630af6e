package postgres_test

import (
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/postgrestest"
)

func TestSummary(t *testing.T) {
	a := postgrestest.New(t)
	if r, err := a.Resumen(t.Context(), time.Minute); err != nil || r.Confirmadas != 0 || r.P50 != nil || len(r.Estados) != 0 {
		t.Errorf("without purchases: %+v %v", r, err)
	}
	for i := range 10 {
		s := a.Compra(t, contracts.EstadoConfirmada)
		a.Do(t, `insert into historia (id_compra, numero, paso, tipo) values ($1, 2, 'CONFIRMADA', 'OrdenCreada')`, s.ID)
		a.Do(t, `update compra set creada_en = (select en from historia where id_compra = $1 and numero = 2) - make_interval(secs => $2) where id = $1`, s.ID, float64(i+1)/10)
	}
	old := a.Compra(t, contracts.EstadoRechazada)
	a.Do(t, `update compra set creada_en = creada_en - interval '1 hour' where id = $1`, old.ID)
	for i, paso := range []string{"COMPENSANDO", "RECHAZADA", "CANCELADA", "FALLIDA", "DESPACHADA", "INICIADA"} {
		a.Do(t, `insert into historia (id_compra, numero, paso, tipo, en, round) select $1, 100 * $2 + n, $3, 'X', now() - interval '1 minute', n from generate_series(1, $2) n`, old.ID, i+1, paso)
	}
	if r, err := a.Resumen(t.Context(), time.Hour); err != nil || r.Deshechas != 1 || r.Rechazadas != 2 || r.Canceladas != 3 || r.Fallidas != 4 || r.Despachadas != 5 || r.Confirmadas != 10 {
		t.Errorf("of an hour: %+v %v", r, err)
	}
	if r, err := a.Resumen(t.Context(), 30*time.Second); err != nil || r.Deshechas+r.Rechazadas+r.Canceladas+r.Fallidas+r.Despachadas != 0 || r.Confirmadas != 10 {
		t.Errorf("of 30 s: %+v %v", r, err)
	}
	r, err := a.Resumen(t.Context(), 10*time.Second)
	if err != nil || r.Estados[contracts.EstadoConfirmada] != 10 || r.Estados[contracts.EstadoRechazada] != 1 || r.Confirmadas != 10 || r.Recibidas != 10 || r.PorSegundo != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if r.P50 == nil || *r.P50 < 549 || *r.P50 > 551 || *r.P90 < 909 || *r.P90 > 911 || *r.P99 < *r.P95 || *r.P95 < *r.P50 {
		t.Errorf("percentiles %v %v %v", r.P50, r.P95, r.P99)
	}
}

func TestMessages(t *testing.T) {
	a := postgrestest.New(t)
	if _, err := a.Mensajes(t.Context(), postgrestest.NewSolicitud().ID); errs.Of(err) != errs.NotFound {
		t.Errorf("of a purchase that does not exist: %v", err)
	}
	s := a.Compra(t, contracts.EstadoIniciada)
	if list, err := a.Mensajes(t.Context(), s.ID); err != nil || len(list) != 0 {
		t.Errorf("before the question: %v %v", list, err)
	}
	for _, command := range []contracts.MessageType{contracts.ValidarInventario, contracts.ReservarProducto} {
		if _, err := a.Pose(t.Context(), compras.Change{IDCompra: s.ID}, command, []contracts.Estado{contracts.EstadoIniciada}, true); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []compras.Reply{{Tipo: contracts.ReservaRechazada, Motivo: "no hay"}, {Tipo: contracts.ProductosReservados}} { // the second reply is late
		if _, _, err := a.RecordReply(t.Context(), s.ID, contracts.ReservarProducto, r); err != nil {
			t.Fatal(err)
		}
	}
	list, err := a.Mensajes(t.Context(), s.ID)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v %v", list, err)
	}
	if m := list[0]; m.Comando != contracts.ValidarInventario || m.Respuesta != "" || m.RespondidaEn != nil || m.Tardias == nil || len(m.Tardias) != 0 {
		t.Errorf("without a reply: %+v", m)
	}
	if m := list[1]; m.Respuesta != contracts.ReservaRechazada || m.Motivo != "no hay" || m.RespondidaEn == nil || len(m.Tardias) != 1 || m.Tardias[0].Tipo != contracts.ProductosReservados {
		t.Errorf("with a reply: %+v", m)
	}
}

// An operator can resume a FALLIDA purchase any number of times. The history has an entry for each time, without gaps.
func TestRetry(t *testing.T) {
	a := postgrestest.New(t)
	s := a.Compra(t, contracts.EstadoProductosValidos)
	move := func(k compras.Change) {
		t.Helper()
		if _, moved, err := a.Move(t.Context(), k); err != nil || !moved {
			t.Fatalf("%+v: %v", k, err)
		}
	}
	undone := change(s.ID, contracts.EstadoCompensando, contracts.EstadoProductosValidos)
	undone.Motivo = "No hay existencias."
	move(undone)
	for attempt := range 2 {
		move(change(s.ID, contracts.EstadoFallida, contracts.EstadoCompensando))
		c, err := a.Reintentar(t.Context(), s.ID, time.Hour)
		if err != nil || c.Estado != contracts.EstadoCompensando || c.Motivo != "No hay existencias." {
			t.Fatalf("attempt %d: %+v %v", attempt, c, err)
		}
		if d := onlyStalled(t, a); d.ID != s.ID || d.Motivo != c.Motivo || d.Cancelled || !d.Asked || d.Cause != "Prueba" {
			t.Fatalf("attempt %d: %+v", attempt, d)
		}
		if n, err := a.ClaimReplacement(t.Context(), s.ID, time.Hour); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		if last := c.Historia[len(c.Historia)-1]; last.Paso != "COMPENSANDO" || last.Tipo != "Reintento" || c.Numero() != last.Numero {
			t.Errorf("attempt %d: %+v", attempt, c.Historia)
		}
		// An entry about a fact is made once in each round of the rollback.
		for range 2 {
			if _, err := a.RecordFact(t.Context(), s.ID, "LiberarReserva", contracts.ReservaLiberada, "x"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := postgrestest.One[int](t, a, `select count(*) from historia where id_compra = $1 and paso = 'LiberarReserva'`, s.ID); n != 2 {
		t.Errorf("released %d times", n)
	}
	a.NoGaps(t, s.ID)
	_, err := a.Reintentar(t.Context(), s.ID, time.Hour)
	wantCode(t, err, errs.Conflict)
	move(change(s.ID, contracts.EstadoRechazada, contracts.EstadoCompensando))
	_, err = a.Reintentar(t.Context(), s.ID, time.Hour)
	wantCode(t, err, errs.Conflict)

	requested := a.Compra(t, contracts.EstadoFallida)
	a.Do(t, `update compra set cancelacion_pedida = 'ya no' where id = $1`, requested.ID)
	if _, err := a.Reintentar(t.Context(), requested.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	if d := onlyStalled(t, a); d.ID != requested.ID || !d.Cancelled {
		t.Errorf("the cancelled one: %+v", d)
	}
}
