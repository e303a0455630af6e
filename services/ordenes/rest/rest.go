// Package rest shows orders, and dispatches them.
package rest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/services/internal/registro"
	"entregas/services/internal/rest"
	"entregas/services/ordenes/ordenes"
)

// Almacen is what the routes ask of the store.
type Almacen interface {
	Orden(ctx context.Context, id string) (ordenes.Orden, error)
	DeUsuario(ctx context.Context, idUsuario string, limite int, despues string) ([]ordenes.Orden, error)
	Despachar(ctx context.Context, id string) (ordenes.Orden, error)
	Difundir(ctx context.Context, idCompra string, publicar ordenes.Publicar) error
}

// Servir adds the routes: GET /ordenes/{id}, POST /ordenes/{id}/despacho, GET /usuarios/{id}/ordenes.
func Servir(rutas *mux.Router, almacen Almacen, publicar ordenes.Publicar) {
	r := recursos{almacen, publicar}
	rutas.Handle("/ordenes/{id}", rest.Ruta(r.leer)).Methods(http.MethodGet)
	rutas.Handle("/ordenes/{id}/despacho", rest.Ruta(r.despachar)).Methods(http.MethodPost)
	rutas.Handle("/usuarios/{id}/ordenes", rest.Ruta(r.listar)).Methods(http.MethodGet)
}

type recursos struct {
	almacen  Almacen
	publicar ordenes.Publicar
}

func (r recursos) leer(w http.ResponseWriter, p *http.Request) error {
	id := mux.Vars(p)["id"]
	if err := ordenes.ValidarID("id", id); err != nil {
		return err
	}
	o, err := r.almacen.Orden(p.Context(), id)
	if err != nil {
		return err
	}
	rest.Escribir(w, http.StatusOK, o)
	return nil
}

// despachar takes no body. Again it is answered alike.
func (r recursos) despachar(w http.ResponseWriter, p *http.Request) error {
	id := mux.Vars(p)["id"]
	if err := ordenes.ValidarID("id", id); err != nil {
		return err
	}
	o, err := r.almacen.Despachar(p.Context(), id)
	if err != nil {
		return err
	}
	r.avisar(p.Context(), o.IDCompra)
	rest.Escribir(w, http.StatusOK, o)
	return nil
}

// plazoAviso is how long a cancellation or a dispatch waits for its event to be published. The sweep publishes what is not done by then.
const plazoAviso = 500 * time.Millisecond

// avisar tells at once what happened. It happened whether or not this works, so its failure is no answer.
func (r recursos) avisar(ctx context.Context, idCompra string) {
	ctx, soltar := context.WithTimeout(registro.ConCompra(ctx, idCompra), plazoAviso)
	defer soltar()
	if err := r.almacen.Difundir(ctx, idCompra, r.publicar); err != nil {
		slog.WarnContext(ctx, "el aviso del despacho queda para el barrido", "error", err)
	}
}

const (
	limiteUsual = 50
	limiteMayor = 200
)

// listar answers a bare list; where there may be more, the Link header has the address of the next page.
func (r recursos) listar(w http.ResponseWriter, p *http.Request) error {
	id, consulta := mux.Vars(p)["id"], p.URL.Query()
	limite, err := validarLista(id, consulta)
	if err != nil {
		return err
	}
	lista, err := r.almacen.DeUsuario(p.Context(), id, limite+1, consulta.Get("despues"))
	if err != nil {
		return err
	}
	if len(lista) > limite {
		lista = lista[:limite]
		siguiente := url.Values{"limite": {strconv.Itoa(limite)}, "despues": {lista[limite-1].ID}}
		w.Header().Set("Link", fmt.Sprintf(`</usuarios/%s/ordenes?%s>; rel="next"`, url.PathEscape(id), siguiente.Encode()))
	}
	rest.Escribir(w, http.StatusOK, lista)
	return nil
}

func validarLista(id string, consulta url.Values) (limite int, err error) {
	var v contracts.Validador
	v.Identificador("id", id)
	if despues := consulta.Get("despues"); despues != "" {
		v.IDCompra("despues", despues)
	}
	limite = limiteUsual
	if texto := consulta.Get("limite"); texto != "" {
		if limite, err = strconv.Atoi(texto); err != nil || limite < 1 || limite > limiteMayor {
			v.Falla("limite", fmt.Sprintf("debe ser un número entero de 1 a %d", limiteMayor))
		}
	}
	return limite, v.Error()
}
