package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"entregas/tests/auditor"
)

// table is the matrix in Markdown.
func (c *chaos) table(a settings, duration time.Duration, i *auditor.Report, mended int) string {
	var t strings.Builder
	episodes, acceptedOnes := 0, len(c.load.all)
	for _, f := range c.rows {
		episodes += f.times
	}
	fmt.Fprintf(&t, "Semilla %d, %s, %d fallas, %d compras aceptadas (%d en la base).\n\n", a.seed, duration.Round(time.Second), episodes, acceptedOnes, i.Compras)
	t.WriteString("| falla | paso | veces | compras | a más de 3 min | perdidas | recuperación más larga | peticiones | 5xx | 401 | sin respuesta |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	keys := slices.Clone(c.order)
	slices.Sort(keys)
	var aside strings.Builder
	for _, k := range keys {
		f := c.rows[k]
		if f.times == 0 {
			fmt.Fprintf(&aside, "- %s (%s): %s\n", f.what, f.step, f.skipped)
			continue
		}
		if f.note != "" {
			fmt.Fprintf(&aside, "- %s (%s): %s\n", f.what, f.step, f.note)
		}
		fmt.Fprintf(&t, "| %s | %s | %d | %d | %d | %d | %.1f s | %d | %d | %d | %d |\n", f.what, f.step, f.times, f.compras, f.late, f.lost, f.worst.Seconds(),
			f.door.asked, f.door.errors5xx, f.door.refused, f.door.none)
	}
	if aside.Len() > 0 {
		t.WriteString("\nLo que no ocurrió, y lo que salió de otro modo:\n\n" + aside.String())
	}
	t.WriteString("\nAuditoría: ")
	for _, e := range slices.Sorted(maps.Keys(i.ByEstado)) {
		fmt.Fprintf(&t, "%d %s, ", i.ByEstado[e], e)
	}
	fmt.Fprintf(&t, "%d registros en eventos-compra, %d faltas; los reconciliadores mendaron %d veces donde la falla puede necesitarlo.\n", i.Events, len(i.Violations), mended)
	for _, topic := range slices.Sorted(maps.Keys(i.DeadLetters)) {
		if i.DeadLetters[topic] > 0 {
			fmt.Fprintf(&t, "Mensajes muertos de %s: %d.\n", topic, i.DeadLetters[topic])
		}
	}
	return t.String()
}
