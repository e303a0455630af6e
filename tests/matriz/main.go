// Command matriz breaks everything that can break while customers buy, one thing at a time and by a plan that its seed
// makes, and has an independent auditor check the books afterwards: the crash matrix of docs/results.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"entregas/tests/auditor"
	"entregas/tests/balancer"
	"entregas/tests/cliente"
)

type caos struct {
	local   *cliente.Local
	entorno cliente.Entorno
	red     *red
	oreja   *oreja
	broker  *cliente.Broker
	carga   *carga
	auditor *auditor.Auditor
	fallas  string // the folder in which failpoints are armed
	filas   map[string]*fila
	orden   []string
	late    map[string]late // purchases by id
	exposed map[string]bool // purchases that met a fault which a reconciler may have to mend
	azar    *rand.Rand      // how long a fault lasts, and the like
	short   bool
	door    *balancer.Balancer // before the two bffs; nil where there is one
	disk    *disk
	mu      sync.Mutex
	undos   []func() // what must be taken back when this program ends
}

type ajustes struct {
	minutos, clientes int
	semilla           uint64
	corta             bool
	informe, fallas   string
}

func main() {
	ctx, soltar := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var a ajustes
	flag.IntVar(&a.minutos, "minutes", 10, "cuánto dura; 0 es cada falla una vez")
	flag.IntVar(&a.clientes, "clients", 6, "cuántos compran a la vez")
	flag.Uint64Var(&a.semilla, "seed", uint64(time.Now().Unix()), "el plan de fallas")
	flag.BoolVar(&a.corta, "short", false, "una falla de cada clase, y termina")
	flag.StringVar(&a.informe, "report", "", "escribe la tabla también en este archivo, en Markdown")
	flag.StringVar(&a.fallas, "faults", "", "solo aquellas con este nombre: una expresión regular sobre falla/paso")
	flag.Parse()
	err := correr(ctx, a)
	soltar()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func correr(ctx context.Context, a ajustes) (err error) {
	todas, err := chosen(catalogo(), a.fallas)
	if err != nil {
		return err
	}
	if a.corta {
		todas = cortas(todas)
	}
	c := &caos{filas: map[string]*fila{}, late: map[string]late{}, exposed: map[string]bool{}, azar: rand.New(rand.NewPCG(a.semilla, 2)), short: a.corta}
	defer func() { err = errors.Join(err, c.cerrar()) }()
	if err := c.abrir(ctx, todas); err != nil {
		return err
	}
	fmt.Printf("caos: semilla %d, %d clientes, %d minutos, %d fallas distintas\n", a.semilla, a.clientes, a.minutos, len(todas))
	inicio := time.Now()
	c.carga.iniciar(ctx, a.clientes, a.semilla)
	dormir(ctx, 3*time.Second)
	p, once := nuevoPlan(a.semilla, todas), a.corta || a.minutos == 0
	for n := 0; ctx.Err() == nil; n++ {
		if (once && n == len(todas)) || (!once && time.Since(inicio) > time.Duration(a.minutos)*time.Minute) {
			break
		}
		c.episodio(ctx, n+1, p.siguiente())
	}
	c.carga.detener()
	return c.concluir(ctx, a, time.Since(inicio))
}

// abrir starts a fresh system with failpoints, behind the proxies. todas are the faults that it must be fit for.
func (c *caos) abrir(ctx context.Context, todas []falla) (err error) {
	if c.red, err = abrirRed(); err != nil {
		return err
	}
	if c.local, err = cliente.NuevoLocal("caos"); err != nil {
		return err
	}
	c.fallas = filepath.Join(c.local.Raiz, ".local", "caos", "fallas")
	c.local.Ajustes = append(c.red.ajustes(), "BUILD_TAGS=failpoints")
	for _, s := range aplicaciones {
		c.local.Ajustes = append(c.local.Ajustes, "APP_"+enMayusculas(s)+"_FALLAS="+c.fallas)
	}
	fmt.Println("caos: empiezo con datos nuevos; arranco todo")
	if err := c.start(ctx, todas); err != nil {
		return err
	}
	if err := os.MkdirAll(c.fallas, 0o755); err != nil { // #nosec G301 -- the services look into it
		return err
	}
	if c.entorno, err = c.local.Entorno(ctx); err != nil {
		return err
	}
	if !c.short {
		if err := c.openDoor(ctx); err != nil {
			return err
		}
	}
	if _, err := cliente.Directo(c.entorno.Admin).Surtir(ctx, map[string]int{"1": existencia, "2": existencia, "3": existencia, "4": existencia}, "caos"); err != nil {
		return err
	}
	if c.broker, err = cliente.AbrirBroker(c.entorno); err != nil {
		return err
	}
	if c.oreja, err = abrirOreja(ctx, c.entorno); err != nil {
		return err
	}
	gestor, err := cliente.AbrirBase(ctx, c.entorno.DSNGestorCompra)
	if err != nil {
		return err
	}
	bff := cliente.Nuevo(c.entorno.BFF)
	if c.door != nil {
		if bff, err = c.entorno.Through(c.door.URL); err != nil {
			return err
		}
	}
	c.carga = &carga{bff: bff, gestor: gestor, corte: time.Now().UTC().Format("150405")}
	c.auditor, err = auditor.Abrir(ctx, auditor.Direcciones{
		DSNGestorCompra: c.entorno.DSNGestorCompra, DSNProductos: c.entorno.DSNProductos, DSNOrdenes: c.entorno.DSNOrdenes,
		PulsarURL: c.entorno.PulsarURL, PulsarAdmin: c.entorno.PulsarAdmin,
	})
	return err
}

// start sets the instance up anew, with a small disk of its own for PostgreSQL where a fault fills it.
func (c *caos) start(ctx context.Context, todas []falla) error {
	c.disk = c.newDisk()
	if err := c.local.Orden(ctx, "down"); err != nil {
		return err
	}
	if err := c.disk.unmount(false); err != nil { // of a run that was killed
		return err
	}
	if err := c.local.Orden(ctx, "reset"); err != nil {
		return err
	}
	if slices.ContainsFunc(todas, func(f falla) bool { return strings.HasPrefix(f.que, diskFault) }) {
		c.disk.missing = c.disk.mount()
	}
	return c.local.Orden(ctx, "up")
}

// cerrar takes back what is still done to the instance and stops it, but keeps its data, so that it can be brought up again for
// inspection.
func (c *caos) cerrar() (err error) {
	c.undoAll()
	if c.local != nil {
		ctx, soltar := context.WithTimeout(context.Background(), 2*time.Minute)
		defer soltar()
		err = c.local.Orden(ctx, "down")
	}
	if c.disk != nil {
		err = errors.Join(err, c.disk.unmount(true))
	}
	if c.door != nil {
		c.door.Close()
	}
	if c.red != nil {
		c.red.cerrar()
	}
	return err
}

func nuevoID() string { return uuid.Must(uuid.NewV7()).String() }
