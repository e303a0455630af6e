package actor_test

import (
	"net/http"
	"strings"
	"testing"

	"entregas/contracts"
	"entregas/internal/actor"
)

// A person goes through the headers of an invocation unchanged, whatever letters the subject has. A header carries ASCII only.
func TestAPersonGoesThroughTheHeaders(t *testing.T) {
	for _, a := range []actor.Actor{
		{}, {Sujeto: "ana", Rol: contracts.RolCliente}, {Sujeto: "María José / Ñ%41+;=\"", Rol: contracts.RolOperador},
		{Sujeto: strings.Repeat("\U0001F999", contracts.MaxIdentifier), Rol: contracts.RolOperador},
	} {
		h := http.Header{}
		actor.SetHeaders(actor.With(t.Context(), a), h)
		for name, values := range h {
			if strings.ContainsFunc(values[0], func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s: %q", name, values[0])
			}
		}
		if got, err := actor.FromHeaders(h); got != a || err != nil {
			t.Errorf("%+v came as %+v, %v", a, got, err)
		}
	}
}

// Headers that SetHeaders does not write name nobody, and the error says which header is wrong.
func TestWrongHeadersNameNobody(t *testing.T) {
	for _, c := range []struct{ subject, role, named string }{
		{"%zz", "operador", "Entregas-Sujeto"},
		{"a%0ab", "operador", "Entregas-Sujeto"},
		{"%ff", "operador", "Entregas-Sujeto"},
		{"", "operador", "Entregas-Sujeto"},
		{strings.Repeat("a", contracts.MaxIdentifier+1), "operador", "Entregas-Sujeto"},
		{"oti", "", "Entregas-Rol"},
		{"oti", "root", "Entregas-Rol"},
	} {
		h := http.Header{}
		h.Set("Entregas-Sujeto", c.subject)
		h.Set("Entregas-Rol", c.role)
		if got, err := actor.FromHeaders(h); got != (actor.Actor{}) || err == nil || !strings.HasPrefix(err.Error(), c.named+": ") {
			t.Errorf("%+v: %+v, %v", c, got, err)
		}
	}
}
