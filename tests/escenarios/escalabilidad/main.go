// Command escalabilidad fills admin-productos' queue and lets it grow by real replicas, as KEDA would in a cluster.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"entregas/contracts"
	"entregas/tests/cliente"
	"entregas/tests/escenarios/comun"
	"entregas/tests/escenarios/escalador"
)

const (
	demora   = 8 // seconds that a reservation takes
	primeras = 5 // with which the rate of one replica is measured
	rafaga   = 90
)

func main() {
	grafico := flag.String("svg", filepath.Join("docs", "results", "scalability.svg"), "dónde dejar el gráfico")
	flag.Parse()
	comun.Correr("escalabilidad", []string{
		fmt.Sprintf("APP_ADMIN_PRODUCTOS_DELAY=%d", demora), "APP_ADMIN_PRODUCTOS_MAX_CONCURRENT_RESERVATIONS=1",
		"APP_GESTOR_COMPRA_STEP_PATIENCE=30m", "APP_GESTOR_COMPRA_ASK_AGAIN_AFTER=30m", "APP_GESTOR_COMPRA_MAX_IN_FLIGHT=200",
	}, func(ctx context.Context, e *comun.Escenario) error { return escalabilidad(ctx, e, *grafico) })
}

func escalabilidad(ctx context.Context, e *comun.Escenario, grafico string) error {
	e.Decir("una réplica, %d s por reserva, un manejador: mido su ritmo con %d compras", demora, primeras)
	ids, err := e.Comprar(ctx, "medida", primeras, primeras, false)
	if err != nil {
		return err
	}
	if err := e.Hasta(ctx, 2*time.Minute, ids, len(ids), contracts.EstadoConfirmada); err != nil {
		return err
	}
	deUna, _, err := ritmo(ctx, e, ids, time.Time{}, time.Now())
	if err != nil {
		return err
	}
	e.Decir("una réplica reserva %.3f compras/s; ahora una ráfaga de %d, y el escalador en marcha", deUna, rafaga)
	m := &mirador{e: e, escalador: escalador.Nuevo(escalador.DeKeda), corren: map[string]bool{}}
	propio, parar := context.WithCancel(ctx)
	terminado := make(chan struct{})
	go func() { defer close(terminado); m.correr(propio) }()
	mas, err := e.Comprar(ctx, "rafaga", rafaga, 16, false)
	if err == nil {
		ids = append(ids, mas...)
		err = e.Hasta(ctx, 5*time.Minute, ids, len(ids), contracts.EstadoConfirmada)
	}
	if err == nil {
		e.Decir("todas confirmadas; espero a que quede una réplica")
		for limite := time.Now().Add(90 * time.Second); m.cuantas() > 1 && time.Now().Before(limite); time.Sleep(time.Second) {
		}
	}
	parar()
	<-terminado
	if err != nil {
		return err
	}
	fmt.Print(enTerminal(m.puntos))
	if err := os.MkdirAll(filepath.Dir(grafico), 0o755); err != nil { // #nosec G301 -- a folder of documents
		return err
	}
	if err := os.WriteFile(grafico, []byte(enSVG(m.puntos)), 0o644); err != nil { // #nosec G306 -- a document
		return err
	}
	e.Decir("gráfico: %s", grafico)
	return m.juzgar(ctx, ids, deUna)
}

// juzgar compares the rate of five with that of one, and looks for anything done twice or undone.
func (m *mirador) juzgar(ctx context.Context, ids []string, deUna float64) error {
	deCinco, n, err := ritmo(ctx, m.e, ids, m.conCinco, m.sinTrabajo)
	if err != nil {
		return err
	}
	m.e.Decir("con cinco réplicas: %.3f compras/s en %d reservas, %.1f veces una", deCinco, n, deCinco/deUna)
	dobles, err := cliente.Uno[int](ctx, m.e.Productos, `select count(*) from (select 1 from movimiento where tipo = 'RESERVA' group by id_compra having count(*) > 1) x`)
	if err != nil {
		return err
	}
	deshechas, err := cliente.Uno[int](ctx, m.e.Gestor, `select count(*) from historia where paso = 'COMPENSANDO'`)
	if err != nil {
		return err
	}
	m.e.Decir("reservadas dos veces: %d; compensadas: %d; réplicas al final: %d", dobles, deshechas, m.cuantas())
	switch {
	case dobles > 0 || deshechas > 0:
		return fmt.Errorf("hubo compras reservadas dos veces o compensadas")
	case m.conCinco.IsZero():
		return fmt.Errorf("no llegó a haber cinco réplicas")
	case deCinco < 4*deUna:
		return fmt.Errorf("cinco réplicas van %.1f veces tan rápido como una; se esperaban 4", deCinco/deUna)
	case m.cuantas() > 1:
		return fmt.Errorf("quedaron %d réplicas", m.cuantas())
	}
	return m.e.Auditar(ctx, ids)
}

// ritmo is how many purchases were reserved per second between two instants: from the first reservation to the last.
func ritmo(ctx context.Context, e *comun.Escenario, ids []string, desde, hasta time.Time) (porSegundo float64, n int, err error) {
	type fila struct{ En time.Time }
	filas, err := cliente.Filas[fila](ctx, e.Productos, `select en from movimiento where tipo = 'RESERVA' and id_compra = any($1) and en between $2 and $3 order by en`, ids, desde, hasta)
	if err != nil {
		return 0, 0, err
	}
	if len(filas) < 3 {
		return 0, len(filas), fmt.Errorf("hay %d reservas: no bastan para medir un ritmo", len(filas))
	}
	return float64(len(filas)-1) / filas[len(filas)-1].En.Sub(filas[0].En).Seconds(), len(filas), nil
}

func replica(n int) string { return fmt.Sprintf("admin-productos-%d", n) }

// deMetricas finds a series in what monitor tells.
func deMetricas(texto, serie string) (float64, bool) {
	for linea := range strings.Lines(texto) {
		if resto, ok := strings.CutPrefix(linea, serie+" "); ok {
			var v float64
			_, err := fmt.Sscan(resto, &v)
			return v, err == nil
		}
	}
	return 0, false
}
