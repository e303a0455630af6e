package comprastest

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/dapr"
	"entregas/services/internal/api/gestorcompra"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

// Gestor keeps purchases in memory by gestor-compra's rules. It serves gestor-compra's interface, and is asked by the client that
// the bff has for it.
type Gestor struct {
	dapr.Gestor
	mu        sync.Mutex
	compras   []contracts.Compra // newest last
	veces     int
	decididas map[string]decision
	estorbo   func() (hacer bool, err error)
	maxOpen   int
}

var _ gestorcompra.ServerInterface = (*Gestor)(nil)

// NewGestor returns a Gestor without purchases.
func NewGestor() *Gestor {
	g := &Gestor{}
	g.Gestor = dapr.Gestor{Servicio: Serve("gestor-compra", g.llamar, func(routes *mux.Router) {
		gestorcompra.HandlerWithOptions(g, gestorcompra.GorillaServerOptions{BaseRouter: routes})
	})}
	return g
}

// MaxOpen makes it take n purchases of a customer at most.
func (g *Gestor) MaxOpen(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.maxOpen = n
}

// Caer makes it do and answer nothing from now on, as one that is known to be away.
func (g *Gestor) Caer() {
	g.poner(func() (bool, error) {
		return false, &errores.Error{Codigo: errores.NoDisponible, Mensaje: "gestor-compra no responde", Causa: compras.ErrNotDone}
	})
}

// Enmudecer makes it do what it is asked and not answer.
func (g *Gestor) Enmudecer() { g.poner(func() (bool, error) { return true, noResponde() }) }

// MuteOnce makes it do the next thing it is asked, and not answer; then it is well again.
func (g *Gestor) MuteOnce() {
	first := true
	g.poner(func() (bool, error) {
		if !first {
			return true, nil
		}
		first = false
		return true, noResponde()
	})
}

// Responder makes it answer err and do nothing; nil makes it well again.
func (g *Gestor) Responder(err error) { g.poner(func() (bool, error) { return err == nil, err }) }

func noResponde() error {
	return errores.Nuevo(errores.NoDisponible, "gestor-compra no responde")
}

func (g *Gestor) poner(estorbo func() (bool, error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.estorbo = estorbo
}

// Llamadas is how often it was called.
func (g *Gestor) Llamadas() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.veces
}

// Compras lists what it has, oldest first.
func (g *Gestor) Compras() []contracts.Compra {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.compras)
}

// Avanzar enters a step in a purchase's history, and gives the purchase as it is told then.
func (g *Gestor) Avanzar(id string, paso contracts.Estado) contracts.Compra {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := &g.compras[g.buscar(id)]
	c.Estado, c.ActualizadaEn = paso, now()
	c.Historia = append(slices.Clone(c.Historia), contracts.HechoContado{Numero: len(c.Historia) + 1, Paso: string(paso), Tipo: "Prueba", En: c.ActualizadaEn})
	return *c
}

// now is the time as an answer tells it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// CrearCompra implements gestorcompra.ServerInterface.
func (g *Gestor) CrearCompra(w http.ResponseWriter, r *http.Request) {
	s, err := rest.Leer[contracts.SolicitudCompra](w, r)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	a, err := g.take(s)
	rest.Answer(w, r, http.StatusAccepted, a, err)
}

func (g *Gestor) take(s contracts.SolicitudCompra) (contracts.Aceptada, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := g.buscar(s.ID); i >= 0 {
		c := g.compras[i]
		if !c.EsLaMisma(s) {
			return contracts.Aceptada{}, errores.Nuevo(errores.Conflicto, "Ya existe la compra %s con otro contenido.", s.ID)
		}
		return contracts.Aceptada{ID: c.ID, Estado: c.Estado}, nil
	}
	open := 0
	for _, c := range g.compras {
		if c.IDUsuario == s.IDUsuario {
			open++
		}
	}
	if g.maxOpen > 0 && open >= g.maxOpen {
		return contracts.Aceptada{}, errores.Nuevo(errores.Conflicto, "El cliente ya tiene %d compras abiertas, y puede tener a lo sumo %[1]d.", g.maxOpen)
	}
	ahora := now()
	g.compras = append(g.compras, contracts.Compra{
		SolicitudCompra: s, Estado: contracts.EstadoRecibida,
		CreadaEn: ahora, ActualizadaEn: ahora, Historia: []contracts.HechoContado{{Numero: 1, Paso: string(contracts.EstadoRecibida), Tipo: "CrearCompra", En: ahora}},
	})
	return contracts.Aceptada{ID: s.ID, Estado: contracts.EstadoRecibida}, nil
}

// LeerCompra implements gestorcompra.ServerInterface.
func (g *Gestor) LeerCompra(w http.ResponseWriter, r *http.Request, id string) {
	g.change(w, r, id, func(c *contracts.Compra) (int, any, error) { return http.StatusOK, c, nil })
}

// change answers what do makes of the purchase id.
func (g *Gestor) change(w http.ResponseWriter, r *http.Request, id string, do func(c *contracts.Compra) (status int, v any, err error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := g.buscar(id)
	if i < 0 {
		rest.EscribirError(w, r, errores.Nuevo(errores.NoEncontrado, "No existe la compra %s.", id))
		return
	}
	status, v, err := do(&g.compras[i])
	rest.Answer(w, r, status, v, err)
}

func accepted(c *contracts.Compra) contracts.Aceptada {
	return contracts.Aceptada{ID: c.ID, Estado: c.Estado}
}

// CancelarCompra implements gestorcompra.ServerInterface, without a saga behind it: what is at rest but not final is cancelled at once.
func (g *Gestor) CancelarCompra(w http.ResponseWriter, r *http.Request, id string) {
	request, err := rest.ReadOptional[contracts.Cancelacion](w, r)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	g.change(w, r, id, func(c *contracts.Compra) (int, any, error) {
		switch c.Estado {
		case contracts.EstadoCancelada, contracts.EstadoCompensando:
			return http.StatusOK, accepted(c), nil
		case contracts.EstadoDespachada, contracts.EstadoRechazada, contracts.EstadoFallida:
			return 0, nil, errores.Nuevo(errores.Conflicto, "Ya no se puede cancelar.")
		case contracts.EstadoRecibida:
			c.Estado, c.Motivo = contracts.EstadoCancelada, request.Motivo
			return http.StatusOK, accepted(c), nil
		}
		return http.StatusAccepted, accepted(c), nil
	})
}

// DecidirCompra implements gestorcompra.ServerInterface.
func (g *Gestor) DecidirCompra(w http.ResponseWriter, r *http.Request, id string) {
	request, err := rest.Leer[contracts.Aprobacion](w, r)
	if err != nil {
		rest.EscribirError(w, r, err)
		return
	}
	g.change(w, r, id, func(c *contracts.Compra) (int, any, error) {
		d := decision{*request.Aprobada, request.Motivo}
		if before, decided := g.decididas[id]; decided && before == d {
			return http.StatusOK, accepted(c), nil
		}
		if c.Estado != contracts.EstadoPorAprobar {
			return 0, nil, errores.Nuevo(errores.Conflicto, "La compra no espera aprobación.")
		}
		if c.Estado = contracts.EstadoConfirmada; !d.aprobada {
			c.Estado, c.Motivo = contracts.EstadoRechazada, d.motivo
		}
		if g.decididas == nil {
			g.decididas = map[string]decision{}
		}
		g.decididas[id] = d
		return http.StatusOK, accepted(c), nil
	})
}

type decision struct {
	aprobada bool
	motivo   string
}

func (g *Gestor) llamar(*http.Request) (hacer bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.veces++
	if g.estorbo == nil {
		return true, nil
	}
	return g.estorbo()
}

func (g *Gestor) buscar(id string) int {
	return slices.IndexFunc(g.compras, func(c contracts.Compra) bool { return c.ID == id })
}

// ListarCompras implements gestorcompra.ServerInterface. Its cursors are the owner's.
func (g *Gestor) ListarCompras(w http.ResponseWriter, r *http.Request, params gestorcompra.ListarComprasParams) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := []contracts.Compra{}
	for _, c := range slices.Backward(g.compras) {
		if (params.IdUsuario == nil || c.IDUsuario == *params.IdUsuario) && (params.Estado == nil || slices.Contains(*params.Estado, c.Estado)) &&
			(params.Domicilio == nil || *params.Domicilio == c.Domicilio) {
			found = append(found, c)
		}
	}
	var after contracts.Cursor
	if params.Despues != nil {
		var err error
		if after, err = contracts.ParseCursor(*params.Despues); err != nil {
			rest.EscribirError(w, r, err)
			return
		}
	}
	from := 1 + slices.IndexFunc(found, func(c contracts.Compra) bool { return c.ID == after.ID })
	to := min(len(found), from+*params.Limite)
	page := contracts.PaginaDeCompras{Compras: found[from:to]}
	if to < len(found) {
		page.Siguiente = contracts.CursorOf(found[to-1]).String()
	}
	rest.Escribir(w, http.StatusOK, page)
}

// ListarComprasDeUsuario implements gestorcompra.ServerInterface. The bff does not call it.
func (g *Gestor) ListarComprasDeUsuario(w http.ResponseWriter, r *http.Request, _ string, _ gestorcompra.ListarComprasDeUsuarioParams) {
	rest.EscribirError(w, r, errores.Nuevo(errores.NoPermitido, "La lista del sistema anterior no es para el bff."))
}

// LeerMensajes implements gestorcompra.ServerInterface: each purchase has had one question.
func (g *Gestor) LeerMensajes(w http.ResponseWriter, r *http.Request, id string) {
	g.change(w, r, id, func(c *contracts.Compra) (int, any, error) {
		return http.StatusOK, []contracts.MensajeDeSaga{{Comando: contracts.ValidarInventario, PreguntadaEn: c.CreadaEn, Tardias: []contracts.RespuestaTardia{}}}, nil
	})
}

// LeerResumen implements gestorcompra.ServerInterface.
func (g *Gestor) LeerResumen(w http.ResponseWriter, _ *http.Request, params gestorcompra.LeerResumenParams) {
	resumen := contracts.Resumen{Estados: map[contracts.Estado]int{}, VentanaS: *params.Segundos}
	for _, c := range g.Compras() {
		resumen.Estados[c.Estado]++
	}
	rest.Escribir(w, http.StatusOK, resumen)
}

// ReintentarCompra implements gestorcompra.ServerInterface.
func (g *Gestor) ReintentarCompra(w http.ResponseWriter, r *http.Request, id string) {
	g.change(w, r, id, func(c *contracts.Compra) (int, any, error) {
		if c.Estado != contracts.EstadoFallida {
			return 0, nil, errores.Nuevo(errores.Conflicto, "Solo se reintenta una FALLIDA.")
		}
		c.Estado = contracts.EstadoCompensando
		return http.StatusAccepted, accepted(c), nil
	})
}
