package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"entregas/tests/auditor"
)

// table returns the matrix in Markdown.
func (c *chaos) table(a settings, duration time.Duration, i *auditor.Report, mended int) string {
	var t strings.Builder
	episodes, acceptedOnes := 0, len(c.load.all)
	for _, f := range c.rows {
		episodes += f.times
	}
	fmt.Fprintf(&t, "Seed %d, %s, %d faults, %d purchases accepted (%d in the database).\n\n", a.seed, duration.Round(time.Second), episodes, acceptedOnes, i.Compras)
	t.WriteString("| fault | step | times | purchases | later than 3 min | lost | longest recovery | requests | 5xx | 401 | no answer |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
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
		t.WriteString("\nFaults that did not occur, and those that went another way:\n\n" + aside.String())
	}
	t.WriteString("\nAudit: ")
	for _, e := range slices.Sorted(maps.Keys(i.ByEstado)) {
		fmt.Fprintf(&t, "%d %s, ", i.ByEstado[e], e)
	}
	fmt.Fprintf(&t, "%d records on eventos-compra, %d violations; the reconcilers mended %d purchases of faults that may need it.\n", i.Events, len(i.Violations), mended)
	for _, topic := range slices.Sorted(maps.Keys(i.DeadLetters)) {
		if i.DeadLetters[topic] > 0 {
			fmt.Fprintf(&t, "Dead letters of %s: %d.\n", topic, i.DeadLetters[topic])
		}
	}
	return t.String()
}
