package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"entregas/tests/auditor"
)

// fila is what the matrix says of one fault at one step.
type fila struct {
	que, paso         string
	veces             int
	compras, perdidas int
	late              int           // purchases that were not at their end by limite, those that never were among them
	peor              time.Duration // from the fault's end until the last purchase that it met was at its end
	door              answers       // from the fault's begin until then
	nota              string
	skipped           string // why it did not occur, the last time that it did not
}

// limite is how long the purchases that a fault met may take to their end after it: later is a failure of the run.
const limite = 3 * time.Minute

// late is a purchase that was not at its end by limite.
type late struct {
	row *fila
	fin time.Time // of the fault
}

// episodio does one fault while customers buy, and waits until every purchase that it met has come to its end and every
// process is healthy. One that is late already belongs to the fault that made it so.
func (c *caos) episodio(ctx context.Context, n int, f falla) {
	fila := c.fila(f)
	fmt.Printf("%s  %3d  %-58s %-30s ", time.Now().UTC().Format("15:04:05"), n, f.que, f.paso)
	comienzo, before := time.Now(), c.carga.answers()
	afectadas := c.carga.pendientes(c.onTime)
	err := f.hacer(ctx, c)
	fin := time.Now()
	if errors.Is(err, errNoOcurrio) {
		fila.skipped = err.Error()
		fmt.Println(err)
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
		return c.onTime(p) && p.aceptada.After(comienzo) && p.aceptada.Before(corte)
	})...)
	slices.Sort(afectadas)
	afectadas = slices.Compact(afectadas)
	tarde := c.esperar(ctx, afectadas)
	c.esperarSanos(ctx)
	recuperacion := max(0, c.carga.ultimaLlegada(afectadas).Sub(fin))
	door := c.carga.answers().minus(before)
	fila.compras += len(afectadas)
	fila.late += len(tarde)
	fila.peor = max(fila.peor, recuperacion)
	fila.door = fila.door.plus(door)
	for _, id := range afectadas {
		c.exposed[id] = c.exposed[id] || f.mayNeedMending
	}
	fmt.Printf("%3d compras, %d a más de %s, recuperada en %5.1f s; %d peticiones, %d con 5xx, %d con 401, %d sin respuesta\n",
		len(afectadas), len(tarde), limite, recuperacion.Seconds(), door.asked, door.errors5xx, door.refused, door.none)
	for _, id := range tarde {
		c.late[id] = late{fila, fin}
		fmt.Println(c.auditor.Historia(ctx, id))
	}
}

func (c *caos) onTime(p *seguida) bool {
	_, is := c.late[p.id]
	return !is
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
	mended := c.setAside(informe)
	c.settle(quedan)
	texto := c.tabla(a, duracion, informe, mended)
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
	for id, l := range c.late {
		if !slices.Contains(quedan, id) {
			fmt.Printf("FALTA %s llegó a su final más de %s después de: %s\n", id, limite, l.row.que)
		}
	}
	for _, f := range c.carga.fallos {
		fmt.Println("FALTA", f)
	}
	if n := len(informe.Faltas) + len(quedan) + len(c.late) + len(c.carga.fallos); n > 0 {
		return fmt.Errorf("%d faltas", n)
	}
	return nil
}

// setAside takes out of the report what the reconcilers found of purchases that met a fault which may need them: mending
// these is what reconcilers are for. It gives how many these were.
func (c *caos) setAside(i *auditor.Informe) (mended int) {
	i.Faltas = slices.DeleteFunc(i.Faltas, func(f auditor.Falta) bool {
		theirs := c.exposed[f.IDCompra] && strings.HasPrefix(f.Que, "el reconciliador halló")
		if theirs {
			mended++
		}
		return theirs
	})
	return mended
}

// settle writes into the rows what became of the late ones.
func (c *caos) settle(quedan []string) {
	for id, l := range c.late {
		if slices.Contains(quedan, id) {
			l.row.perdidas++
			continue
		}
		l.row.peor = max(l.row.peor, c.carga.ultimaLlegada([]string{id}).Sub(l.fin))
	}
}

func enMayusculas(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }
