// Command disponibilidad kills each service in turn and leaves it dead for a minute, while customers go on: none of them
// may be told of an error, and all that was bought must come to its end within a minute of the service's return. Then two
// replicas of the bff and of gestor-compra are restarted one by one, and one's sidecar is frozen.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"entregas/contracts"
	"entregas/tests/cliente"
	"entregas/tests/escenarios/comun"
)

const (
	clientes = 3 // some six purchases a second: what a minute piles up has to be done in less than one
	apagado  = 60 * time.Second
	regreso  = 60 * time.Second // within which everything is at its end
)

func main() {
	onlyReplicas := flag.Bool("replicas", false, "only what two replicas do")
	flag.Parse()
	comun.Correr("disponibilidad", nil, func(ctx context.Context, e *comun.Escenario) error {
		u := &uso{e: e, finales: map[string]contracts.Estado{}}
		fmt.Printf("%-16s  %10s  %7s  %8s  %14s  %s\n", "caído 60 s", "peticiones", "errores", "compras", "espera p95/máx", "todas en su final, tras el regreso")
		var mal error
		services := []string{"consolidador", "admin-productos", "ordenes", "gestor-compra", "monitor"}
		if *onlyReplicas {
			services = nil
		}
		for _, servicio := range services {
			if err := u.sin(ctx, servicio); err != nil {
				mal = err
				fmt.Println("MAL", err)
			}
		}
		if err := u.withReplicas(ctx); err != nil {
			mal = errors.Join(mal, err)
			fmt.Println("MAL", err)
		}
		fmt.Printf("\nlo más que esperó un cliente una respuesta: %.2f s, en %d peticiones\n", u.peor.Seconds(), u.total)
		for i, texto := range u.errores {
			if i < 20 {
				fmt.Println("ERROR", texto)
			}
		}
		if mal != nil {
			return mal
		}
		return e.Auditar(ctx, u.ids())
	})
}

// uso is what customers do, and what they were told.
type uso struct {
	e       *comun.Escenario
	mu      sync.Mutex
	finales map[string]contracts.Estado // where each purchase has to end
	esperas []float64                   // of this turn, in seconds
	errores []string
	peor    time.Duration
	total   int
}

// sin kills the service with its sidecar, leaves it dead, and starts it again, under load from before until after.
func (u *uso) sin(ctx context.Context, servicio string) error {
	u.mu.Lock()
	u.esperas = nil
	errores, compras := len(u.errores), len(u.finales)
	u.mu.Unlock()
	parar := u.customers(ctx, servicio)
	time.Sleep(3 * time.Second)
	if _, err := u.e.Local.Matar(ctx, func(p cliente.Proceso) bool { return p.Nombre == servicio }); err != nil {
		parar()
		return err
	}
	if err := u.e.Local.Orden(ctx, "stop", servicio); err != nil { // or the supervisor brings it back
		parar()
		return err
	}
	time.Sleep(apagado)
	err := u.e.Local.Orden(ctx, "start", servicio)
	vuelta := time.Now()
	time.Sleep(2 * time.Second)
	parar()
	if err != nil {
		return err
	}
	tardo, err := u.esperarFinales(ctx, vuelta)
	u.mu.Lock()
	defer u.mu.Unlock()
	fmt.Printf("%-16s  %10d  %7d  %8d  %6.2f/%5.2f s  %.1f s\n", servicio, len(u.esperas), len(u.errores)-errores, len(u.finales)-compras,
		comun.Percentil(u.esperas, 95), comun.Percentil(u.esperas, 100), tardo.Seconds())
	if n := len(u.errores) - errores; n > 0 {
		return fmt.Errorf("sin %s hubo %d peticiones contestadas con un error", servicio, n)
	}
	return err
}

// customers begin to buy, read and cancel, each on their own. The function that it returns ends them, and waits for their requests under way.
func (u *uso) customers(ctx context.Context, name string) (stop func()) {
	going, end := context.WithCancel(ctx)
	var group sync.WaitGroup
	for i := range clientes {
		group.Go(func() {
			for n := 0; going.Err() == nil; n++ {
				u.cliente(ctx, fmt.Sprintf("%s-%s-%d-%d", u.e.Corrida, name, i, n/20))
			}
		})
	}
	return func() { end(); group.Wait() }
}

// cliente buys, reads, and cancels every other time.
func (u *uso) cliente(ctx context.Context, usuario string) {
	a, err := contar(u, func() (cliente.Respuesta, error) {
		return u.e.BFF.Pedir(ctx, http.MethodPost, "/compras", map[string]any{
			"id_usuario": usuario, "domicilio": rand.IntN(2) == 0, "productos": []contracts.Linea{{IDProducto: "1", Cantidad: 1}, {IDProducto: "2", Cantidad: 2}},
		})
	}, "comprar")
	if err != nil {
		return
	}
	u.anotar(a.ID, contracts.EstadoConfirmada)
	for range 2 {
		time.Sleep(time.Duration(150+rand.IntN(200)) * time.Millisecond)
		_, _ = contar(u, func() (cliente.Respuesta, error) { // an error is counted there
			return u.e.BFF.Pedir(ctx, http.MethodGet, "/compras/"+a.ID, nil)
		}, "leer "+a.ID)
	}
	if rand.IntN(2) == 0 {
		return
	}
	if _, err = contar(u, func() (cliente.Respuesta, error) {
		return u.e.BFF.Pedir(ctx, http.MethodPost, "/compras/"+a.ID+"/cancelacion", map[string]string{"motivo": "ya no"})
	}, "cancelar "+a.ID); err == nil {
		u.anotar(a.ID, contracts.EstadoCancelada)
	}
}

// contar makes a request once, without trying again, and notes how long it took and whether it was served.
func contar(u *uso, pedir func() (cliente.Respuesta, error), que string) (contracts.Aceptada, error) {
	inicio := time.Now()
	r, err := pedir()
	duro := time.Since(inicio)
	var a contracts.Aceptada
	if err == nil && r.Estado >= http.StatusBadRequest {
		err = r.Problema()
	} else if err == nil {
		a, err = comun.Decodificar[contracts.Aceptada](r)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.total++
	u.esperas = append(u.esperas, duro.Seconds())
	u.peor = max(u.peor, duro)
	if err != nil {
		u.errores = append(u.errores, fmt.Sprintf("%s %s: %v", time.Now().UTC().Format("15:04:05.000"), que, err))
	}
	return a, err
}

func (u *uso) anotar(id string, final contracts.Estado) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.finales[id] = final
}

func (u *uso) ids() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Collect(maps.Keys(u.finales))
}

// esperarFinales waits until each purchase is where it has to be, and gives how long after the service's return that was.
func (u *uso) esperarFinales(ctx context.Context, vuelta time.Time) (time.Duration, error) {
	type fila struct {
		ID     string
		Estado contracts.Estado
	}
	for {
		faltan, ejemplo := 0, ""
		filas, err := cliente.Filas[fila](ctx, u.e.Gestor, `select id, estado from compra where id = any($1)`, u.ids())
		if err == nil {
			estados := map[string]contracts.Estado{}
			for _, f := range filas {
				estados[f.ID] = f.Estado
			}
			for id, final := range u.finales {
				if estados[id] != final {
					faltan++
					ejemplo = fmt.Sprintf("%s está %q y debía terminar %s", id, estados[id], final)
				}
			}
			if faltan == 0 {
				return time.Since(vuelta), nil
			}
		}
		if time.Since(vuelta) > regreso || ctx.Err() != nil {
			return time.Since(vuelta), errors.Join(fmt.Errorf("%s después del regreso faltan %d compras: %s", regreso, faltan, ejemplo), err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
