package comprastest

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/internal/errores"
)

// Gestor keeps purchases in memory by gestor-compra's rules. The zero value is ready.
type Gestor struct {
	mu        sync.Mutex
	compras   []contracts.Compra // newest last
	veces     int
	decididas map[string]decision
	estorbo   func() (hacer bool, err error)
	maxOpen   int
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
	c.Estado, c.ActualizadaEn = paso, time.Now().UTC()
	c.Historia = append(slices.Clone(c.Historia), contracts.HechoContado{Numero: len(c.Historia) + 1, Paso: string(paso), Tipo: "Prueba", En: c.ActualizadaEn})
	return *c
}

// Crear implements compras.Gestor.
func (g *Gestor) Crear(_ context.Context, s contracts.SolicitudCompra) (contracts.Aceptada, error) {
	hacer, err := g.llamar()
	if !hacer {
		return contracts.Aceptada{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := g.buscar(s.ID); i >= 0 {
		c := g.compras[i]
		if c.IDUsuario != s.IDUsuario || c.Domicilio != s.Domicilio || !reflect.DeepEqual(c.Productos, s.Productos) {
			return contracts.Aceptada{}, errores.Nuevo(errores.Conflicto, "Ya existe la compra %s con otro contenido.", s.ID)
		}
		return contracts.Aceptada{ID: c.ID, Estado: c.Estado}, err
	}
	open := 0
	for _, c := range g.compras {
		if c.IDUsuario == s.IDUsuario {
			open++
		}
	}
	if g.maxOpen > 0 && open >= g.maxOpen {
		return contracts.Aceptada{}, unless(err, errores.Conflicto, "El cliente ya tiene %d compras abiertas, y puede tener a lo sumo %[1]d.", g.maxOpen)
	}
	ahora := time.Now().UTC()
	g.compras = append(g.compras, contracts.Compra{
		SolicitudCompra: s, Estado: contracts.EstadoRecibida,
		CreadaEn: ahora, ActualizadaEn: ahora, Historia: []contracts.HechoContado{{Numero: 1, Paso: string(contracts.EstadoRecibida), Tipo: "CrearCompra", En: ahora}},
	})
	return contracts.Aceptada{ID: s.ID, Estado: contracts.EstadoRecibida}, err
}

// Leer implements compras.Gestor.
func (g *Gestor) Leer(_ context.Context, id string) (contracts.Compra, error) {
	if _, err := g.llamar(); err != nil {
		return contracts.Compra{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := g.buscar(id); i >= 0 {
		return g.compras[i], nil
	}
	return contracts.Compra{}, errores.Nuevo(errores.NoEncontrado, "No existe la compra %s.", id)
}

// DeUsuario implements compras.Gestor. Its cursors are the owner's.
func (g *Gestor) DeUsuario(_ context.Context, usuario string, limite int, despues string, estados ...contracts.Estado) (compras.Pagina, error) {
	if _, err := g.llamar(); err != nil {
		return compras.Pagina{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var suyas []contracts.Compra
	for _, c := range slices.Backward(g.compras) {
		if c.IDUsuario == usuario && (len(estados) == 0 || slices.Contains(estados, c.Estado)) {
			suyas = append(suyas, c)
		}
	}
	return trozo(suyas, limite, despues)
}

// Cancelar implements compras.Decisiones, without a saga behind it: what is at rest but not final is cancelled at once.
func (g *Gestor) Cancelar(_ context.Context, id, motivo string) (contracts.Aceptada, bool, error) {
	hacer, err := g.llamar()
	if !hacer {
		return contracts.Aceptada{}, false, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	i := g.buscar(id)
	if i < 0 {
		return contracts.Aceptada{}, false, unless(err, errores.NoEncontrado, "No existe la compra %s.", id)
	}
	c := &g.compras[i]
	switch c.Estado {
	case contracts.EstadoCancelada, contracts.EstadoCompensando:
		return contracts.Aceptada{ID: id, Estado: c.Estado}, true, err
	case contracts.EstadoDespachada, contracts.EstadoRechazada, contracts.EstadoFallida:
		return contracts.Aceptada{}, false, unless(err, errores.Conflicto, "Ya no se puede cancelar.")
	case contracts.EstadoRecibida:
		c.Estado, c.Motivo = contracts.EstadoCancelada, motivo
		return contracts.Aceptada{ID: id, Estado: c.Estado}, true, err
	}
	return contracts.Aceptada{ID: id, Estado: c.Estado}, false, err
}

// Aprobar implements compras.Decisiones.
func (g *Gestor) Aprobar(_ context.Context, id string, aprobada bool, motivo string) (contracts.Aceptada, error) {
	hacer, err := g.llamar()
	if !hacer {
		return contracts.Aceptada{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	i := g.buscar(id)
	if i < 0 {
		return contracts.Aceptada{}, unless(err, errores.NoEncontrado, "No existe la compra %s.", id)
	}
	c := &g.compras[i]
	d := decision{aprobada, motivo}
	if antes, hay := g.decididas[id]; hay && antes == d {
		return contracts.Aceptada{ID: id, Estado: c.Estado}, err
	}
	if c.Estado != contracts.EstadoPorAprobar {
		return contracts.Aceptada{}, unless(err, errores.Conflicto, "La compra no espera aprobación.")
	}
	if c.Estado = contracts.EstadoConfirmada; !aprobada {
		c.Estado, c.Motivo = contracts.EstadoRechazada, motivo
	}
	if g.decididas == nil {
		g.decididas = map[string]decision{}
	}
	g.decididas[id] = d
	return contracts.Aceptada{ID: id, Estado: c.Estado}, err
}

type decision struct {
	aprobada bool
	motivo   string
}

func (g *Gestor) llamar() (hacer bool, err error) {
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

// Buscar implements acceso.Operacion. Its cursors are the owner's.
func (g *Gestor) Buscar(_ context.Context, f contracts.FiltroCompras, limite int, despues string) (compras.Pagina, error) {
	if _, err := g.llamar(); err != nil {
		return compras.Pagina{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var halladas []contracts.Compra
	for _, c := range slices.Backward(g.compras) {
		if (f.IDUsuario == "" || c.IDUsuario == f.IDUsuario) && (len(f.Estados) == 0 || slices.Contains(f.Estados, c.Estado)) &&
			(f.Domicilio == nil || *f.Domicilio == c.Domicilio) {
			halladas = append(halladas, c)
		}
	}
	return trozo(halladas, limite, despues)
}

// trozo is a page of todas, which are newest first.
func trozo(todas []contracts.Compra, limite int, despues string) (compras.Pagina, error) {
	c, err := contracts.ParseCursor(despues)
	if err != nil {
		return compras.Pagina{}, err
	}
	desde := 1 + slices.IndexFunc(todas, func(una contracts.Compra) bool { return una.ID == c.ID })
	hasta := min(len(todas), desde+limite)
	pagina := compras.Pagina{Compras: todas[desde:hasta]}
	if hasta < len(todas) {
		pagina.Siguiente = contracts.CursorOf(todas[hasta-1]).String()
	}
	return pagina, nil
}

// Mensajes implements acceso.Operacion: each purchase has had one question.
func (g *Gestor) Mensajes(ctx context.Context, id string) ([]contracts.MensajeDeSaga, error) {
	c, err := g.Leer(ctx, id)
	return []contracts.MensajeDeSaga{{Comando: contracts.ValidarInventario, PreguntadaEn: c.CreadaEn, Tardias: []contracts.RespuestaTardia{}}}, err
}

// Resumen implements acceso.Operacion.
func (g *Gestor) Resumen(_ context.Context, segundos int) (contracts.Resumen, error) {
	if _, err := g.llamar(); err != nil {
		return contracts.Resumen{}, err
	}
	r := contracts.Resumen{Estados: map[contracts.Estado]int{}, VentanaS: segundos}
	for _, c := range g.Compras() {
		r.Estados[c.Estado]++
	}
	return r, nil
}

// Reintentar implements acceso.Operacion.
func (g *Gestor) Reintentar(_ context.Context, id string) (contracts.Aceptada, error) {
	hacer, err := g.llamar()
	if !hacer {
		return contracts.Aceptada{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	i := g.buscar(id)
	if i < 0 {
		return contracts.Aceptada{}, unless(err, errores.NoEncontrado, "No existe la compra %s.", id)
	}
	if g.compras[i].Estado != contracts.EstadoFallida {
		return contracts.Aceptada{}, unless(err, errores.Conflicto, "Solo se reintenta una FALLIDA.")
	}
	g.compras[i].Estado = contracts.EstadoCompensando
	return contracts.Aceptada{ID: id, Estado: contracts.EstadoCompensando}, err
}

// unless is an answer that is an error, or silence where it does not answer.
func unless(silence error, codigo errores.Codigo, formato string, args ...any) error {
	if silence != nil {
		return silence
	}
	return errores.Nuevo(codigo, formato, args...)
}
