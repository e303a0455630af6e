package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/tests/cliente"
	. "entregas/tests/prueba"
)

// seguir listens to a purchase's stream after ultimo until hasta is told, and gives the numbers and the last step of each event.
func seguir(t *testing.T, s *Sistema, id, ultimo string, hasta contracts.Estado) (numeros, pasos []string) {
	t.Helper()
	ctx, soltar := context.WithTimeout(t.Context(), Plazo)
	defer soltar()
	err := s.BFF.Eventos(ctx, "/compras/"+id+"/eventos", ultimo, func(e cliente.Evento) error {
		if e.Comentario {
			return nil
		}
		var c contracts.Compra
		if err := json.Unmarshal([]byte(e.Datos), &c); err != nil {
			return err
		}
		if e.Nombre != "estado" || c.ID != id || fmt.Sprint(c.Numero()) != e.ID {
			t.Errorf("evento %s %s: %.300s", e.ID, e.Nombre, e.Datos)
		}
		if c.Numero() == 0 { // known to the bff only, so far
			return nil
		}
		numeros, pasos = append(numeros, e.ID), append(pasos, Pasos(c)[len(c.Historia)-1])
		if c.Estado == hasta {
			return cliente.ErrBasta
		}
		return nil
	})
	if err != nil {
		t.Fatalf("flujo de %s después de %q: %v (se vio %v)", id, ultimo, err, pasos)
	}
	return numeros, pasos
}

func TestEnVivo(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"1": 10})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}})
	todos := []string{"RECIBIDA", "INICIADA", "PRODUCTOS_VALIDOS", "PRODUCTOS_RESERVADOS", "CONFIRMADA"}
	if numeros, pasos := seguir(t, s, id, "", contracts.EstadoConfirmada); !slices.Equal(pasos, todos) || !slices.Equal(numeros, []string{"1", "2", "3", "4", "5"}) {
		t.Errorf("en vivo: %v %v", numeros, pasos)
	}
	if _, pasos := seguir(t, s, id, "3", contracts.EstadoConfirmada); !slices.Equal(pasos, todos[3:]) {
		t.Errorf("después del 3: %v", pasos)
	}
	r, err := s.BFF.Pedir(t.Context(), http.MethodGet, "/compras/"+id+"/eventos", nil, cliente.Cabecera{Nombre: "Last-Event-ID", Valor: "tres"})
	if err != nil {
		t.Fatal(err)
	}
	esProblema(t, "Last-Event-ID que no es número", r, http.StatusBadRequest, "Last-Event-ID")
}

// The stream of a purchase that can change no more tells what happened and ends; asked again, it says that there is no more.
func TestEnVivoTermina(t *testing.T) {
	s := Abrir(t)
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("llama", 1)}})
	numeros, pasos := seguir(t, s, id, "", contracts.EstadoRechazada)
	if !slices.Equal(pasos, []string{"RECIBIDA", "INICIADA", "RECHAZADA"}) {
		t.Errorf("en vivo: %v", pasos)
	}
	ctx, soltar := context.WithTimeout(t.Context(), Plazo)
	defer soltar()
	if err := s.BFF.Eventos(ctx, "/compras/"+id+"/eventos", "", func(cliente.Evento) error { return nil }); err != nil {
		t.Errorf("el flujo no terminó: %v", err)
	}
	r, err := s.BFF.Pedir(ctx, http.MethodGet, "/compras/"+id+"/eventos", nil, cliente.Cabecera{Nombre: "Last-Event-ID", Valor: numeros[len(numeros)-1]})
	if err != nil || r.Estado != http.StatusNoContent {
		t.Errorf("después de todo respondió %d, %v", r.Estado, err)
	}
}

// Many listen to one purchase, and each is told everything.
func TestMuchosOyentes(t *testing.T) {
	s := Abrir(t)
	s.Surtir(t, map[string]int{"1": 10})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 1)}})
	vistos := make(chan int, 50)
	for range cap(vistos) {
		go func() {
			ctx, soltar := context.WithTimeout(t.Context(), Plazo)
			defer soltar()
			ultimo := 0
			err := s.BFF.Seguir(ctx, id, func(c contracts.Compra) error {
				ultimo = c.Numero()
				if c.Estado == contracts.EstadoConfirmada {
					return cliente.ErrBasta
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			vistos <- ultimo
		}()
	}
	for range cap(vistos) {
		if n := <-vistos; n != 5 {
			t.Errorf("un oyente llegó al cambio %d", n)
		}
	}
}

// A stream that is cut goes on where it was, on a connection of its own and over a restart of the bff: nothing is missed, nothing
// told twice.
func TestEnVivoSigueTrasUnCorte(t *testing.T) {
	s := ParaRomper(t)
	s.Surtir(t, map[string]int{"1": 200})
	id := s.Comprar(t, contracts.SolicitudCompra{IDUsuario: Usuario(t), Productos: []contracts.Linea{Linea("1", 101)}})
	var numeros, pasos []string
	ctx, soltar := context.WithTimeout(t.Context(), Plazo)
	defer soltar()
	err := s.BFF.Eventos(ctx, "/compras/"+id+"/eventos", "", func(e cliente.Evento) error {
		var c contracts.Compra
		if e.Comentario || json.Unmarshal([]byte(e.Datos), &c) != nil || c.Numero() == 0 {
			return nil
		}
		numeros, pasos = append(numeros, e.ID), append(pasos, Pasos(c)[len(c.Historia)-1])
		if c.Numero() == 2 {
			return cliente.ErrBasta // and hangs up
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n, p := seguir(t, s, id, numeros[len(numeros)-1], contracts.EstadoPorAprobar)
	numeros, pasos = append(numeros, n...), append(pasos, p...)
	cortado := make(chan error, 1)
	go func() { // it listens while the bff is restarted
		cortado <- s.BFF.Eventos(ctx, "/compras/"+id+"/eventos", numeros[len(numeros)-1], func(cliente.Evento) error { return nil })
	}()
	s.Orden(t, "restart", "bff")
	if err := <-cortado; err != nil {
		t.Log("cortado:", err)
	}
	if _, err := s.BFF.Decidir(ctx, id, true, ""); err != nil {
		t.Fatal(err)
	}
	n, p = seguir(t, s, id, numeros[len(numeros)-1], contracts.EstadoConfirmada)
	numeros, pasos = append(numeros, n...), append(pasos, p...)
	todos := []string{"RECIBIDA", "INICIADA", "PRODUCTOS_VALIDOS", "PRODUCTOS_RESERVADOS", "POR_APROBAR", "Aprobacion", "CONFIRMADA"}
	if !slices.Equal(pasos, todos) {
		t.Errorf("se vio %v %v", numeros, pasos)
	}
	for i, n := range numeros {
		if n != fmt.Sprint(i+1) {
			t.Errorf("números %v", numeros)
			break
		}
	}
}
