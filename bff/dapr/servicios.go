package dapr

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"entregas/contracts"
	"entregas/services/bff/compras"
)

// Gestor is gestor-compra. It implements compras.Gestor.
type Gestor struct{ *Servicio }

// Crear implements compras.Gestor.
func (g Gestor) Crear(ctx context.Context, s contracts.SolicitudCompra) (a contracts.Aceptada, err error) {
	_, err = g.llamar(ctx, http.MethodPost, ruta("compras"), s, &a)
	return a, err
}

// Leer implements compras.Gestor.
func (g Gestor) Leer(ctx context.Context, id string) (c contracts.Compra, err error) {
	_, err = g.llamar(ctx, http.MethodGet, ruta("compras", id), nil, &c)
	return c, err
}

// DeUsuario implements compras.Gestor.
func (g Gestor) DeUsuario(ctx context.Context, usuario string, limite int, despues string, estados ...contracts.Estado) (compras.Pagina, error) {
	var lista []contracts.Compra
	r, err := g.llamar(ctx, http.MethodGet, ruta("usuarios", usuario, "compras")+consulta(contracts.FiltroCompras{Estados: estados}, limite, despues), nil, &lista)
	return pagina(lista, r), err
}

// Buscar implements acceso.Operacion.
func (g Gestor) Buscar(ctx context.Context, f contracts.FiltroCompras, limite int, despues string) (compras.Pagina, error) {
	var lista []contracts.Compra
	r, err := g.llamar(ctx, http.MethodGet, ruta("compras")+consulta(f, limite, despues), nil, &lista)
	return pagina(lista, r), err
}

func consulta(f contracts.FiltroCompras, limite int, despues string) string {
	q := url.Values{"limite": {strconv.Itoa(limite)}}
	if despues != "" {
		q.Set("despues", despues)
	}
	for _, e := range slices.Compact(slices.Sorted(slices.Values(f.Estados))) { // each once: a sidecar refuses a long address
		q.Add("estado", string(e))
	}
	if f.IDUsuario != "" {
		q.Set("id_usuario", f.IDUsuario)
	}
	if f.Domicilio != nil {
		q.Set("domicilio", strconv.FormatBool(*f.Domicilio))
	}
	return "?" + q.Encode()
}

func pagina(lista []contracts.Compra, r respuesta) compras.Pagina {
	return compras.Pagina{Compras: lista, Siguiente: siguiente(r.cabeceras.Values("Link"))}
}

// Cancelar implements compras.Decisiones.
func (g Gestor) Cancelar(ctx context.Context, id, motivo string) (a contracts.Aceptada, hecha bool, err error) {
	r, err := g.llamar(ctx, http.MethodPost, ruta("compras", id, "cancelacion"), map[string]string{"motivo": motivo}, &a)
	return a, r.estado == http.StatusOK, err
}

// Aprobar implements compras.Decisiones.
func (g Gestor) Aprobar(ctx context.Context, id string, aprobada bool, motivo string) (a contracts.Aceptada, err error) {
	_, err = g.llamar(ctx, http.MethodPost, ruta("compras", id, "aprobacion"), map[string]any{"aprobada": aprobada, "motivo": motivo}, &a)
	return a, err
}

// Mensajes implements acceso.Operacion.
func (g Gestor) Mensajes(ctx context.Context, id string) (lista []contracts.MensajeDeSaga, err error) {
	_, err = g.llamar(ctx, http.MethodGet, ruta("compras", id, "mensajes"), nil, &lista)
	return lista, err
}

// Resumen implements acceso.Operacion.
func (g Gestor) Resumen(ctx context.Context, segundos int) (r contracts.Resumen, err error) {
	_, err = g.llamar(ctx, http.MethodGet, ruta("resumen")+"?segundos="+strconv.Itoa(segundos), nil, &r)
	return r, err
}

// Reintentar implements acceso.Operacion.
func (g Gestor) Reintentar(ctx context.Context, id string) (a contracts.Aceptada, err error) {
	_, err = g.llamar(ctx, http.MethodPost, ruta("compras", id, "reintento"), nil, &a)
	return a, err
}

var enlaceSiguiente = regexp.MustCompile(`<([^>]*)>\s*;\s*rel="?next"?`)

// siguiente is the cursor in a Link header's next page, "" when there is none.
func siguiente(enlaces []string) string {
	for _, e := range enlaces {
		if partes := enlaceSiguiente.FindStringSubmatch(e); partes != nil {
			if direccion, err := url.Parse(partes[1]); err == nil {
				return direccion.Query().Get("despues")
			}
		}
	}
	return ""
}

// Productos is admin-productos. It implements acceso.Productos.
type Productos struct{ *Servicio }

// Listar implements acceso.Productos.
func (p Productos) Listar(ctx context.Context, buscar string) (lista []contracts.Producto, err error) {
	consulta := ""
	if buscar != "" {
		consulta = "?" + url.Values{"buscar": {buscar}}.Encode()
	}
	_, err = p.llamar(ctx, http.MethodGet, ruta("productos")+consulta, nil, &lista)
	return lista, err
}

// Balance implements acceso.Productos.
func (p Productos) Balance(ctx context.Context) (lineas []contracts.LineaDeBalance, err error) {
	_, err = p.llamar(ctx, http.MethodGet, ruta("balance"), nil, &lineas)
	return lineas, err
}

// Leer implements acceso.Productos.
func (p Productos) Leer(ctx context.Context, id string) (producto contracts.Producto, err error) {
	_, err = p.llamar(ctx, http.MethodGet, ruta("productos", id), nil, &producto)
	return producto, err
}

// Reponer implements acceso.Productos.
func (p Productos) Reponer(ctx context.Context, id string, cantidad int, clave string) (producto contracts.Producto, err error) {
	_, err = p.llamar(ctx, http.MethodPost, ruta("productos", id, "reposicion"), map[string]int{"cantidad": cantidad}, &producto,
		http.Header{"Idempotency-Key": {clave}})
	return producto, err
}

// Ordenes is the service ordenes. It implements acceso.Ordenes.
type Ordenes struct{ *Servicio }

// Leer implements acceso.Ordenes.
func (o Ordenes) Leer(ctx context.Context, id string) (orden contracts.Orden, err error) {
	_, err = o.llamar(ctx, http.MethodGet, ruta("ordenes", id), nil, &orden)
	return orden, err
}

// Despachar implements acceso.Ordenes.
func (o Ordenes) Despachar(ctx context.Context, id string) (orden contracts.Orden, err error) {
	_, err = o.llamar(ctx, http.MethodPost, ruta("ordenes", id, "despacho"), nil, &orden)
	return orden, err
}

// Monitor is monitor. It implements acceso.Monitor.
type Monitor struct{ *Servicio }

// Colas implements acceso.Monitor.
func (m Monitor) Colas(ctx context.Context, minutos int) (contracts.Colas, error) {
	var i struct {
		En        time.Time   `json:"en"`
		Broker    bool        `json:"broker"`
		Instantes []time.Time `json:"instantes"`
		Colas     []struct {
			contracts.ColaAhora
			Pendientes   *int64 `json:"pendientes"`
			Consumidores *int   `json:"consumidores"`
			Serie        struct {
				Pendientes []*int64 `json:"pendientes"`
			} `json:"serie"`
		} `json:"colas"`
	}
	c := contracts.Colas{Muestras: []contracts.MuestraDeColas{}, Ahora: []contracts.ColaAhora{}}
	if _, err := m.llamar(ctx, http.MethodGet, ruta("colas"), nil, &i); err != nil {
		return c, err
	}
	c.Broker = i.Broker
	for n, en := range i.Instantes {
		if i.En.Sub(en) > time.Duration(minutos)*time.Minute {
			continue
		}
		muestra := contracts.MuestraDeColas{En: en, Pendientes: map[string]int64{}}
		for _, cola := range i.Colas {
			if n < len(cola.Serie.Pendientes) && cola.Serie.Pendientes[n] != nil {
				muestra.Pendientes[cola.Tema] += *cola.Serie.Pendientes[n]
			}
		}
		c.Muestras = append(c.Muestras, muestra)
	}
	for _, cola := range i.Colas {
		if cola.Pendientes != nil && cola.Consumidores != nil {
			cola.ColaAhora.Pendientes, cola.Replicas = *cola.Pendientes, *cola.Consumidores
			c.Ahora = append(c.Ahora, cola.ColaAhora)
		}
	}
	return c, nil
}

// Muertos implements acceso.Monitor.
func (m Monitor) Muertos(ctx context.Context) (lista []contracts.MensajeMuerto, err error) {
	_, err = m.llamar(ctx, http.MethodGet, ruta("mensajes-muertos"), nil, &lista)
	if lista == nil {
		lista = []contracts.MensajeMuerto{}
	}
	return lista, err
}

// ReponerMuerto implements acceso.Monitor.
func (m Monitor) ReponerMuerto(ctx context.Context, id string) (uno contracts.MensajeMuerto, err error) {
	_, err = m.llamar(ctx, http.MethodPost, ruta("mensajes-muertos", id, "reposicion"), nil, &uno)
	return uno, err
}

// SetAside implements acceso.Monitor.
func (m Monitor) SetAside(ctx context.Context, id string) (uno contracts.MensajeMuerto, err error) {
	_, err = m.llamar(ctx, http.MethodPost, ruta("mensajes-muertos", id, "apartado"), nil, &uno)
	return uno, err
}
