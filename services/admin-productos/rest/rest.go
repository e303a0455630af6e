// Package rest shows the products with their stock, and restocks them.
package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/admin-productos/productos"
	"entregas/services/internal/rest"
)

// Almacen is what the routes ask of the store.
type Almacen interface {
	Productos(ctx context.Context, buscar string) ([]productos.Producto, error)
	Balance(ctx context.Context) ([]contracts.LineaDeBalance, error)
	Producto(ctx context.Context, id string) (productos.Producto, error)
	Reponer(ctx context.Context, id string, cantidad int, clave string) (productos.Producto, error)
}

// Servir adds the routes: GET /productos?buscar=, GET /balance, GET /productos/{id}, POST /productos/{id}/reposicion.
func Servir(rutas *mux.Router, almacen Almacen) {
	r := recursos{almacen}
	rutas.Handle("/productos", rest.Ruta(r.listar)).Methods(http.MethodGet)
	rutas.Handle("/balance", rest.Ruta(r.balance)).Methods(http.MethodGet)
	rutas.Handle("/productos/{id}", rest.Ruta(r.leer)).Methods(http.MethodGet)
	rutas.Handle("/productos/{id}/reposicion", rest.Ruta(r.reponer)).Methods(http.MethodPost)
}

type recursos struct{ almacen Almacen }

func (r recursos) listar(w http.ResponseWriter, p *http.Request) error {
	buscar := strings.TrimSpace(p.URL.Query().Get("buscar"))
	if buscar != "" {
		var v contracts.Validador
		v.FreeText("buscar", buscar, contracts.MaxIdentificador)
		if err := v.Error(); err != nil {
			return err
		}
	}
	todos, err := r.almacen.Productos(p.Context(), buscar)
	if err != nil {
		return err
	}
	rest.Escribir(w, http.StatusOK, todos)
	return nil
}

func (r recursos) balance(w http.ResponseWriter, p *http.Request) error {
	lineas, err := r.almacen.Balance(p.Context())
	if err != nil {
		return err
	}
	rest.Escribir(w, http.StatusOK, lineas)
	return nil
}

func (r recursos) leer(w http.ResponseWriter, p *http.Request) error {
	id := mux.Vars(p)["id"]
	var v contracts.Validador
	v.Identificador("id", id)
	if err := v.Error(); err != nil {
		return err
	}
	producto, err := r.almacen.Producto(p.Context(), id)
	if err != nil {
		return err
	}
	rest.Escribir(w, http.StatusOK, producto)
	return nil
}

// reponer takes {cantidad}. With an Idempotency-Key, sending it again adds nothing and is answered alike.
func (r recursos) reponer(w http.ResponseWriter, p *http.Request) error {
	pedido, err := rest.Leer[struct {
		Cantidad int `json:"cantidad"`
	}](w, p)
	if err != nil {
		return err
	}
	id := mux.Vars(p)["id"]
	if err := productos.ValidarReposicion(id, pedido.Cantidad); err != nil {
		return err
	}
	clave, err := claveDe(p)
	if err != nil {
		return err
	}
	producto, err := r.almacen.Reponer(p.Context(), id, pedido.Cantidad, clave)
	if err != nil {
		return err
	}
	rest.Escribir(w, http.StatusOK, producto)
	return nil
}

// claveDe is the request's Idempotency-Key, or one of its own where it has none.
func claveDe(p *http.Request) (string, error) {
	claves := p.Header.Values("Idempotency-Key")
	if len(claves) == 0 {
		return uuid.NewString(), nil
	}
	var v contracts.Validador
	v.IdempotencyKey("Idempotency-Key", strings.Join(claves, "\n")) // more than one is none
	return claves[0], v.Error()
}
