package compras_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/comprastest"
	"entregas/services/bff/dapr"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
)

const idDado = "01938f5e-7c1a-7000-8000-000000000001"

var (
	errCaido     = errores.Nuevo(errores.NoDisponible, "caído")
	errNoSidecar = status.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial tcp"`)
)

// mundo is the core on small real fakes.
type mundo struct {
	*compras.Servicio
	gestor  *comprastest.Gestor
	broker  *pubsubtest.Broker
	almacen *comprastest.Almacen
}

func nuevoMundo() mundo {
	m := mundo{gestor: comprastest.NewGestor(), broker: &pubsubtest.Broker{}, almacen: &comprastest.Almacen{}}
	m.Servicio = compras.Nuevo(m.gestor, dapr.Comandos{Publicador: pubsub.NuevoPublicador(m.broker, "bff")}, m.almacen)
	return m
}

func (m mundo) publicadas(t *testing.T) []contracts.Mensaje[contracts.DatosComandoGestorCompra] {
	t.Helper()
	return pubsubtest.Publicados(t, m.broker, contracts.ComandosGestorCompra)
}

func de(usuario string, lineas ...contracts.Linea) contracts.SolicitudCompra {
	if lineas == nil {
		lineas = []contracts.Linea{{IDProducto: "1", Cantidad: 2}}
	}
	return contracts.SolicitudCompra{IDUsuario: usuario, Productos: lineas}
}

// crear requires the code that the error has, "" for none.
func (m mundo) crear(t *testing.T, s contracts.SolicitudCompra, clave string, quiero errores.Codigo) contracts.Aceptada {
	t.Helper()
	a, err := m.Crear(t.Context(), s, clave)
	exigir(t, err, quiero)
	return a
}

func exigir(t *testing.T, err error, quiero errores.Codigo) {
	t.Helper()
	if (err == nil) != (quiero == "") || (err != nil && errores.De(err) != quiero) {
		t.Fatalf("error %v, quiero %q", err, quiero)
	}
}

func TestCrear(t *testing.T) {
	casos := []struct {
		nombre     string
		dado       func(m mundo)
		error      errores.Codigo
		llamadas   int // of gestor-compra
		tiene      int // purchases that gestor-compra has then
		publicadas int
		conocidas  int // purchases that are known here then
	}{
		{"todo bien", func(mundo) {}, "", 1, 1, 0, 1},
		{"gestor-compra no responde", func(m mundo) { m.gestor.Caer() }, "", 1, 0, 1, 1},
		{"gestor-compra la toma y no responde: llega dos veces, con el mismo id", func(m mundo) { m.gestor.Enmudecer() }, "", 1, 1, 1, 1},
		{"it takes it without an answer, and the broker is away: nobody knows", func(m mundo) { m.gestor.Enmudecer(); m.broker.Fallar(errCaido) }, errores.OutcomeUnknown, 1, 1, 0, 1},
		{"the broker runs out of time: nobody knows", func(m mundo) { m.gestor.Caer(); m.broker.Fallar(context.DeadlineExceeded) }, errores.OutcomeUnknown, 1, 0, 0, 1},
		{"gestor-compra is away and the broker fails: nobody knows", func(m mundo) { m.gestor.Caer(); m.broker.Fallar(errCaido) }, errores.OutcomeUnknown, 1, 0, 0, 1},
		{"ni gestor-compra ni el broker", func(m mundo) { m.gestor.Caer(); m.broker.Fallar(errNoSidecar) }, errores.NoDisponible, 1, 0, 0, 0},
		{"the store does not answer: gestor-compra takes it", func(m mundo) { m.almacen.Fallar(errCaido) }, "", 1, 1, 0, 0},
		{"neither the store nor gestor-compra", func(m mundo) { m.almacen.Fallar(errCaido); m.gestor.Caer() }, errores.NoDisponible, 1, 0, 0, 0},
		{"gestor-compra la rechaza", func(m mundo) { m.gestor.Responder(errores.Nuevo(errores.Conflicto, "no")) }, errores.Conflicto, 1, 0, 0, 0},
		{"gestor-compra falla: no es que no responda", func(m mundo) { m.gestor.Responder(errors.New("nil pointer")) }, errores.Interno, 1, 0, 0, 0},
	}
	for _, c := range casos {
		t.Run(c.nombre, func(t *testing.T) {
			m := nuevoMundo()
			c.dado(m)
			a := m.crear(t, de("ana"), "", c.error)
			if c.error == "" && (a.ID == "" || a.Estado != contracts.EstadoRecibida) {
				t.Errorf("respuesta %+v", a)
			}
			if n := m.gestor.Llamadas(); n != c.llamadas {
				t.Errorf("%d llamadas a gestor-compra, quiero %d", n, c.llamadas)
			}
			tiene, publicadas, conocidas := m.gestor.Compras(), m.publicadas(t), m.almacen.Claves("compra/")
			if len(tiene) != c.tiene || len(publicadas) != c.publicadas || len(conocidas) != c.conocidas {
				t.Errorf("tiene %d, publicadas %d, conocidas %d; quiero %d, %d, %d", len(tiene), len(publicadas), len(conocidas), c.tiene, c.publicadas, c.conocidas)
			}
			for _, p := range publicadas {
				if p.Type != contracts.CrearCompra || p.Data.IDCompra != a.ID || p.Data.IDUsuario != "ana" || len(p.Data.Productos) != 1 {
					t.Errorf("publicada %+v", p)
				}
			}
			for _, d := range m.broker.Metadatos(string(contracts.ComandosGestorCompra)) {
				if d["partitionKey"] != a.ID {
					t.Errorf("clave %q, quiero %s", d["partitionKey"], a.ID)
				}
			}
		})
	}
}

func TestCrearInvalida(t *testing.T) {
	m := nuevoMundo()
	m.crear(t, de("", contracts.Linea{IDProducto: "1"}), "clave", errores.Invalido)
	if m.gestor.Llamadas() != 0 || len(m.publicadas(t)) != 0 || len(m.almacen.Claves("")) != 0 {
		t.Error("algo se llamó, se publicó o se guardó")
	}
}

func TestMismoID(t *testing.T) {
	otra := de("ana", contracts.Linea{IDProducto: "1", Cantidad: 3})
	for _, c := range []struct {
		nombre  string
		segunda contracts.SolicitudCompra
		error   errores.Codigo
	}{
		{"la misma", de("ana"), ""},
		{"de otro usuario", de("beto"), errores.Conflicto},
		{"con otro contenido", otra, errores.Conflicto},
	} {
		for nombre, caer := range map[string]func(mundo){
			"en pie": func(mundo) {},
			"caído":  func(m mundo) { m.gestor.Caer() },
		} {
			t.Run(c.nombre+", gestor-compra "+nombre, func(t *testing.T) {
				m := nuevoMundo()
				primera := de("ana")
				primera.ID, c.segunda.ID = idDado, idDado
				m.crear(t, primera, "", "")
				caer(m)
				m.crear(t, c.segunda, "", c.error)
				if tiene := m.gestor.Compras(); len(tiene) != 1 || tiene[0].IDUsuario != "ana" {
					t.Errorf("tiene %+v", tiene)
				}
				if l, err := m.Leer(t.Context(), idDado); err != nil || l.Compra.IDUsuario != "ana" {
					t.Errorf("se lee %+v, %v", l, err)
				}
			})
		}
	}
}

func TestIdempotencia(t *testing.T) {
	t.Run("lo mismo dos veces es una compra", func(t *testing.T) {
		m := nuevoMundo()
		a, b := m.crear(t, de("ana"), "k", ""), m.crear(t, de("ana"), "k", "")
		if a.ID != b.ID || len(m.gestor.Compras()) != 1 {
			t.Errorf("%s y %s", a.ID, b.ID)
		}
	})
	t.Run("con otro contenido es otro-cuerpo y no cambia nada", func(t *testing.T) {
		m := nuevoMundo()
		m.crear(t, de("ana"), "k", "")
		m.crear(t, de("ana", contracts.Linea{IDProducto: "2", Cantidad: 1}), "k", errores.OtroCuerpo)
		if len(m.gestor.Compras()) != 1 || m.gestor.Llamadas() != 1 {
			t.Error("se tomó otra")
		}
	})
	t.Run("la clave es de cada usuario", func(t *testing.T) {
		m := nuevoMundo()
		if a, b := m.crear(t, de("ana"), "k", ""), m.crear(t, de("beto"), "k", ""); a.ID == b.ID {
			t.Error("el mismo id")
		}
	})
	t.Run("sin respuesta la primera vez, se llama de nuevo con el mismo id", func(t *testing.T) {
		m := nuevoMundo()
		m.gestor.Enmudecer()
		m.broker.Fallar(errCaido)
		m.crear(t, de("ana"), "k", errores.OutcomeUnknown)
		m.gestor.Responder(nil)
		a := m.crear(t, de("ana"), "k", "")
		if tiene := m.gestor.Compras(); len(tiene) != 1 || tiene[0].ID != a.ID {
			t.Errorf("tiene %+v, quiero solo %s", tiene, a.ID)
		}
	})
	t.Run("muchas a la vez son una", func(t *testing.T) {
		for _, caer := range []func(mundo){func(mundo) {}, func(m mundo) { m.gestor.Caer() }} {
			m := nuevoMundo()
			caer(m)
			ids := sync.Map{}
			var todas sync.WaitGroup
			for range 50 {
				todas.Go(func() {
					a, err := m.Crear(context.Background(), de("ana"), "k")
					if err != nil {
						t.Error(err)
					}
					ids.Store(a.ID, true)
				})
			}
			todas.Wait()
			n := 0
			ids.Range(func(any, any) bool { n++; return true })
			if n != 1 {
				t.Errorf("%d ids", n)
			}
		}
	})
}

func TestListaSinGestor(t *testing.T) {
	m := nuevoMundo()
	m.gestor.Caer()
	var todas sync.WaitGroup
	for range 60 {
		todas.Go(func() {
			if _, err := m.Crear(context.Background(), de("ana"), ""); err != nil {
				t.Error(err)
			}
		})
	}
	todas.Wait()
	ultima := m.crear(t, de("ana"), "", "")
	m.crear(t, de("beto||"), "", "")

	pagina, err := m.DeUsuario(t.Context(), "ana", compras.PaginaNormal, "")
	if err != nil || len(pagina.Compras) != compras.UltimasDeLista || pagina.Compras[0].ID != ultima.ID || !pagina.Edad.DeSegundaMano {
		t.Errorf("%d compras, %+v, %v", len(pagina.Compras), pagina.Edad, err)
	}
	if pagina, err = m.DeUsuario(t.Context(), "ana", 3, ""); err != nil || len(pagina.Compras) != 3 {
		t.Errorf("%d compras, %v", len(pagina.Compras), err)
	}
	if pagina, err = m.DeUsuario(t.Context(), "nadie", 3, ""); err != nil || len(pagina.Compras) != 0 {
		t.Errorf("%d compras, %v", len(pagina.Compras), err)
	}
	_, err = m.DeUsuario(t.Context(), "ana", 3, "cursor")
	exigir(t, err, errores.Invalido)
}

// Second-hand pages follow one another as the owner's do, and lead from the one to the other whenever the owner leaves or
// comes back: nothing is left out, nothing is told twice, and no page ends a list that goes on.
func TestSecondHandPages(t *testing.T) {
	for _, c := range []struct {
		name      string
		purchases int
		known     int            // of them, while the owner is away
		away      func(int) bool // whether the owner is away at this page
		estados   []contracts.Estado
	}{
		{"few, all second-hand", 7, 7, func(int) bool { return true }, nil},
		{"as many as a page, all second-hand", 6, 6, func(int) bool { return true }, nil},
		{"those in a state", 7, 7, func(int) bool { return true }, []contracts.Estado{contracts.EstadoRecibida}},
		{"the owner leaves", 7, 7, func(page int) bool { return page > 0 }, nil},
		{"the owner comes back", 7, 7, func(page int) bool { return page == 0 }, nil},
		{"it comes and goes, with more than are known here", 60, 60, func(page int) bool { return page%2 == 0 && page < 16 }, nil},
		{"more than are known here", 60, compras.UltimasDeLista, func(int) bool { return true }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := nuevoMundo()
			for range c.purchases {
				m.crear(t, de("ana"), "", "")
			}
			m.crear(t, de("eva"), "", "")
			var want, got []string
			for _, one := range slices.Backward(m.gestor.Compras()) {
				told := one // as an event tells it
				told.CreadaEn = one.CreadaEn.Truncate(time.Millisecond)
				exigir(t, m.Registrar(t.Context(), told), "")
				if one.IDUsuario == "ana" {
					want = append(want, one.ID)
				}
			}
			cursor, pages := "", 0
			for ; pages == 0 || cursor != ""; pages++ {
				if m.gestor.Responder(nil); c.away(pages) {
					m.gestor.Caer()
				}
				page, err := m.DeUsuario(t.Context(), "ana", 3, cursor, c.estados...)
				if err != nil && len(got) == c.known && c.known < c.purchases {
					exigir(t, err, errores.NoDisponible) // there are more, and nobody here knows them
					want = want[:c.known]
					break
				}
				exigir(t, err, "")
				if page.Edad.DeSegundaMano != c.away(pages) || len(page.Compras) == 0 || len(page.Compras) > 3 {
					t.Fatalf("page %d: %d purchases, %+v", pages, len(page.Compras), page.Edad)
				}
				for _, one := range page.Compras {
					got = append(got, one.ID)
				}
				cursor = page.Siguiente
			}
			if !slices.Equal(got, want) {
				t.Errorf("after %d pages:\n%v\nwant\n%v", pages, got, want)
			}
		})
	}
}

func TestLista(t *testing.T) {
	m := nuevoMundo()
	for range 5 {
		m.crear(t, de("ana"), "", "")
	}
	primera, err := m.DeUsuario(t.Context(), "ana", 3, "")
	exigir(t, err, "")
	segunda, err := m.DeUsuario(t.Context(), "ana", 3, primera.Siguiente)
	exigir(t, err, "")
	if len(primera.Compras) != 3 || len(segunda.Compras) != 2 || segunda.Siguiente != "" || primera.Edad.DeSegundaMano {
		t.Errorf("%d y %d compras, %q", len(primera.Compras), len(segunda.Compras), segunda.Siguiente)
	}
	for _, limite := range []int{-1, 0, 101} {
		_, err := m.DeUsuario(t.Context(), "ana", limite, "")
		exigir(t, err, errores.Invalido)
	}
	_, err = m.DeUsuario(t.Context(), "", 3, "")
	exigir(t, err, errores.Invalido)
}
