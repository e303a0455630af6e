package avisos_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/avisos/avisos"
)

const (
	id     = "01938f5e-7c1a-7000-8000-000000000001"
	codigo = "ABCD1234"
)

// The message is about two changes at once, since gestor-compra could not publish the first one in time. Both are told, and the
// rollback between them is not. Nothing that a person wrote is told.
func TestEachStateOfAPurchaseIsTold(t *testing.T) {
	e := contracts.DatosEventoCompra{
		IDCompra: id, Codigo: codigo, IDUsuario: "sub-1", Numero: 4, Estado: "RECHAZADA", Motivo: "No me gustó, soy Ana de la calle 5.",
		Faltantes: []contracts.Faltante{{IDProducto: "7", Solicitada: 3, Disponible: 1}},
		Historia: []contracts.Hecho{
			{Numero: 1, Paso: "RECIBIDA", En: 1_700_000_000_000}, {Numero: 2, Paso: "COMPENSANDO", En: 1_700_000_001_000},
			{Numero: 3, Paso: "ReservaLiberada", En: 1_700_000_002_000, Detalle: "soy Ana"}, {Numero: 4, Paso: "RECHAZADA", En: 1_700_000_003_000},
		},
	}
	got, err := avisos.SucesosOf(e)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"compra.recibida", "compra.compensando", "compra.rechazada"}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, s := range got {
		if s.Tipo != want[i] || s.IDCompra != id || strings.Contains(s.Cuerpo, "Ana") {
			t.Errorf("%+v, want %s", s, want[i])
		}
	}
	last := got[2]
	if last.Evento != "msg_01938f5e7c1a70008000000000000001_4" || !last.En.Equal(time.UnixMilli(1_700_000_003_000)) || last.Estado != contracts.EstadoRechazada {
		t.Errorf("%+v", last)
	}
	const body = `{"type":"compra.rechazada","timestamp":"2023-11-14T22:13:23.000Z","data":{"id":"` + id + `","codigo":"` + codigo + `","id_usuario":"sub-1","estado":"RECHAZADA","numero":4,"faltantes":[{"id_producto":"7","solicitada":3,"disponible":1}]}}`
	if last.Cuerpo != body {
		t.Errorf("got  %s\nwant %s", last.Cuerpo, body)
	}
	if strings.Contains(got[0].Cuerpo, "faltantes") {
		t.Errorf("an earlier state has what was missing later: %s", got[0].Cuerpo)
	}
}

func TestATestEventHasNoPurchase(t *testing.T) {
	s, err := avisos.Prueba(id, time.UnixMilli(0))
	if err != nil || s.IDCompra != "" || s.Tipo != "prueba" || !json.Valid([]byte(s.Cuerpo)) || strings.Contains(s.Evento, ".") {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestJudge(t *testing.T) {
	plan := avisos.Plan{5 * time.Second, time.Minute}
	failed := avisos.Answer{Codigo: 500, Error: "Respondió 500."}
	for _, c := range []struct {
		name     string
		answer   avisos.Answer
		intentos int
		estado   contracts.EstadoEntrega
		after    time.Duration
		pause    bool
	}{
		{"success", avisos.Answer{Codigo: 204}, 3, contracts.EntregaHecha, 0, false},
		{"the first failure", failed, 1, contracts.EntregaPendiente, 5 * time.Second, false},
		{"the second", failed, 2, contracts.EntregaPendiente, time.Minute, false},
		{"the last", failed, 3, contracts.EntregaMuerta, 0, false},
		{"more tries than planned, after a shorter plan", failed, 9, contracts.EntregaMuerta, 0, false},
		{"no answer", avisos.Answer{Error: "No se pudo conectar."}, 1, contracts.EntregaPendiente, 5 * time.Second, false},
		{"gone", avisos.Answer{Codigo: 410, Error: "Respondió 410."}, 1, contracts.EntregaMuerta, 0, true},
		{"wait longer", avisos.Answer{Codigo: 429, Error: "x", RetryAfter: time.Hour}, 1, contracts.EntregaPendiente, time.Hour, false},
		{"wait less", avisos.Answer{Codigo: 429, Error: "x", RetryAfter: time.Second}, 2, contracts.EntregaPendiente, time.Minute, false},
		{"wait for years", avisos.Answer{Codigo: 503, Error: "x", RetryAfter: 1 << 60}, 1, contracts.EntregaPendiente, 24 * time.Hour, false},
	} {
		if v := plan.Judge(c.answer, c.intentos); v.Estado != c.estado || v.After != c.after || v.Pause != c.pause || c.pause == (v.Motivo == "") {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}
