// Command matriz breaks everything that can break while customers buy, one thing at a time and by a plan that its seed
// makes, and has an independent auditor check the books afterwards: the crash matrix of docs/results.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/uuid"

	"entregas/tests/auditor"
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
}

type ajustes struct {
	minutos, clientes int
	semilla           uint64
	corta             bool
	informe           string
}

func main() {
	ctx, soltar := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var a ajustes
	flag.IntVar(&a.minutos, "minutos", 10, "cuánto dura")
	flag.IntVar(&a.clientes, "clientes", 6, "cuántos compran a la vez")
	flag.Uint64Var(&a.semilla, "semilla", uint64(time.Now().Unix()), "el plan de fallas")
	flag.BoolVar(&a.corta, "corta", false, "una falla de cada clase, y termina")
	flag.StringVar(&a.informe, "informe", "", "escribe la tabla también en este archivo, en Markdown")
	flag.Parse()
	err := correr(ctx, a)
	soltar()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func correr(ctx context.Context, a ajustes) error {
	c := &caos{filas: map[string]*fila{}}
	defer c.cerrar()
	if err := c.abrir(ctx); err != nil {
		return err
	}
	fmt.Printf("caos: semilla %d, %d clientes, %d minutos\n", a.semilla, a.clientes, a.minutos)
	inicio := time.Now()
	c.carga.iniciar(ctx, a.clientes, a.semilla)
	dormir(ctx, 3*time.Second)
	todas := catalogo()
	if a.corta {
		todas = cortas(todas)
	}
	p := nuevoPlan(a.semilla, todas)
	for n := 0; ctx.Err() == nil; n++ {
		if (a.corta && n == len(todas)) || (!a.corta && time.Since(inicio) > time.Duration(a.minutos)*time.Minute) {
			break
		}
		c.episodio(ctx, n+1, p.siguiente())
	}
	c.carga.detener()
	return c.concluir(ctx, a, time.Since(inicio))
}

// abrir starts a fresh system with failpoints, behind the proxies.
func (c *caos) abrir(ctx context.Context) (err error) {
	if c.red, err = abrirRed(); err != nil {
		return err
	}
	if c.local, err = cliente.NuevoLocal("caos"); err != nil {
		return err
	}
	c.fallas = filepath.Join(c.local.Raiz, ".local", "caos", "fallas")
	c.local.Ajustes = append(c.red.ajustes(), "ETIQUETAS=failpoints", "PUERTO_POSTGRES=5432", "PUERTO_PULSAR=6650", "POSTGRES_DSN=")
	for _, s := range aplicaciones {
		c.local.Ajustes = append(c.local.Ajustes, "APP_"+enMayusculas(s)+"_FALLAS="+c.fallas)
	}
	fmt.Println("caos: empiezo con datos nuevos; arranco todo")
	for _, orden := range []string{"reset", "up"} {
		if err := c.local.Orden(ctx, orden); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(c.fallas, 0o755); err != nil { // #nosec G301 -- the services look into it
		return err
	}
	if c.entorno, err = c.local.Entorno(ctx); err != nil {
		return err
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
	c.carga = &carga{bff: cliente.Nuevo(c.entorno.BFF), gestor: gestor, corte: time.Now().UTC().Format("150405")}
	c.auditor, err = auditor.Abrir(ctx, auditor.Direcciones{
		DSNGestorCompra: c.entorno.DSNGestorCompra, DSNProductos: c.entorno.DSNProductos, DSNOrdenes: c.entorno.DSNOrdenes,
		PulsarURL: c.entorno.PulsarURL, PulsarAdmin: c.entorno.PulsarAdmin,
	})
	return err
}

// cerrar stops the instance, but not the books: whoever wants to look can bring it up again.
func (c *caos) cerrar() {
	if c.local != nil {
		ctx, soltar := context.WithTimeout(context.Background(), 2*time.Minute)
		defer soltar()
		if err := c.local.Orden(ctx, "down"); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if c.red != nil {
		c.red.cerrar()
	}
}

func nuevoID() string { return uuid.Must(uuid.NewV7()).String() }
