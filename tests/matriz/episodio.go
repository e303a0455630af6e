package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// fila is what the matrix says of one fault at one step.
type fila struct {
	que, paso         string
	veces             int
	compras, perdidas int
	peor              time.Duration // from the fault's end until the last purchase that it met was at its end
	nota              string
}

// limite is how long the purchases of an episode may take after the fault. It is far beyond what any fault needs: it tells
// lost from late.
const limite = 5 * time.Minute

// episodio does one fault while customers buy, and waits until every purchase that it met has come to its end and every
// process is healthy.
func (c *caos) episodio(ctx context.Context, n int, f falla) {
	fila := c.fila(f)
	fmt.Printf("%s  %3d  %-58s %-30s ", time.Now().UTC().Format("15:04:05"), n, f.que, f.paso)
	comienzo := time.Now()
	afectadas := c.carga.pendientes(func(*seguida) bool { return true })
	err := f.hacer(ctx, c)
	fin := time.Now()
	if errors.Is(err, errNoOcurrio) {
		fmt.Println("no ocurrió: ninguna compra pasó por ahí")
		return
	}
	fila.veces++
	if err != nil {
		fila.nota = err.Error()
		fmt.Printf("(%v) ", err)
	}
	dormir(ctx, 2*time.Second)
	corte := time.Now()
	afectadas = append(afectadas, c.carga.pendientes(func(p *seguida) bool {
		return p.aceptada.After(comienzo) && p.aceptada.Before(corte)
	})...)
	slices.Sort(afectadas)
	afectadas = slices.Compact(afectadas)
	perdidas := c.esperar(ctx, afectadas)
	c.esperarSanos(ctx)
	recuperacion := max(0, c.carga.ultimaLlegada(afectadas).Sub(fin))
	fila.compras += len(afectadas)
	fila.perdidas += len(perdidas)
	fila.peor = max(fila.peor, recuperacion)
	fmt.Printf("%3d compras, %d perdidas, recuperada en %5.1f s\n", len(afectadas), len(perdidas), recuperacion.Seconds())
	for _, id := range perdidas {
		fmt.Println(c.auditor.Historia(ctx, id))
	}
}

func (c *caos) fila(f falla) *fila {
	clave := f.que + "/" + f.paso
	if c.filas[clave] == nil {
		c.filas[clave] = &fila{que: f.que, paso: f.paso}
		c.orden = append(c.orden, clave)
	}
	return c.filas[clave]
}

// esperar waits for the purchases and gives those that did not come to their end.
func (c *caos) esperar(ctx context.Context, ids []string) []string {
	suyas := map[string]bool{}
	for _, id := range ids {
		suyas[id] = true
	}
	for hasta := time.Now().Add(limite); ; dormir(ctx, 100*time.Millisecond) {
		quedan := c.carga.pendientes(func(p *seguida) bool { return suyas[p.id] })
		if len(quedan) == 0 || time.Now().After(hasta) || ctx.Err() != nil {
			return quedan
		}
	}
}

func (c *caos) esperarSanos(ctx context.Context) {
	for hasta := time.Now().Add(2 * time.Minute); ; dormir(ctx, 500*time.Millisecond) {
		err := c.local.Sanos(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		if time.Now().After(hasta) {
			fmt.Printf("(%v) ", err)
			return
		}
	}
}

// concluir waits for the last purchases, has the books audited, and prints the matrix.
func (c *caos) concluir(ctx context.Context, a ajustes, duracion time.Duration) error {
	quedan := c.esperar(ctx, c.carga.ids())
	informe, err := c.auditor.RevisarHasta(ctx, 90*time.Second, c.carga.ids())
	if err != nil {
		return fmt.Errorf("auditoría: %w", err)
	}
	texto := c.tabla(a, duracion, informe)
	fmt.Print("\n" + texto)
	if a.informe != "" {
		if err := os.WriteFile(a.informe, []byte(texto), 0o644); err != nil { // #nosec G306 -- a document
			return err
		}
	}
	contadas := map[string]bool{}
	for _, f := range informe.Faltas {
		fmt.Printf("FALTA %s %s\n", f.IDCompra, f.Que)
		if f.IDCompra != "" && !contadas[f.IDCompra] && len(contadas) < 20 {
			contadas[f.IDCompra] = true
			fmt.Println(c.auditor.Historia(ctx, f.IDCompra))
		}
	}
	for _, id := range quedan {
		p := c.carga.todas[id]
		fmt.Printf("FALTA %s (%s) está %s y debía terminar %v\n%s\n", id, p.clase, p.estado, p.finales, c.auditor.Historia(ctx, id))
	}
	for _, f := range c.carga.fallos {
		fmt.Println("FALTA", f)
	}
	if n := len(informe.Faltas) + len(quedan) + len(c.carga.fallos); n > 0 {
		return fmt.Errorf("%d faltas", n)
	}
	return nil
}

func enMayusculas(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }
