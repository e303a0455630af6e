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
func (c *caos) tabla(a ajustes, duracion time.Duration, i *auditor.Informe) string {
	var t strings.Builder
	episodios, aceptadas := 0, len(c.carga.todas)
	for _, f := range c.filas {
		episodios += f.veces
	}
	fmt.Fprintf(&t, "Semilla %d, %s, %d fallas, %d compras aceptadas (%d en la base).\n\n", a.semilla, duracion.Round(time.Second), episodios, aceptadas, i.Compras)
	t.WriteString("| falla | paso | veces | compras | perdidas | recuperación más larga |\n|---|---|---:|---:|---:|---:|\n")
	claves := slices.Clone(c.orden)
	slices.Sort(claves)
	for _, k := range claves {
		f := c.filas[k]
		if f.veces == 0 {
			continue
		}
		fmt.Fprintf(&t, "| %s | %s | %d | %d | %d | %.1f s |\n", f.que, f.paso, f.veces, f.compras, f.perdidas, f.peor.Seconds())
	}
	t.WriteString("\nAuditoría: ")
	for _, e := range slices.Sorted(maps.Keys(i.PorEstado)) {
		fmt.Fprintf(&t, "%d %s, ", i.PorEstado[e], e)
	}
	fmt.Fprintf(&t, "%d registros en eventos-compra, %d faltas.\n", i.Eventos, len(i.Faltas))
	for _, tema := range slices.Sorted(maps.Keys(i.Muertos)) {
		if i.Muertos[tema] > 0 {
			fmt.Fprintf(&t, "Mensajes muertos de %s: %d.\n", tema, i.Muertos[tema])
		}
	}
	return t.String()
}
