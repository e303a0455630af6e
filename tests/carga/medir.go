package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/tests/cliente"
)

type medidor struct {
	entorno cliente.Entorno
	almacen *cliente.Cliente // where the stock is
	compras *cliente.Cliente // where purchases are sent
	gestor  *cliente.Base
	total   int
}

type resultado struct {
	porSegundo    float64
	p50, p95, p99 float64 // ms from its first history entry to CONFIRMADA
	estados       string
}

// surtido is how many products the load buys of; each purchase has one to three lines of one to three units.
const surtido = 10

// medir buys m.total times with enVuelo at once: each next one is sent when one is at rest.
func (m *medidor) medir(ctx context.Context, enVuelo int) (resultado, error) {
	corrida := fmt.Sprintf("carga-%s-%d", marca, enVuelo)
	minimos := map[string]int{}
	for i := range surtido {
		minimos[fmt.Sprint(i+1)] = m.total * 3
	}
	if _, err := m.almacen.Surtir(ctx, minimos, corrida); err != nil {
		return resultado{}, err
	}
	espera := nuevaEspera(m.gestor)
	ctxEspera, soltar := context.WithCancel(ctx)
	defer soltar()
	go espera.correr(ctxEspera)

	var grupo sync.WaitGroup
	fallos, numeros := make(chan error, enVuelo), make(chan int)
	inicio := time.Now()
	for range enVuelo {
		grupo.Go(func() {
			for i := range numeros {
				if err := m.una(ctx, espera, corrida, i); err != nil {
					select {
					case fallos <- err:
					default: // the first ones say it
					}
				}
			}
		})
	}
	for i := range m.total {
		numeros <- i
	}
	close(numeros)
	grupo.Wait()
	duracion := time.Since(inicio)
	select {
	case err := <-fallos:
		return resultado{}, err
	default:
	}
	r, err := m.resumir(ctx, corrida)
	r.porSegundo = float64(m.total) / duracion.Seconds()
	return r, err
}

// una sends the purchase number i of the run and waits until it is at rest.
func (m *medidor) una(ctx context.Context, espera *espera, corrida string, i int) error {
	s := contracts.SolicitudCompra{ID: uuid.Must(uuid.NewV7()).String(), IDUsuario: fmt.Sprintf("%s-%d", corrida, i%50), Domicilio: i%4 == 0}
	for k := range 1 + i%3 {
		s.Productos = append(s.Productos, contracts.Linea{IDProducto: fmt.Sprint(1 + (i+3*k)%surtido), Cantidad: 1 + (i+k)%3})
	}
	aceptada, err := m.compras.Comprar(ctx, s)
	if err != nil {
		return fmt.Errorf("comprar: %w", err)
	}
	return espera.hasta(ctx, aceptada.ID)
}

// resumir reads the run's histories.
func (m *medidor) resumir(ctx context.Context, corrida string) (resultado, error) {
	type fila struct {
		Estado string
		Ms     float64
	}
	filas, err := cliente.Filas[fila](ctx, m.gestor, `
		select c.estado, coalesce(extract(epoch from max(h.en) filter (where h.paso = 'CONFIRMADA') - min(h.en)) * 1000, 0)::float8 as ms
		from compra c join historia h on h.id_compra = c.id where c.id_usuario like $1 || '-%' group by c.id`, corrida)
	if err != nil {
		return resultado{}, err
	}
	cuantas, tiempos := map[string]int{}, []float64{}
	for _, f := range filas {
		cuantas[f.Estado]++
		if f.Ms > 0 {
			tiempos = append(tiempos, f.Ms)
		}
	}
	slices.Sort(tiempos)
	var estados []string
	for _, e := range slices.Sorted(maps.Keys(cuantas)) {
		estados = append(estados, fmt.Sprintf("%d %s", cuantas[e], e))
	}
	return resultado{p50: percentil(tiempos, 50), p95: percentil(tiempos, 95), p99: percentil(tiempos, 99), estados: strings.Join(estados, ", ")}, nil
}

// percentil is the nearest rank of sorted values.
func percentil(valores []float64, p int) float64 {
	if len(valores) == 0 {
		return 0
	}
	return valores[max(0, (len(valores)*p+99)/100-1)]
}
