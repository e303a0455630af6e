package postgres_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/services/internal/basetest"
	"entregas/services/internal/inbox"
	"entregas/services/ordenes/postgres"
)

// oficina keeps orders in a database of its own.
type oficina struct {
	*postgres.Almacen
	pool *pgxpool.Pool
}

func nuevaOficina(t testing.TB, maxAbiertas int) oficina {
	t.Helper()
	pool := basetest.Nueva(t, postgres.Migraciones)
	return oficina{postgres.Nuevo(pool, maxAbiertas), pool}
}

// pedir sends one command, in an envelope of its own.
func (o oficina) pedir(tipo contracts.Tipo, idCompra, idUsuario string) (postgres.Respuesta, error) {
	ctx := context.Background()
	datos := contracts.DatosComandoOrden{IDCompra: idCompra, IDUsuario: idUsuario, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}}, Domicilio: true}
	c, err := inbox.DeMensaje(contracts.NuevoMensaje("prueba", tipo, "", datos), idCompra)
	if err != nil {
		return postgres.Respuesta{}, err
	}
	if tipo == contracts.CrearOrden {
		return o.Crear(ctx, c, datos)
	}
	return o.Cancelar(ctx, c)
}

func (o oficina) exigir(t testing.TB, tipo contracts.Tipo, idCompra, idUsuario string, espera contracts.Tipo) postgres.Respuesta {
	t.Helper()
	r, err := o.pedir(tipo, idCompra, idUsuario)
	if err != nil || r.Tipo != espera || r.Data.RespondeA != string(tipo) || r.Data.IDCompra != idCompra {
		t.Fatalf("%s: respondió %+v, %v; se esperaba %s", tipo, r, err, espera)
	}
	return r
}

func (o oficina) estado(t testing.TB, id string) contracts.EstadoOrden {
	t.Helper()
	orden, err := o.Orden(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return orden.Estado
}

func (o oficina) contar(t testing.TB, consulta string) (n int) {
	t.Helper()
	if err := o.pool.QueryRow(context.Background(), consulta).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func compra() string { return uuid.Must(uuid.NewV7()).String() }

// publicados takes what is published, and fails while falla is set.
type publicados struct {
	mu    sync.Mutex
	lista []contracts.DatosEventoOrden
	falla error
}

func (p *publicados) publicar(_ context.Context, tipo contracts.Tipo, data contracts.DatosEventoOrden) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.falla != nil {
		return p.falla
	}
	if tipo != contracts.OrdenDespachada || data.RespondeA != "" {
		panic("no es lo que un despacho avisa")
	}
	p.lista = append(p.lista, data)
	return nil
}
