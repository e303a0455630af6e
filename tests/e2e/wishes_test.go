package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// Customers ask to be told of a product that is sold out. An operator restocks it: who waits for as much is told, who waits for more is not.
// A wish that is taken back, and those of an erased customer, are told of no more. Hostile wishes are refused with the field that is wrong.
func TestACustomerIsToldThatAProductIsBack(t *testing.T) {
	t.Parallel()
	s := Open(t)
	id := "agotado-" + NewID()
	catalogue := map[string]any{"csv": "id_producto,cantidad,nombre\n" + id + ",,Café agotado\n"}
	if r, err := s.BFF.Request(t.Context(), http.MethodPost, "/productos/importacion", catalogue); err != nil || r.Status != http.StatusOK {
		t.Fatalf("%d %s: %v", r.Status, r.Body, err)
	}
	u := Usuario(t)
	little, much, gone := as(t, s, u, "cliente"), as(t, s, u+"-b", "cliente"), as(t, s, u+"-c", "cliente")
	path := "/productos/" + id + "/avisame"
	ask := func(c *client.Client, method, path string, body any, want int) []byte {
		t.Helper()
		r, err := c.Request(t.Context(), method, path, body)
		if err != nil || r.Status != want {
			t.Fatalf("%s %s: %d %s, want %d: %v", method, path, r.Status, r.Body, want, err)
		}
		return r.Body
	}
	told := func(c *client.Client) (list []contracts.Deseo) {
		t.Helper()
		if err := json.Unmarshal(ask(c, http.MethodGet, "/avisos/existencias", nil, http.StatusOK), &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	ask(little, http.MethodPost, path, contracts.NuevoDeseo{Cantidad: 2}, http.StatusOK)
	ask(much, http.MethodPost, path, contracts.NuevoDeseo{Cantidad: 9}, http.StatusOK)
	ask(gone, http.MethodPost, path, contracts.NuevoDeseo{Cantidad: 1}, http.StatusOK)
	ask(gone, http.MethodDelete, path, nil, http.StatusNoContent)

	for _, c := range []struct {
		path, field string
		body        any
		want        int
	}{
		{path, "cantidad", map[string]any{"cantidad": 0}, http.StatusBadRequest},
		{path, "cantidad", map[string]any{"cantidad": -1}, http.StatusBadRequest},
		{path, "cantidad", map[string]any{"cantidad": 1_000_001}, http.StatusBadRequest},
		{path, "cantidad", map[string]any{"cantidad": "2"}, http.StatusBadRequest},
		{path, "cantidad", map[string]any{"cantidad": 1e300}, http.StatusBadRequest},
		{path, "id_usuario", map[string]any{"cantidad": 1, "id_usuario": u + "-b"}, http.StatusBadRequest},
		{"/productos/a%09b/avisame", "id", map[string]any{"cantidad": 1}, http.StatusBadRequest},
		{"/productos/" + strings.Repeat("a", contracts.MaxIdentifier+1) + "/avisame", "id", map[string]any{"cantidad": 1}, http.StatusBadRequest},
		{"/productos/%E2%80%AE/avisame", "id", map[string]any{"cantidad": 1}, http.StatusBadRequest},
		{"/productos/ñandú/avisame", "", map[string]any{"cantidad": 1}, http.StatusNotFound},
	} {
		if body := ask(little, http.MethodPost, c.path, c.body, c.want); !strings.Contains(string(body), `"`+c.field) {
			t.Errorf("%s %v: the problem %s does not name %s", c.path, c.body, body, c.field)
		}
	}

	if _, err := s.BFF.Reponer(t.Context(), id, 3, "back-"+id); err != nil {
		t.Fatal(err)
	}
	Until(t, "the customer is told", func(context.Context) (bool, error) {
		list := told(little)
		return len(list) == 1 && list[0].IDProducto == id && list[0].Nombre == "Café agotado" && list[0].AvisadoEn != nil, fmt.Errorf("the wishes are %+v", list)
	})
	if list := told(much); len(list) != 1 || list[0].AvisadoEn != nil {
		t.Errorf("who waits for 9 units has the wishes %+v", list)
	}
	if list := told(gone); len(list) != 0 {
		t.Errorf("who took the wish back has the wishes %+v", list)
	}
	if in := tablesWith(t, s, u); !slices.Contains(in, "avisos.deseo") {
		t.Errorf("this test cannot see the wishes: the customer is in %v", in)
	}
	if erased, err := s.BFF.BorrarDatos(t.Context(), u); err != nil || erased.Deseos != 1 {
		t.Errorf("erased %+v: %v", erased, err)
	}
	if list := told(little); len(list) != 0 {
		t.Errorf("after the erasure there are %+v", list)
	}
	ask(much, http.MethodDelete, path, nil, http.StatusNoContent)
}
