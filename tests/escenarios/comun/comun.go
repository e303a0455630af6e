// Package comun is what the scenarios share: a fresh copy of the system with the settings that a scenario asks for, many
// purchases at once, and the books at the end.
package comun

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/tests/auditor"
	"entregas/tests/cliente"
)

// Escenario is a running copy of everything, for one scenario.
type Escenario struct {
	Local             *cliente.Local
	Entorno           cliente.Entorno
	BFF               *cliente.Cliente
	Gestor, Productos *cliente.Base
	Corrida           string // names this run's customers
	inicio            time.Time
	llamadas          int
}

// Correr runs a scenario: on a copy with new data and the given settings (as in local.env), which it stops afterwards.
func Correr(nombre string, ajustes []string, hacer func(ctx context.Context, e *Escenario) error) {
	ctx, soltar := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := correr(ctx, nombre, ajustes, hacer)
	soltar()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func correr(ctx context.Context, nombre string, ajustes []string, hacer func(ctx context.Context, e *Escenario) error) (err error) {
	e := &Escenario{inicio: time.Now(), Corrida: nombre + "-" + time.Now().UTC().Format("150405")}
	if e.Local, err = cliente.NuevoLocal(cmp.Or(os.Getenv("INSTANCIA"), "caos"), ajustes...); err != nil {
		return err
	}
	defer func() {
		plazo, soltar := context.WithTimeout(context.Background(), 2*time.Minute)
		defer soltar()
		if alParar := e.Local.Orden(plazo, "down"); err == nil {
			err = alParar
		}
	}()
	e.Decir("arranco una copia con datos nuevos y estos ajustes: %v", ajustes)
	for _, orden := range []string{"reset", "up"} {
		if err := e.Local.Orden(ctx, orden); err != nil {
			return err
		}
	}
	if e.Entorno, err = e.Local.Entorno(ctx); err != nil {
		return err
	}
	e.BFF = cliente.Nuevo(e.Entorno.BFF)
	if e.Gestor, err = cliente.AbrirBase(ctx, e.Entorno.DSNGestorCompra); err != nil {
		return err
	}
	defer e.Gestor.Cerrar()
	if e.Productos, err = cliente.AbrirBase(ctx, e.Entorno.DSNProductos); err != nil {
		return err
	}
	defer e.Productos.Cerrar()
	if _, err := cliente.Directo(e.Entorno.Admin).Surtir(ctx, map[string]int{"1": 100_000, "2": 100_000}, e.Corrida); err != nil {
		return err
	}
	return hacer(ctx, e)
}

// Decir tells one step, with the time since the start.
func (e *Escenario) Decir(formato string, args ...any) {
	fmt.Printf("[%5.1f s] %s\n", time.Since(e.inicio).Seconds(), fmt.Sprintf(formato, args...))
}

// Comprar sends n purchases of one unit, so many at a time, and gives their ids. No customer has more than 50: ordenes lets
// one have a hundred open orders.
func (e *Escenario) Comprar(ctx context.Context, quien string, n, aLaVez int, domicilio bool) ([]string, error) {
	e.llamadas++
	ids, errs, numeros := make([]string, n), make([]error, n), make(chan int)
	var grupo sync.WaitGroup
	for range aLaVez {
		grupo.Go(func() {
			for i := range numeros {
				s := contracts.SolicitudCompra{
					ID:        uuid.Must(uuid.NewV7()).String(),
					IDUsuario: fmt.Sprintf("%s-%s-%d-%d", e.Corrida, quien, e.llamadas, i/50), Domicilio: domicilio,
					Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}},
				}
				ids[i], errs[i] = s.ID, e.insist(ctx, s)
			}
		})
	}
	for i := range n {
		numeros <- i
	}
	close(numeros)
	grupo.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// insist sends a purchase again where a busy machine was too slow to say that it has it.
func (e *Escenario) insist(ctx context.Context, s contracts.SolicitudCompra) error {
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(time.Second) {
		_, err := e.BFF.Comprar(ctx, s)
		var p *cliente.Problema
		if err == nil || !errors.As(err, &p) || p.Status < 500 || time.Now().After(until) {
			return err
		}
	}
}

// Hasta waits until so many of the purchases are in the state.
func (e *Escenario) Hasta(ctx context.Context, plazo time.Duration, ids []string, cuantas int, estado contracts.Estado) error {
	ctx, soltar := context.WithTimeout(ctx, plazo)
	defer soltar()
	for n := 0; ; time.Sleep(200 * time.Millisecond) {
		leidas, err := cliente.Uno[int](ctx, e.Gestor, `select count(*) from compra where id = any($1) and estado = $2`, ids, estado)
		if err == nil {
			n = leidas
		}
		if n >= cuantas {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("en %s hay %d de %d compras %s", plazo, n, cuantas, estado)
		}
	}
}

// Auditar has the books checked by somebody else. What begins with one of salvo was done on purpose.
func (e *Escenario) Auditar(ctx context.Context, ids []string, salvo ...string) error {
	a, err := auditor.Abrir(ctx, auditor.Direcciones{
		DSNGestorCompra: e.Entorno.DSNGestorCompra, DSNProductos: e.Entorno.DSNProductos, DSNOrdenes: e.Entorno.DSNOrdenes,
		PulsarURL: e.Entorno.PulsarURL, PulsarAdmin: e.Entorno.PulsarAdmin,
	})
	if err != nil {
		return err
	}
	defer a.Cerrar()
	i, err := a.RevisarHasta(ctx, time.Minute, ids)
	if err != nil {
		return err
	}
	i.Faltas = slices.DeleteFunc(i.Faltas, func(f auditor.Falta) bool {
		return slices.ContainsFunc(salvo, func(s string) bool { return strings.HasPrefix(f.Que, s) })
	})
	e.Decir("auditoría: %d compras, %v, %d faltas", i.Compras, i.PorEstado, len(i.Faltas))
	for _, f := range i.Faltas {
		fmt.Printf("FALTA %s %s\n", f.IDCompra, f.Que)
	}
	if len(i.Faltas) > 0 {
		return fmt.Errorf("%d faltas", len(i.Faltas))
	}
	return nil
}

// Percentil is the nearest rank, in seconds.
func Percentil(valores []float64, p float64) float64 {
	if len(valores) == 0 {
		return math.NaN()
	}
	ordenados := slices.Sorted(slices.Values(valores))
	return ordenados[max(0, int(math.Ceil(float64(len(ordenados))*p/100))-1)]
}

// Decodificar reads what an answer carries.
func Decodificar[T any](r cliente.Respuesta) (T, error) {
	var v T
	return v, json.Unmarshal(r.Cuerpo, &v)
}
