package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"entregas/tests/auditor"
)

// tabla is the matrix in Markdown.
func (c *caos) tabla(a ajustes, duracion time.Duration, i *auditor.Informe, mended int) string {
	var t strings.Builder
	episodios, aceptadas := 0, len(c.carga.todas)
	for _, f := range c.filas {
		episodios += f.veces
	}
	fmt.Fprintf(&t, "Semilla %d, %s, %d fallas, %d compras aceptadas (%d en la base).\n\n", a.semilla, duracion.Round(time.Second), episodios, aceptadas, i.Compras)
	t.WriteString("| falla | paso | veces | compras | a más de 3 min | perdidas | recuperación más larga | peticiones | 5xx | 401 | sin respuesta |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	claves := slices.Clone(c.orden)
	slices.Sort(claves)
	var aside strings.Builder
	for _, k := range claves {
		f := c.filas[k]
		if f.veces == 0 {
			fmt.Fprintf(&aside, "- %s (%s): %s\n", f.que, f.paso, f.skipped)
			continue
		}
		if f.nota != "" {
			fmt.Fprintf(&aside, "- %s (%s): %s\n", f.que, f.paso, f.nota)
		}
		fmt.Fprintf(&t, "| %s | %s | %d | %d | %d | %d | %.1f s | %d | %d | %d | %d |\n", f.que, f.paso, f.veces, f.compras, f.late, f.perdidas, f.peor.Seconds(),
			f.door.asked, f.door.errors5xx, f.door.refused, f.door.none)
	}
	if aside.Len() > 0 {
		t.WriteString("\nLo que no ocurrió, y lo que salió de otro modo:\n\n" + aside.String())
	}
	t.WriteString("\nAuditoría: ")
	for _, e := range slices.Sorted(maps.Keys(i.PorEstado)) {
		fmt.Fprintf(&t, "%d %s, ", i.PorEstado[e], e)
	}
	fmt.Fprintf(&t, "%d registros en eventos-compra, %d faltas; los reconciliadores mendaron %d veces donde la falla puede necesitarlo.\n", i.Eventos, len(i.Faltas), mended)
	for _, tema := range slices.Sorted(maps.Keys(i.Muertos)) {
		if i.Muertos[tema] > 0 {
			fmt.Fprintf(&t, "Mensajes muertos de %s: %d.\n", tema, i.Muertos[tema])
		}
	}
	return t.String()
}
