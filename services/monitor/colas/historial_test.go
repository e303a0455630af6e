package colas

import (
	"testing"
	"time"
)

func TestRitmoYTiempoParaVaciar(t *testing.T) {
	h, inicio := NuevoHistorial(nil), time.Unix(1000, 0)
	anotar := func(segundos int, entraron, pendientes int64) {
		h.anotar(inicio.Add(time.Duration(segundos)*time.Second), map[string][]Cola{"comandos-producto": {
			{Suscripcion: "admin-productos", Durable: true, Entraron: entraron, Pendientes: pendientes},
			{Suscripcion: "una-pagina", Pendientes: 3},
		}}, true)
	}
	anotar(0, 100, 50)
	if _, hay := h.Ritmo("comandos-producto", "admin-productos"); hay {
		t.Error("un ritmo de una sola mirada")
	}
	anotar(10, 120, 40) // 20 came, 30 went
	r, hay := h.Ritmo("comandos-producto", "admin-productos")
	if !hay || r != (Ritmo{Entrada: 2, Salida: 3}) {
		t.Fatalf("%+v %v", r, hay)
	}
	if falta, vacia := r.ParaVaciar(40); !vacia || falta != 40*time.Second {
		t.Error(falta, vacia)
	}
	if _, vacia := (Ritmo{Entrada: 3, Salida: 3}).ParaVaciar(40); vacia {
		t.Error("una cola que no baja se vacía")
	}
	anotar(15, 5, 40) // the broker began again
	if r, hay := h.Ritmo("comandos-producto", "admin-productos"); hay {
		t.Errorf("un ritmo entre dos vidas del broker: %+v", r)
	}
	if n := len(h.Informe().Colas); n != 1 {
		t.Errorf("%d colas: la de una página no cuenta", n)
	}
}

// Failure prevented: the broker is down and the operator's page goes on showing the queue that it had.
func TestUnBrokerCaidoNoEsUnaColaQuieta(t *testing.T) {
	h, inicio := NuevoHistorial(nil), time.Unix(1000, 0)
	cola := map[string][]Cola{"comandos-orden": {{Suscripcion: "ordenes", Durable: true, Entraron: 9, Pendientes: 4}}}
	h.anotar(inicio, cola, true)
	h.anotar(inicio.Add(5*time.Second), cola, true)
	h.anotar(inicio.Add(10*time.Second), map[string][]Cola{"comandos-orden": cola["comandos-orden"]}, false)
	i := h.Informe()
	if i.Arriba || len(i.Colas) != 1 || i.Colas[0].Pendientes != 0 || i.Colas[0].Ritmo != nil {
		t.Errorf("%+v", i)
	}
	if s := i.Colas[0].Serie.Pendientes; len(s) != 3 || s[1] == nil || *s[1] != 4 || s[2] != nil {
		t.Errorf("%v", s)
	}
	h.anotar(inicio.Add(Memoria+time.Minute), nil, true)
	if n := len(h.Informe().Instantes); n != 1 {
		t.Errorf("recuerda %d instantes", n)
	}
}
