package compras

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"entregas/contracts"
	"entregas/services/internal/errores"
)

// vidaDeVista is how long the read model keeps a purchase after its last change. gestor-compra keeps it for ever.
const vidaDeVista = 30 * 24 * time.Hour

// maxVueltas bounds how often a lost race for a key is run again, before the caller is told to.
const maxVueltas = 20

// estado is what the bff itself remembers, in an Almacen:
//
//	compra/<id>            the read model: the purchase as it was last told (docs/adr/the-history-is-the-outbox.md)
//	usuario/<id_usuario>   the last ids of a customer, newest first
//	envio/<hash>           an Idempotency-Key: the id that it got and the body that it came with
type estado struct {
	almacen Almacen
	ahora   func() time.Time
	turnos  [64]sync.Mutex // see anotarDeUsuario
}

// vista is a purchase in the read model, and since when it stands there.
type vista struct {
	Compra  contracts.Compra `json:"compra"`
	Escrita time.Time        `json:"escrita"`
}

func claveDeCompra(id string) string       { return "compra/" + id }
func claveDeUsuario(usuario string) string { return "usuario/" + url.QueryEscape(usuario) } // Dapr refuses "||" in a key

func (e *estado) edad(v vista) Edad {
	return Edad{DeSegundaMano: true, Segundos: max(0, int(e.ahora().Sub(v.Escrita).Seconds()))}
}

// leer gives nil when nothing is known of the purchase.
func (e *estado) leer(ctx context.Context, id string) (*vista, error) {
	v, _, err := leerJSON[vista](ctx, e.almacen, claveDeCompra(id))
	return v, err
}

// sembrar writes the purchase down as RECIBIDA where nothing is known of it, and tells whether it did.
func (e *estado) sembrar(ctx context.Context, s contracts.SolicitudCompra) (bool, error) {
	ahora := e.ahora().UTC()
	texto, err := json.Marshal(vista{Escrita: ahora, Compra: contracts.Compra{
		SolicitudCompra: s, Estado: contracts.EstadoRecibida,
		CreadaEn: ahora, ActualizadaEn: ahora, Historia: []contracts.HechoContado{},
	}})
	if err != nil {
		return false, err
	}
	err = e.almacen.Crear(ctx, claveDeCompra(s.ID), texto, vidaDeVista)
	if errors.Is(err, ErrYaCambio) {
		return false, nil
	}
	return err == nil, err
}

// olvidarSemilla takes back what sembrar wrote, unless the owner has told of the purchase since.
func (e *estado) olvidarSemilla(ctx context.Context, id string) error {
	v, version, err := leerJSON[vista](ctx, e.almacen, claveDeCompra(id))
	if err != nil || v == nil || v.Compra.Numero() > 0 {
		return err
	}
	return e.almacen.Borrar(ctx, claveDeCompra(id), version)
}

// actualizar writes what the owner told, unless something newer stands there. What the owner tells first of a purchase
// puts it in the customer's list; before the purchase is written, so that a crash between the two is made good by the
// broker's redelivery.
func (e *estado) actualizar(ctx context.Context, c contracts.Compra) error {
	texto, err := json.Marshal(vista{Compra: c, Escrita: e.ahora().UTC()})
	if err != nil {
		return err
	}
	return otraVez(func() error {
		antes, version, err := leerJSON[vista](ctx, e.almacen, claveDeCompra(c.ID))
		if err != nil {
			return err
		}
		if antes == nil || antes.Compra.Numero() == 0 {
			if err := e.anotarDeUsuario(ctx, c.IDUsuario, anotada{ID: c.ID, CreadaEn: c.CreadaEn}); err != nil {
				return err
			}
		}
		if antes == nil {
			return e.almacen.Crear(ctx, claveDeCompra(c.ID), texto, vidaDeVista)
		}
		if antes.Compra.Numero() >= c.Numero() {
			return nil
		}
		return e.almacen.Reemplazar(ctx, claveDeCompra(c.ID), version, texto, vidaDeVista)
	})
}

// anotada is one of a customer's purchases, in the customer's list.
type anotada struct {
	ID       string    `json:"id"`
	CreadaEn time.Time `json:"creada_en"`
}

// anotarDeUsuario puts a purchase in the customer's list, which keeps the UltimasDeLista newest. In this process one
// customer's notes take turns: with many purchases at once most would lose the race for the key.
func (e *estado) anotarDeUsuario(ctx context.Context, usuario string, nueva anotada) error {
	turno := &e.turnos[sha256.Sum256([]byte(usuario))[0]%uint8(len(e.turnos))]
	turno.Lock()
	defer turno.Unlock()
	return otraVez(func() error {
		lista, version, err := leerLista(ctx, e.almacen, usuario)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(lista, func(a anotada) bool { return a.ID == nueva.ID }) {
			return nil
		}
		lista = append(lista, nueva)
		slices.SortStableFunc(lista, func(a, b anotada) int { // as the owner lists them
			return cmp.Or(b.CreadaEn.Compare(a.CreadaEn), strings.Compare(b.ID, a.ID))
		})
		texto, err := json.Marshal(lista[:min(len(lista), UltimasDeLista)])
		if err != nil {
			return err
		}
		if version == "" {
			return e.almacen.Crear(ctx, claveDeUsuario(usuario), texto, vidaDeVista)
		}
		return e.almacen.Reemplazar(ctx, claveDeUsuario(usuario), version, texto, vidaDeVista)
	})
}

func leerLista(ctx context.Context, a Almacen, usuario string) ([]anotada, string, error) {
	lista, version, err := leerJSON[[]anotada](ctx, a, claveDeUsuario(usuario))
	if lista == nil {
		return nil, version, err
	}
	return *lista, version, err
}

// ultimasDe gives the last purchases of a customer that are known here after the place desde, in one page. There may be more
// before them where it ends with a cursor.
func (e *estado) ultimasDe(ctx context.Context, usuario string, desde contracts.Cursor) (Pagina, error) {
	pagina := Pagina{Compras: []contracts.Compra{}, Edad: Edad{DeSegundaMano: true}}
	lista, _, err := leerLista(ctx, e.almacen, usuario)
	full := len(lista) == UltimasDeLista
	lista = after(lista, desde)
	if err != nil || len(lista) == 0 {
		if err == nil && full {
			err = errores.Nuevo(errores.NoDisponible, "Las compras más antiguas no se conocen aquí, y gestor-compra no responde. Intente de nuevo en unos segundos.")
		}
		return pagina, err
	}
	claves := make([]string, len(lista))
	for i, a := range lista {
		claves[i] = claveDeCompra(a.ID)
	}
	valores, err := e.almacen.Leer(ctx, claves...)
	if err != nil {
		return pagina, err
	}
	for i, valor := range valores {
		if valor.Version == "" {
			continue // it was not taken in the end, or is too old
		}
		var v vista
		if err := json.Unmarshal(valor.Texto, &v); err != nil {
			return pagina, fmt.Errorf("%s: %w", claves[i], err)
		}
		pagina.Compras = append(pagina.Compras, v.Compra)
		pagina.Edad.Segundos = max(pagina.Edad.Segundos, e.edad(v).Segundos)
	}
	if last := lista[len(lista)-1]; full {
		pagina.Siguiente = contracts.Cursor{CreadaEn: last.CreadaEn, ID: last.ID}.String()
	}
	return pagina, nil
}

// after gives the part of lista that follows desde: by its purchase where lista has it, since the owner's cursors are more
// exact than what is known here, else by its instant.
func after(lista []anotada, desde contracts.Cursor) []anotada {
	if desde == (contracts.Cursor{}) {
		return lista
	}
	if i := slices.IndexFunc(lista, func(a anotada) bool { return a.ID == desde.ID }); i >= 0 {
		return lista[i+1:]
	}
	i := slices.IndexFunc(lista, func(a anotada) bool { return a.CreadaEn.Before(desde.CreadaEn) })
	if i < 0 {
		return nil
	}
	return lista[i:]
}

func leerJSON[T any](ctx context.Context, a Almacen, clave string) (*T, string, error) {
	valores, err := a.Leer(ctx, clave)
	if err != nil || valores[0].Version == "" {
		return nil, "", err
	}
	var v T
	if err := json.Unmarshal(valores[0].Texto, &v); err != nil {
		return nil, "", fmt.Errorf("%s: %w", clave, err)
	}
	return &v, valores[0].Version, nil
}

// otraVez runs f again while it loses a race.
func otraVez(f func() error) error {
	for range maxVueltas {
		if err := f(); !errors.Is(err, ErrYaCambio) {
			return err
		}
	}
	return errores.Nuevo(errores.NoDisponible, "Hay demasiados cambios a la vez. Intente de nuevo.")
}
