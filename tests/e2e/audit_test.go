package e2e

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"entregas/contracts"
	. "entregas/tests/testkit"
)

// Of one purchase that an operator approved and dispatched, the history says who did what, and so does the audit, found by the code of the
// purchase. The customer learns only that it was an operator. What was done with a dead letter is in the audit too.
func TestTheAuditOfAPurchase(t *testing.T) {
	t.Parallel()
	s := Open(t)
	u, o := Usuario(t), Usuario(t)+"-o"
	operator, customer := as(t, s, o, "operador"), as(t, s, u, "cliente")
	id := comprarAs(t, s, u, tooBig)
	s.Wait(t, id, contracts.EstadoPorAprobar)
	if _, err := operator.Decide(t.Context(), id, true, "vale"); err != nil {
		t.Fatal(err)
	}
	c := s.Wait(t, id, contracts.EstadoConfirmada)
	if _, err := operator.Despachar(t.Context(), c.IDOrden); err != nil {
		t.Fatal(err)
	}
	s.Wait(t, id, contracts.EstadoDespachada)
	for who, sees := range map[string]string{u: "", o: o} {
		reader := customer
		if who == o {
			reader = operator
		}
		view, err := reader.Load(t.Context(), contracts.FormatCodigo(c.Codigo))
		if err != nil || view.ID != id {
			t.Fatalf("by its code %s: %+v %v", c.Codigo, view, err)
		}
		for _, h := range view.Historia {
			if slices.Contains([]string{"Aprobacion", "DESPACHADA"}, h.Paso) && (h.Rol != contracts.RolOperador || h.Sujeto != sees) {
				t.Errorf("%s reads %+v, and should see the name %q", who, h, sees)
			}
		}
	}
	dead := NewID()
	place := publishBytes(t, s, contracts.ComandosOrden.DeadLetters(), goodCancellation(t, s, dead), map[string]string{"motivo": "de prueba"})
	Until(t, "the dead letter is discarded", func(context.Context) (bool, error) {
		r, err := operator.Request(t.Context(), http.MethodPost, "/mensajes-muertos/"+place+"/descarte", map[string]string{"motivo": "no sirve"})
		return r.Status == http.StatusAccepted, err
	})
	for filter, want := range map[string][]contracts.TipoDeActo{
		"id=" + c.Codigo: {contracts.ActoDespacho, contracts.ActoAprobacion}, "sujeto=" + o: {contracts.ActoMensajeDescartado, contracts.ActoDespacho, contracts.ActoAprobacion},
	} {
		var page contracts.PaginaDeActos
		ask(t, operator, http.MethodGet, "/auditoria?"+filter, nil, http.StatusOK, &page)
		var got []contracts.TipoDeActo
		for _, a := range page.Actos {
			if got = append(got, a.Tipo); a.Sujeto != o {
				t.Errorf("%+v is not of %s", a, o)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the acts are %v, want %v", filter, got, want)
		}
	}
}
