package compras_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/internal/errores"
)

func TestLeer(t *testing.T) {
	casos := []struct {
		nombre string
		dado   func(m mundo)
		error  errores.Codigo
		estado contracts.Estado
		edad   bool
	}{
		{"de primera mano", func(m mundo) { crearDada(m); m.gestor.Avanzar(idDado, contracts.EstadoIniciada) }, "", contracts.EstadoIniciada, false},
		{"gestor-compra aún no la tiene", func(m mundo) { m.gestor.Caer(); crearDada(m); m.gestor.Responder(nil) }, "", contracts.EstadoRecibida, true},
		{"gestor-compra no responde", func(m mundo) {
			crearDada(m)
			_ = m.Registrar(context.Background(), m.gestor.Avanzar(idDado, contracts.EstadoIniciada))
			m.gestor.Caer()
		}, "", contracts.EstadoIniciada, true},
		{"nadie la conoce", func(mundo) {}, errores.NoEncontrado, "", false},
		{"no se conoce aquí y gestor-compra no responde: no se sabe", func(m mundo) { m.gestor.Caer() }, errores.NoDisponible, "", false},
		{"ni el almacén", func(m mundo) { m.gestor.Caer(); m.almacen.Fallar(errCaido) }, errores.NoDisponible, "", false},
		{"gestor-compra falla", func(m mundo) { crearDada(m); m.gestor.Responder(errores.Nuevo(errores.Interno, "x")) }, errores.Interno, "", false},
	}
	for _, c := range casos {
		t.Run(c.nombre, func(t *testing.T) {
			m := nuevoMundo()
			c.dado(m)
			l, err := m.Leer(t.Context(), idDado)
			exigir(t, err, c.error)
			if l.Compra.Estado != c.estado || l.Edad.DeSegundaMano != c.edad {
				t.Errorf("estado %s, edad %+v", l.Compra.Estado, l.Edad)
			}
		})
	}
	m := nuevoMundo()
	_, err := m.Leer(t.Context(), "../secretos")
	exigir(t, err, errores.Invalido)
	if m.gestor.Llamadas() != 0 {
		t.Error("se llamó a gestor-compra")
	}
}

func crearDada(m mundo) {
	s := de("ana")
	s.ID = idDado
	_, _ = m.Crear(context.Background(), s, "")
}

// pasos of a purchase, told by gestor-compra one after the other.
func contar(m mundo, pasos ...contracts.Estado) []contracts.Compra {
	crearDada(m)
	contadas := []contracts.Compra{m.gestor.Compras()[0]}
	for _, p := range pasos {
		contadas = append(contadas, m.gestor.Avanzar(idDado, p))
	}
	return contadas
}

var hastaConfirmada = []contracts.Estado{contracts.EstadoIniciada, contracts.EstadoProductosValidos, contracts.EstadoProductosReservados, contracts.EstadoConfirmada}

func TestRegistrarEnCualquierOrdenQuedaLaMasNueva(t *testing.T) {
	for range 50 {
		m := nuevoMundo()
		contadas := contar(m, hastaConfirmada...)
		contadas = append(contadas, contadas...) // each twice
		rand.Shuffle(len(contadas), func(i, j int) { contadas[i], contadas[j] = contadas[j], contadas[i] })
		var todas sync.WaitGroup
		for _, c := range contadas {
			todas.Go(func() {
				if err := m.Registrar(context.Background(), c); err != nil {
					t.Error(err)
				}
			})
		}
		todas.Wait()
		c, err := m.Conocida(t.Context(), idDado)
		if err != nil || c == nil || c.Estado != contracts.EstadoConfirmada || c.Numero() != 5 {
			t.Fatalf("queda %+v, %v", c, err)
		}
	}
}

func TestRegistrarLoQueNoPasoPorAqui(t *testing.T) {
	m := nuevoMundo()
	c := contracts.Compra{
		SolicitudCompra: contracts.SolicitudCompra{ID: idDado, IDUsuario: "ana"}, Estado: contracts.EstadoRecibida, CreadaEn: time.Now(),
		Historia: []contracts.HechoContado{{Numero: 1, Paso: "RECIBIDA"}},
	}
	m.almacen.Fallar(errCaido)
	exigir(t, m.Registrar(t.Context(), c), errores.NoDisponible)
	m.almacen.Fallar(nil)
	exigir(t, m.Registrar(t.Context(), c), "")
	m.gestor.Caer()
	pagina, err := m.DeUsuario(t.Context(), "ana", compras.PaginaNormal, "")
	if err != nil || len(pagina.Compras) != 1 || pagina.Compras[0].ID != idDado {
		t.Errorf("%+v, %v", pagina, err)
	}
}

func TestEdad(t *testing.T) {
	m := nuevoMundo()
	m.gestor.Caer()
	crearDada(m)
	m.Reloj(func() time.Time { return time.Now().Add(90 * time.Second) })
	l, err := m.Leer(t.Context(), idDado)
	if err != nil || l.Edad.Segundos < 89 || l.Edad.Segundos > 91 {
		t.Errorf("%+v, %v", l.Edad, err)
	}
}

func TestCambiosDesde(t *testing.T) {
	m := nuevoMundo()
	contadas := contar(m, hastaConfirmada...)
	c := contadas[len(contadas)-1]
	c.IDOrden = "o-1"
	for _, caso := range []struct {
		desde   int
		numeros []int
	}{
		{-1, []int{1, 2, 3, 4, 5}}, {0, []int{1, 2, 3, 4, 5}}, {3, []int{4, 5}}, {5, nil}, {9, nil},
	} {
		cambios := compras.CambiosDesde(c, caso.desde)
		if len(cambios) != len(caso.numeros) {
			t.Fatalf("desde %d: %d cambios", caso.desde, len(cambios))
		}
		for i, cambio := range cambios {
			asi, ultimo := cambio.Compra, cambio.Numero == 5
			if cambio.Numero != caso.numeros[i] || asi.Numero() != cambio.Numero || asi.Estado != contadas[cambio.Numero-1].Estado || (asi.IDOrden != "") != ultimo {
				t.Errorf("desde %d: cambio %d es %+v", caso.desde, i, cambio)
			}
		}
	}
	sinContar := contracts.Compra{Estado: contracts.EstadoRecibida}
	if n := compras.CambiosDesde(sinContar, -1); len(n) != 1 || n[0].Numero != 0 {
		t.Errorf("%+v", n)
	}
	if n := compras.CambiosDesde(sinContar, 0); len(n) != 0 {
		t.Errorf("%+v", n)
	}
	deshecha := contracts.Compra{Estado: contracts.EstadoCancelada, Historia: []contracts.HechoContado{
		{Numero: 1, Paso: "COMPENSANDO"}, {Numero: 2, Paso: "ReservaLiberada"}, {Numero: 3, Paso: "CANCELADA"},
	}}
	if n := compras.CambiosDesde(deshecha, 1); n[0].Compra.Estado != contracts.EstadoCompensando {
		t.Errorf("lo deshecho no es un estado: %+v", n[0])
	}
}
