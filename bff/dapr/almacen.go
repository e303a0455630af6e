package dapr

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/services/bff/compras"
	"entregas/services/bff/memory"
	"entregas/services/internal/errores"
)

// plazoEstado bounds one call of the bff to its state store.
const plazoEstado = 3 * time.Second

// Store is the name of the bff's own state store component (docs/adr/the-bffs-own-store.md).
const Store = "estado-bff"

// Almacen is that state store. It implements compras.Almacen: a version is the store's ETag.
type Almacen struct{ Sidecar dapr.Client }

// Leer implements compras.Almacen.
func (a Almacen) Leer(ctx context.Context, claves ...string) ([]compras.Valor, error) {
	ctx, soltar := context.WithTimeout(ctx, plazoEstado)
	defer soltar()
	juntos := map[string]compras.Valor{}
	if len(claves) > 1 {
		items, err := a.Sidecar.GetBulkState(ctx, Store, claves, nil, 1)
		if err != nil {
			return nil, noResponde("leer", err)
		}
		for _, i := range items {
			if i.Error != "" {
				return nil, noResponde("leer", errors.New(i.Error))
			}
			juntos[i.Key] = compras.Valor{Texto: i.Value, Version: i.Etag}
		}
	}
	valores := make([]compras.Valor, len(claves))
	for n, clave := range claves {
		if valores[n] = juntos[clave]; valores[n].Version != "" {
			continue
		}
		// What is not there is asked for by itself: the component's reading of many (state.postgresql v2, of Dapr 1.18.1) takes
		// a connection that broke for the end of what it found.
		i, err := a.Sidecar.GetState(ctx, Store, clave, nil)
		if err != nil {
			return nil, noResponde("leer", err)
		}
		valores[n] = compras.Valor{Texto: i.Value, Version: i.Etag}
	}
	weight := 0
	for _, v := range valores {
		weight += len(v.Texto) * memory.Weight
	}
	return valores, memory.From(ctx).Take(int64(weight))
}

// Crear implements compras.Almacen. The store refuses a second first write with the same code as any trouble of its
// own, so that a look at the key tells which it was.
func (a Almacen) Crear(ctx context.Context, clave string, texto []byte, vida time.Duration) error {
	err := a.guardar(ctx, clave, "", texto, vida)
	if err == nil {
		return nil
	}
	if hay, alLeer := a.Leer(memory.Uncharged(ctx), clave); alLeer == nil && hay[0].Version != "" {
		return compras.ErrYaCambio
	}
	return err
}

// Reemplazar implements compras.Almacen.
func (a Almacen) Reemplazar(ctx context.Context, clave, version string, texto []byte, vida time.Duration) error {
	return a.guardar(ctx, clave, version, texto, vida)
}

func (a Almacen) guardar(ctx context.Context, clave, version string, texto []byte, vida time.Duration) error {
	ctx, soltar := context.WithTimeout(ctx, plazoEstado)
	defer soltar()
	err := a.Sidecar.SaveStateWithETag(ctx, Store, clave, texto, version,
		map[string]string{"ttlInSeconds": strconv.Itoa(int(vida.Seconds()))}, dapr.WithConcurrency(dapr.StateConcurrencyFirstWrite))
	return deEstado("guardar", err)
}

// Borrar implements compras.Almacen.
func (a Almacen) Borrar(ctx context.Context, clave, version string) error {
	ctx, soltar := context.WithTimeout(ctx, plazoEstado)
	defer soltar()
	err := a.Sidecar.DeleteStateWithETag(ctx, Store, clave, &dapr.ETag{Value: version}, nil,
		&dapr.StateOptions{Concurrency: dapr.StateConcurrencyFirstWrite})
	return deEstado("borrar", err)
}

func deEstado(que string, err error) error {
	switch {
	case err == nil:
		return nil
	case status.Code(err) == codes.Aborted: // the ETag is not that any more
		return compras.ErrYaCambio
	default:
		return noResponde(que, err)
	}
}

// noResponde: whatever else the store says is trouble of its own, for which the sidecar has more than one code.
func noResponde(que string, causa error) error {
	return &errores.Error{
		Codigo: errores.NoDisponible, Mensaje: "El almacén de estado no responde. Intente de nuevo en unos segundos.",
		Causa: fmt.Errorf("%s: %w", que, causa),
	}
}
