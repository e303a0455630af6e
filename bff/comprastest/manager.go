package comprastest

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"entregas/bff/compras"
	"entregas/bff/dapr"
	"entregas/bff/optional"
	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/api/gestorcompra"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// Manager keeps purchases in memory by the rules of gestor-compra. It serves the interface of gestor-compra, and embeds the bff's
// own client of that interface, so that a test calls it as the bff does.
type Manager struct {
	dapr.Manager
	mu        sync.Mutex
	compras   []contracts.Compra // newest last
	calls     int
	decided   map[string]decision
	hindrance func() (act bool, err error)
	maxOpen   int
	Acts      Acts
}

// ListarActosDeCompras implements gestorcompra.ServerInterface.
func (m *Manager) ListarActosDeCompras(w http.ResponseWriter, r *http.Request, params gestorcompra.ListarActosDeComprasParams) {
	m.Acts.Serve(w, r, contracts.ActosQuery(params))
}

var _ gestorcompra.ServerInterface = (*Manager)(nil)

// NewManager returns a Manager without purchases.
func NewManager() *Manager {
	g := &Manager{}
	g.Manager = dapr.Manager{Service: Serve("gestor-compra", g.call, func(routes *mux.Router) {
		gestorcompra.HandlerWithOptions(g, gestorcompra.GorillaServerOptions{BaseRouter: routes})
	})}
	return g
}

// MaxOpen lets a customer have at most n purchases.
func (m *Manager) MaxOpen(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.maxOpen = n
}

// GoDown makes every further call fail before it is sent, with Unavailable and compras.ErrNotDone.
func (m *Manager) GoDown() {
	m.put(func() (bool, error) {
		return false, &errs.Error{Code: errs.Unavailable, Message: "gestor-compra no responde", Cause: compras.ErrNotDone}
	})
}

// Mute makes every further call succeed without an answer.
func (m *Manager) Mute() { m.put(func() (bool, error) { return true, noReply() }) }

// MuteOnce makes the next call succeed without an answer. Later calls are answered.
func (m *Manager) MuteOnce() {
	first := true
	m.put(func() (bool, error) {
		if !first {
			return true, nil
		}
		first = false
		return true, noReply()
	})
}

// Respond makes every further call do nothing and answer err. With a nil err the calls work again.
func (m *Manager) Respond(err error) { m.put(func() (bool, error) { return err == nil, err }) }

func noReply() error {
	return errs.New(errs.Unavailable, "gestor-compra no responde")
}

func (m *Manager) put(hindrance func() (bool, error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hindrance = hindrance
}

// Calls returns how often m was called.
func (m *Manager) Calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

// Compras returns the purchases of m, oldest first.
func (m *Manager) Compras() []contracts.Compra {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.compras)
}

// Advance moves a purchase to the state step, with an entry in its history, and returns it.
func (m *Manager) Advance(id string, step contracts.Estado) contracts.Compra {
	return m.AdvanceBy(contracts.Actor{}, id, step)
}

// AdvanceBy is Advance by a person, whom the history names.
func (m *Manager) AdvanceBy(who contracts.Actor, id string, step contracts.Estado) contracts.Compra {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &m.compras[m.search(id)]
	c.Estado, c.ActualizadaEn = step, now()
	c.Historia = append(slices.Clone(c.Historia), contracts.HechoContado{Numero: len(c.Historia) + 1, Paso: string(step), Tipo: "Prueba", En: c.ActualizadaEn, Sujeto: who.Sujeto, Rol: who.Rol})
	return *c
}

// now returns the time with the precision of an answer: milliseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// CrearCompra implements gestorcompra.ServerInterface.
func (m *Manager) CrearCompra(w http.ResponseWriter, r *http.Request) {
	s, err := rest.Read[contracts.SolicitudCompra](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	a, err := m.take(s, actor.Of(r.Context()))
	rest.Answer(w, r, http.StatusAccepted, a, err)
}

func (m *Manager) take(s contracts.SolicitudCompra, who contracts.Actor) (contracts.Aceptada, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.search(s.ID); i >= 0 {
		c := m.compras[i]
		if !c.IsSame(s) {
			return contracts.Aceptada{}, errs.New(errs.Conflict, "Ya existe la compra %s con otro contenido.", s.ID)
		}
		return accepted(&c), nil
	}
	open := 0
	for _, c := range m.compras {
		if c.IDUsuario == s.IDUsuario {
			open++
		}
	}
	if m.maxOpen > 0 && open >= m.maxOpen {
		return contracts.Aceptada{}, errs.New(errs.Conflict, "El cliente ya tiene %d compras abiertas, y puede tener a lo sumo %[1]d.", m.maxOpen)
	}
	now := now()
	m.compras = append(m.compras, contracts.Compra{
		SolicitudCompra: s, Codigo: contracts.NewCodigo(), Estado: contracts.EstadoRecibida,
		CreadaEn: now, ActualizadaEn: now, Historia: []contracts.HechoContado{{Numero: 1, Paso: string(contracts.EstadoRecibida), Tipo: "CrearCompra", En: now, Sujeto: who.Sujeto, Rol: who.Rol}},
	})
	return accepted(&m.compras[len(m.compras)-1]), nil
}

// LeerCodigo implements gestorcompra.ServerInterface.
func (m *Manager) LeerCodigo(w http.ResponseWriter, r *http.Request, codigo string) {
	for _, c := range m.Compras() {
		if c.Codigo == codigo {
			rest.Write(w, http.StatusOK, contracts.CompraDeCodigo{ID: c.ID, IDUsuario: c.IDUsuario})
			return
		}
	}
	rest.WriteError(w, r, errs.New(errs.NotFound, "No existe la compra %s.", contracts.FormatCodigo(codigo)))
}

// LeerCompra implements gestorcompra.ServerInterface.
func (m *Manager) LeerCompra(w http.ResponseWriter, r *http.Request, id string) {
	m.change(w, r, id, func(c *contracts.Compra) (int, any, error) { return http.StatusOK, c, nil })
}

// change calls do with the purchase id and answers its result.
func (m *Manager) change(w http.ResponseWriter, r *http.Request, id string, do func(c *contracts.Compra) (status int, v any, err error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.search(id)
	if i < 0 {
		rest.WriteError(w, r, errs.New(errs.NotFound, "No existe la compra %s.", id))
		return
	}
	status, v, err := do(&m.compras[i])
	rest.Answer(w, r, status, v, err)
}

func accepted(c *contracts.Compra) contracts.Aceptada {
	return contracts.Aceptada{ID: c.ID, Codigo: c.Codigo, Estado: c.Estado}
}

// CancelarCompra implements gestorcompra.ServerInterface. There is no saga here: a RECIBIDA is cancelled at once.
func (m *Manager) CancelarCompra(w http.ResponseWriter, r *http.Request, id string) {
	request, err := rest.ReadOptional[contracts.Cancelacion](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	m.change(w, r, id, func(c *contracts.Compra) (int, any, error) {
		switch c.Estado {
		case contracts.EstadoCancelada, contracts.EstadoCompensando:
			return http.StatusOK, accepted(c), nil
		case contracts.EstadoDespachada, contracts.EstadoRechazada, contracts.EstadoFallida:
			return 0, nil, errs.New(errs.Conflict, "Ya no se puede cancelar.")
		case contracts.EstadoRecibida:
			c.Estado, c.Motivo = contracts.EstadoCancelada, request.Motivo
			return http.StatusOK, accepted(c), nil
		}
		return http.StatusAccepted, accepted(c), nil
	})
}

// DecidirCompra implements gestorcompra.ServerInterface.
func (m *Manager) DecidirCompra(w http.ResponseWriter, r *http.Request, id string) {
	request, err := rest.Read[contracts.Aprobacion](w, r)
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	m.change(w, r, id, func(c *contracts.Compra) (int, any, error) {
		d := decision{*request.Aprobada, request.Motivo}
		if before, decided := m.decided[id]; decided && before == d {
			return http.StatusOK, accepted(c), nil
		}
		if c.Estado != contracts.EstadoPorAprobar {
			return 0, nil, errs.New(errs.Conflict, "La compra no espera aprobación.")
		}
		if c.Estado = contracts.EstadoConfirmada; !d.aprobada {
			c.Estado, c.Motivo = contracts.EstadoRechazada, d.motivo
		}
		if m.decided == nil {
			m.decided = map[string]decision{}
		}
		m.decided[id] = d
		return http.StatusOK, accepted(c), nil
	})
}

type decision struct {
	aprobada bool
	motivo   string
}

func (m *Manager) call(*http.Request) (act bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.hindrance == nil {
		return true, nil
	}
	return m.hindrance()
}

func (m *Manager) search(id string) int {
	return slices.IndexFunc(m.compras, func(c contracts.Compra) bool { return c.ID == id })
}

// ListarCompras implements gestorcompra.ServerInterface. Its cursors have the form of the cursors of gestor-compra.
func (m *Manager) ListarCompras(w http.ResponseWriter, r *http.Request, params gestorcompra.ListarComprasParams) {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := contracts.ComprasQuery{
		Texto: optional.Or(params.Texto, ""), Estados: optional.Or(params.Estado, nil), IDUsuario: optional.Or(params.IdUsuario, ""),
		IDProducto: optional.Or(params.IdProducto, ""), Domicilio: params.Domicilio, Desde: optional.Or(params.Desde, ""), Hasta: optional.Or(params.Hasta, ""),
		CambiadaDesde: optional.Or(params.CambiadaDesde, ""), Orden: optional.Or(params.Orden, ""), Despues: optional.Or(params.Despues, ""),
	}
	f, after, err := asked.Parse()
	if err != nil {
		rest.WriteError(w, r, err)
		return
	}
	found := slices.DeleteFunc(slices.Clone(m.compras), func(c contracts.Compra) bool { return !matches(f, c) })
	slices.SortStableFunc(found, func(a, b contracts.Compra) int { return before(f.Criterio, a, b) })
	for i := range found {
		found[i].Direccion = nil // a list has no addresses
	}
	from := 1 + slices.IndexFunc(found, func(c contracts.Compra) bool { return c.ID == after.ID })
	to := min(len(found), from+*params.Limite)
	page := contracts.PaginaDeCompras{Compras: found[from:to]}
	if to < len(found) {
		page.Siguiente = f.Criterio.Cursor(found[to-1]).String()
	}
	if optional.Or(params.Contar, false) {
		page.Cuantas, page.HayMas = new(min(len(found), contracts.MaxContadas)), len(found) > contracts.MaxContadas
	}
	rest.Write(w, http.StatusOK, page)
}

// matches reports whether f selects c.
func matches(f contracts.ComprasFilter, c contracts.Compra) bool {
	return (f.Texto == "" || slices.Contains([]string{c.ID, c.IDOrden, c.IDUsuario}, f.Texto)) &&
		(f.IDUsuario == "" || c.IDUsuario == f.IDUsuario) &&
		(f.IDProducto == "" || slices.ContainsFunc(c.Productos, func(l contracts.Linea) bool { return l.IDProducto == f.IDProducto })) &&
		(len(f.Estados) == 0 || slices.Contains(f.Estados, c.Estado)) &&
		(f.Domicilio == nil || *f.Domicilio == c.Domicilio) &&
		!c.CreadaEn.Before(f.Desde) && (f.Hasta.IsZero() || c.CreadaEn.Before(f.Hasta)) && !c.ActualizadaEn.Before(f.CambiadaDesde)
}

// before compares two purchases in the order of a criterion.
func before(by contracts.Criterio, a, b contracts.Compra) int {
	n := cmp.Or(map[contracts.Campo]int{
		contracts.PorCreacion: a.CreadaEn.Compare(b.CreadaEn), contracts.PorCambio: a.ActualizadaEn.Compare(b.ActualizadaEn),
		contracts.PorUnidades: cmp.Compare(a.Unidades(), b.Unidades()), contracts.PorTotal: cmp.Compare(a.Total, b.Total),
	}[by.Campo()], cmp.Compare(a.ID, b.ID))
	if by.Descending() {
		n = -n
	}
	return n
}

// ListarComprasDeUsuario implements gestorcompra.ServerInterface. The bff does not call it.
func (m *Manager) ListarComprasDeUsuario(w http.ResponseWriter, r *http.Request, _ string, _ gestorcompra.ListarComprasDeUsuarioParams) {
	rest.WriteError(w, r, errs.New(errs.NotAllowed, "La lista del sistema anterior no es para el bff."))
}

// ListarPorAprobar implements gestorcompra.ServerInterface. All purchases are on one page.
func (m *Manager) ListarPorAprobar(w http.ResponseWriter, _ *http.Request, _ gestorcompra.ListarPorAprobarParams) {
	page := contracts.PaginaPorAprobar{Compras: []contracts.CompraPorAprobar{}}
	for _, c := range m.Compras() {
		if c.Estado == contracts.EstadoPorAprobar {
			page.Compras = append(page.Compras, contracts.CompraPorAprobar{Compra: c, Desde: c.ActualizadaEn, VenceEn: c.ActualizadaEn.Add(time.Hour)})
		}
	}
	page.Total = len(page.Compras)
	rest.Write(w, http.StatusOK, page)
}

// ContarPendientes implements gestorcompra.ServerInterface.
func (m *Manager) ContarPendientes(w http.ResponseWriter, _ *http.Request) {
	var waiting, failed int
	for _, c := range m.Compras() {
		switch c.Estado {
		case contracts.EstadoPorAprobar:
			waiting++
		case contracts.EstadoFallida:
			failed++
		}
	}
	rest.Write(w, http.StatusOK, contracts.PendientesDeOperacion{PorAprobar: &waiting, Fallidas: &failed})
}

// BorrarDatosDeCompras implements gestorcompra.ServerInterface: it erases the addresses of the purchases that have ended.
func (m *Manager) BorrarDatosDeCompras(w http.ResponseWriter, _ *http.Request, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var part contracts.ParteBorrada
	for i := range m.compras {
		switch c := &m.compras[i]; {
		case c.IDUsuario != id:
		case !compras.IsFinal(c.Estado):
			part.Abiertas++
		case c.Direccion != nil:
			c.Direccion = nil
			part.Borradas++
		}
	}
	rest.Write(w, http.StatusOK, part)
}

// LeerMensajes implements gestorcompra.ServerInterface. Each purchase has one message of its saga.
func (m *Manager) LeerMensajes(w http.ResponseWriter, r *http.Request, id string) {
	m.change(w, r, id, func(c *contracts.Compra) (int, any, error) {
		return http.StatusOK, []contracts.MensajeDeSaga{{Comando: contracts.ValidarInventario, PreguntadaEn: c.CreadaEn, Tardias: []contracts.RespuestaTardia{}}}, nil
	})
}

// LeerResumen implements gestorcompra.ServerInterface.
func (m *Manager) LeerResumen(w http.ResponseWriter, _ *http.Request, params gestorcompra.LeerResumenParams) {
	summary := contracts.Resumen{Estados: map[contracts.Estado]int{}, VentanaS: *params.Segundos}
	for _, c := range m.Compras() {
		summary.Estados[c.Estado]++
	}
	rest.Write(w, http.StatusOK, summary)
}

// ReintentarCompra implements gestorcompra.ServerInterface.
func (m *Manager) ReintentarCompra(w http.ResponseWriter, r *http.Request, id string) {
	m.change(w, r, id, func(c *contracts.Compra) (int, any, error) {
		if c.Estado != contracts.EstadoFallida {
			return 0, nil, errs.New(errs.Conflict, "Solo se reintenta una FALLIDA.")
		}
		c.Estado = contracts.EstadoCompensando
		return http.StatusAccepted, accepted(c), nil
	})
}
