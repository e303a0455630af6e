package compras_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/bff/compras"
	"entregas/bff/comprastest"
	"entregas/bff/dapr"
	"entregas/contracts"
	"entregas/internal/errs"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
)

const givenID = "01938f5e-7c1a-7000-8000-000000000001"

var (
	errDown      = errs.New(errs.Unavailable, "down")
	errNoSidecar = status.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial tcp"`)
)

// world is the core with small working fakes of gestor-compra, the broker and the store.
type world struct {
	*compras.Service
	manager *comprastest.Manager
	broker  *pubsubtest.Broker
	store   *comprastest.Store
}

func newWorld() world {
	m := world{manager: comprastest.NewManager(), broker: &pubsubtest.Broker{}, store: &comprastest.Store{}}
	m.Service = compras.New(m.manager, dapr.Commands{Publisher: pubsub.NewPublisher(m.broker, "bff")}, m.store)
	return m
}

func (m world) published(t *testing.T) []contracts.Message[contracts.DatosComandoGestorCompra] {
	t.Helper()
	return pubsubtest.Published(t, m.broker, contracts.ComandosGestorCompra)
}

func of(usuario string, lineas ...contracts.Linea) contracts.SolicitudCompra {
	if lineas == nil {
		lineas = []contracts.Linea{{IDProducto: "1", Cantidad: 2}}
	}
	return contracts.SolicitudCompra{IDUsuario: usuario, Productos: lineas}
}

// create fails the test if the error does not have the code want; "" stands for no error.
func (m world) create(t *testing.T, s contracts.SolicitudCompra, key string, want errs.Code) contracts.Aceptada {
	t.Helper()
	a, err := m.Create(t.Context(), s, key)
	require(t, err, want)
	return a
}

func require(t *testing.T, err error, want errs.Code) {
	t.Helper()
	if (err == nil) != (want == "") || (err != nil && errs.Of(err) != want) {
		t.Fatalf("got error %v, want %q", err, want)
	}
}

func TestCreate(t *testing.T) {
	cases := []struct {
		name      string
		given     func(m world)
		error     errs.Code
		calls     int // calls of gestor-compra
		has       int // purchases of gestor-compra afterwards
		published int
		known     int // purchases of the read model afterwards
	}{
		{"all is well", func(world) {}, "", 1, 1, 0, 1},
		{"gestor-compra does not answer", func(m world) { m.manager.GoDown() }, "", 1, 0, 1, 1},
		{"gestor-compra takes it and does not answer: it arrives twice, with one id", func(m world) { m.manager.Mute() }, "", 1, 1, 1, 1},
		{"it takes it without an answer, and the broker is away: nobody knows", func(m world) { m.manager.Mute(); m.broker.Fail(errDown) }, errs.OutcomeUnknown, 1, 1, 0, 1},
		{"the broker runs out of time: nobody knows", func(m world) { m.manager.GoDown(); m.broker.Fail(context.DeadlineExceeded) }, errs.OutcomeUnknown, 1, 0, 0, 1},
		{"gestor-compra is away and the broker fails: nobody knows", func(m world) { m.manager.GoDown(); m.broker.Fail(errDown) }, errs.OutcomeUnknown, 1, 0, 0, 1},
		{"neither gestor-compra nor the broker answers", func(m world) { m.manager.GoDown(); m.broker.Fail(errNoSidecar) }, errs.Unavailable, 1, 0, 0, 0},
		{"the store does not answer: gestor-compra takes it", func(m world) { m.store.Fail(errDown) }, "", 1, 1, 0, 0},
		{"neither the store nor gestor-compra", func(m world) { m.store.Fail(errDown); m.manager.GoDown() }, errs.Unavailable, 1, 0, 0, 0},
		{"gestor-compra refuses it", func(m world) { m.manager.Respond(errs.New(errs.Conflict, "no")) }, errs.Conflict, 1, 0, 0, 0},
		{"gestor-compra fails, and does answer", func(m world) { m.manager.Respond(errors.New("nil pointer")) }, errs.Internal, 1, 0, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := newWorld()
			c.given(m)
			a := m.create(t, of("ana"), "", c.error)
			if c.error == "" && (a.ID == "" || a.Estado != contracts.EstadoRecibida) {
				t.Errorf("respuesta %+v", a)
			}
			if n := m.manager.Calls(); n != c.calls {
				t.Errorf("got %d calls of gestor-compra, want %d", n, c.calls)
			}
			has, published, known := m.manager.Compras(), m.published(t), m.store.Keys("compra/")
			if len(has) != c.has || len(published) != c.published || len(known) != c.known {
				t.Errorf("got %d owned, %d published, %d known; want %d, %d, %d", len(has), len(published), len(known), c.has, c.published, c.known)
			}
			for _, p := range published {
				if p.Type != contracts.CrearCompra || p.Data.IDCompra != a.ID || p.Data.IDUsuario != "ana" || len(p.Data.Productos) != 1 {
					t.Errorf("published %+v", p)
				}
			}
			for _, d := range m.broker.Metadata(string(contracts.ComandosGestorCompra)) {
				if d["partitionKey"] != a.ID {
					t.Errorf("got key %q, want %s", d["partitionKey"], a.ID)
				}
			}
		})
	}
}

func TestCreateInvalid(t *testing.T) {
	m := newWorld()
	m.create(t, of("", contracts.Linea{IDProducto: "1"}), "clave", errs.Invalid)
	if m.manager.Calls() != 0 || len(m.published(t)) != 0 || len(m.store.Keys("")) != 0 {
		t.Error("something was called, published or stored")
	}
}

// home returns the purchase of a customer with home delivery to a street.
func home(usuario, calle string, lineas ...contracts.Linea) contracts.SolicitudCompra {
	s := of(usuario, lineas...)
	s.Domicilio, s.Direccion = true, &contracts.Direccion{Destinatario: usuario, Calle: calle, Ciudad: "Cali", Telefono: "5550100"}
	return s
}

// The read model has no address, and an event of the owner has none. Still, an address is part of what makes two purchases the same.
func TestSameID(t *testing.T) {
	other := home("ana", "Calle 1", contracts.Linea{IDProducto: "1", Cantidad: 3})
	unaddressed := home("ana", "Calle 1")
	unaddressed.Direccion = nil
	for _, c := range []struct {
		name   string
		second contracts.SolicitudCompra
		error  errs.Code
	}{
		{"the same", home("ana", "Calle 1"), ""},
		{"of another customer", home("beto", "Calle 1"), errs.Conflict},
		{"with another content", other, errs.Conflict},
		{"to another address", home("ana", "Calle 2"), errs.Conflict},
		{"to no address", unaddressed, errs.Conflict},
	} {
		for name, bringDown := range map[string]func(world){
			"up":   func(world) {},
			"down": func(m world) { m.manager.GoDown() },
			"down after its event": func(m world) {
				require(t, m.Register(t.Context(), m.manager.Compras()[0].Event().Compra()), "")
				m.manager.GoDown()
			},
		} {
			t.Run(c.name+", gestor-compra "+name, func(t *testing.T) {
				m := newWorld()
				first := home("ana", "Calle 1")
				first.ID, c.second.ID = givenID, givenID
				m.create(t, first, "", "")
				bringDown(m)
				m.create(t, c.second, "", c.error)
				if has := m.manager.Compras(); len(has) != 1 || has[0].IDUsuario != "ana" {
					t.Errorf("gestor-compra has %+v", has)
				}
				if l, err := m.Load(t.Context(), givenID); err != nil || l.Compra.IDUsuario != "ana" {
					t.Errorf("read %+v, %v", l, err)
				}
			})
		}
	}
}

// After the erasure of a purchase the read model has no trace of its address: any address is the same, as for the owner.
func TestSameIDAfterAnErasure(t *testing.T) {
	m := newWorld()
	first := home("ana", "Calle 1")
	first.ID = givenID
	m.create(t, first, "", "")
	c := m.manager.Advance(givenID, contracts.EstadoDespachada)
	require(t, m.Register(t.Context(), c.Event().Compra()), "")
	c.Historia = append(c.Historia, contracts.HechoContado{Numero: c.Numero() + 1, Paso: contracts.PasoBorrado, Tipo: string(contracts.BorrarDatos)})
	require(t, m.Register(t.Context(), c.Event().Compra()), "")
	values, err := m.store.Load(t.Context(), "compra/"+givenID)
	if err != nil || strings.Contains(string(values[0].Text), `"direccion"`) {
		t.Errorf("the read model has %s: %v", values[0].Text, err)
	}
	m.manager.GoDown()
	first.Direccion = nil
	m.create(t, first, "", "")
}

func TestIdempotency(t *testing.T) {
	t.Run("the same request twice is one purchase", func(t *testing.T) {
		m := newWorld()
		a, b := m.create(t, of("ana"), "k", ""), m.create(t, of("ana"), "k", "")
		if a.ID != b.ID || len(m.manager.Compras()) != 1 {
			t.Errorf("%s y %s", a.ID, b.ID)
		}
	})
	t.Run("another content is otro-cuerpo and changes nothing", func(t *testing.T) {
		m := newWorld()
		m.create(t, of("ana"), "k", "")
		m.create(t, of("ana", contracts.Linea{IDProducto: "2", Cantidad: 1}), "k", errs.OtherBody)
		if len(m.manager.Compras()) != 1 || m.manager.Calls() != 1 {
			t.Error("another purchase was taken")
		}
	})
	t.Run("a key belongs to its customer", func(t *testing.T) {
		m := newWorld()
		if a, b := m.create(t, of("ana"), "k", ""), m.create(t, of("beto"), "k", ""); a.ID == b.ID {
			t.Error("got the same id")
		}
	})
	t.Run("without an answer the first time, it is called again with the same id", func(t *testing.T) {
		m := newWorld()
		m.manager.Mute()
		m.broker.Fail(errDown)
		m.create(t, of("ana"), "k", errs.OutcomeUnknown)
		m.manager.Respond(nil)
		a := m.create(t, of("ana"), "k", "")
		if has := m.manager.Compras(); len(has) != 1 || has[0].ID != a.ID {
			t.Errorf("got %+v, want %s only", has, a.ID)
		}
	})
	t.Run("many at once are one", func(t *testing.T) {
		for _, bringDown := range []func(world){func(world) {}, func(m world) { m.manager.GoDown() }} {
			m := newWorld()
			bringDown(m)
			ids := sync.Map{}
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					a, err := m.Create(context.Background(), of("ana"), "k")
					if err != nil {
						t.Error(err)
					}
					ids.Store(a.ID, true)
				})
			}
			all.Wait()
			n := 0
			ids.Range(func(any, any) bool { n++; return true })
			if n != 1 {
				t.Errorf("%d ids", n)
			}
		}
	})
}

func TestListWithoutTheManager(t *testing.T) {
	m := newWorld()
	m.manager.GoDown()
	var all sync.WaitGroup
	for range 60 {
		all.Go(func() {
			if _, err := m.Create(context.Background(), of("ana"), ""); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	last := m.create(t, of("ana"), "", "")
	m.create(t, of("beto||"), "", "")

	page, err := m.OfUsuario(t.Context(), "ana", compras.DefaultPage, "")
	if err != nil || len(page.Compras) != compras.LatestOfList || page.Compras[0].ID != last.ID || !page.Age.SecondHand {
		t.Errorf("got %d purchases, %+v, %v", len(page.Compras), page.Age, err)
	}
	if page, err = m.OfUsuario(t.Context(), "ana", 3, ""); err != nil || len(page.Compras) != 3 {
		t.Errorf("got %d purchases, %v", len(page.Compras), err)
	}
	if page, err = m.OfUsuario(t.Context(), "nobody", 3, ""); err != nil || len(page.Compras) != 0 {
		t.Errorf("got %d purchases, %v", len(page.Compras), err)
	}
	_, err = m.OfUsuario(t.Context(), "ana", 3, "cursor")
	require(t, err, errs.Invalid)
}

// The pages of the read model continue one another like the pages of the owner. A cursor of the owner works in the read model and
// the reverse, when the owner goes away or comes back. No purchase is left out or repeated, and no list ends too early.
func TestSecondHandPages(t *testing.T) {
	for _, c := range []struct {
		name      string
		purchases int
		known     int            // purchases in the read model
		away      func(int) bool // whether the owner is away at this page
		estados   []contracts.Estado
	}{
		{"few, all second-hand", 7, 7, func(int) bool { return true }, nil},
		{"as many as a page, all second-hand", 6, 6, func(int) bool { return true }, nil},
		{"those in a state", 7, 7, func(int) bool { return true }, []contracts.Estado{contracts.EstadoRecibida}},
		{"the owner leaves", 7, 7, func(page int) bool { return page > 0 }, nil},
		{"the owner comes back", 7, 7, func(page int) bool { return page == 0 }, nil},
		{"it comes and goes, with more than are known here", 60, 60, func(page int) bool { return page%2 == 0 && page < 16 }, nil},
		{"more than are known here", 60, compras.LatestOfList, func(int) bool { return true }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newWorld()
			for range c.purchases {
				m.create(t, of("ana"), "", "")
			}
			m.create(t, of("eva"), "", "")
			var want, got []string
			for _, one := range slices.Backward(m.manager.Compras()) {
				told := one // the purchase as an event has it
				told.CreadaEn = one.CreadaEn.Truncate(time.Millisecond)
				require(t, m.Register(t.Context(), told), "")
				if one.IDUsuario == "ana" {
					want = append(want, one.ID)
				}
			}
			cursor, pages := "", 0
			for ; pages == 0 || cursor != ""; pages++ {
				if m.manager.Respond(nil); c.away(pages) {
					m.manager.GoDown()
				}
				page, err := m.OfUsuario(t.Context(), "ana", 3, cursor, c.estados...)
				if err != nil && len(got) == c.known && c.known < c.purchases {
					require(t, err, errs.Unavailable) // there are more purchases, and only the owner has them
					want = want[:c.known]
					break
				}
				require(t, err, "")
				if page.Age.SecondHand != c.away(pages) || len(page.Compras) == 0 || len(page.Compras) > 3 {
					t.Fatalf("page %d: %d purchases, %+v", pages, len(page.Compras), page.Age)
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

func TestListOfCompras(t *testing.T) {
	m := newWorld()
	for range 5 {
		m.create(t, of("ana"), "", "")
	}
	first, err := m.OfUsuario(t.Context(), "ana", 3, "")
	require(t, err, "")
	second, err := m.OfUsuario(t.Context(), "ana", 3, first.Siguiente)
	require(t, err, "")
	if len(first.Compras) != 3 || len(second.Compras) != 2 || second.Siguiente != "" || first.Age.SecondHand {
		t.Errorf("got %d and %d purchases, %q", len(first.Compras), len(second.Compras), second.Siguiente)
	}
	for _, limit := range []int{-1, 0, 101} {
		_, err := m.OfUsuario(t.Context(), "ana", limit, "")
		require(t, err, errs.Invalid)
	}
	_, err = m.OfUsuario(t.Context(), "", 3, "")
	require(t, err, errs.Invalid)
}
