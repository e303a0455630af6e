package main

import (
	"fmt"
	"strings"
)

const terminalWidth, terminalHeight = 72, 12

// forTerminal returns a chart for a terminal: the pending messages as bars, and the number of replicas below the bars.
func forTerminal(samples []point) string {
	columns := min(terminalWidth, len(samples))
	if columns == 0 {
		return ""
	}
	var most int64 = 1
	for _, p := range samples {
		most = max(most, p.pending)
	}
	of := func(c int) point { return samples[c*len(samples)/columns] }
	var t strings.Builder
	fmt.Fprintf(&t, "\npending messages of comandos-producto\n")
	for row := terminalHeight; row > 0; row-- {
		fmt.Fprintf(&t, "%5d ┤", int64(row)*most/terminalHeight)
		for c := range columns {
			if of(c).pending*terminalHeight >= int64(row)*most {
				t.WriteRune('█')
			} else {
				t.WriteRune(' ')
			}
		}
		t.WriteString("\n")
	}
	t.WriteString("replicas")
	for c := range columns {
		fmt.Fprint(&t, min(9, of(c).replicas))
	}
	fmt.Fprintf(&t, "\n        0 s%*s\n\n", columns-3, fmt.Sprintf("%.0f s", samples[len(samples)-1].at.Seconds()))
	return t.String()
}

// asSVG returns the same chart as SVG.
func asSVG(samples []point) string {
	const width, height, margin = 760.0, 320.0, 50.0
	if len(samples) == 0 {
		return ""
	}
	total := max(1, samples[len(samples)-1].at.Seconds())
	var most int64 = 1
	for _, p := range samples {
		most = max(most, p.pending)
	}
	x := func(p point) float64 { return margin + p.at.Seconds()/total*(width-2*margin) }
	y := func(part float64) float64 { return height - margin - part*(height-2*margin) }
	var pending, replicas strings.Builder
	for i, p := range samples {
		fmt.Fprintf(&pending, "%.1f,%.1f ", x(p), y(float64(p.pending)/float64(most)))
		if i > 0 { // steps: the number of replicas is whole
			fmt.Fprintf(&replicas, "%.1f,%.1f ", x(p), y(float64(samples[i-1].replicas)/6))
		}
		fmt.Fprintf(&replicas, "%.1f,%.1f ", x(p), y(float64(p.replicas)/6))
	}
	var t strings.Builder
	fmt.Fprintf(&t, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="12" role="img" aria-label="Pending messages and replicas of admin-productos over time">`+"\n", width, height)
	fmt.Fprintf(&t, `<rect width="%.0f" height="%.0f" fill="#fff"/>`+"\n", width, height)
	for k := range 7 {
		part := float64(k) / 6
		fmt.Fprintf(&t, `<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end" fill="#1f5fa8">%.0f</text><text x="%.0f" y="%.1f" fill="#b3541e">%d</text>`+"\n",
			margin, width-margin, y(part), y(part), margin-6, y(part)+4, part*float64(most), width-margin+6, y(part)+4, k)
		fmt.Fprintf(&t, `<text x="%.1f" y="%.0f" text-anchor="middle" fill="#444">%.0f s</text>`+"\n", margin+part*(width-2*margin), height-margin+18, part*total)
	}
	fmt.Fprintf(&t, `<polyline fill="none" stroke="#1f5fa8" stroke-width="2" points="%s"/>`+"\n", pending.String())
	fmt.Fprintf(&t, `<polyline fill="none" stroke="#b3541e" stroke-width="2" points="%s"/>`+"\n", replicas.String())
	fmt.Fprintf(&t, `<text x="%.0f" y="24" fill="#1f5fa8">pending messages</text><text x="%.0f" y="24" text-anchor="end" fill="#b3541e">replicas of admin-productos</text>`+"\n</svg>\n", margin, width-margin)
	return t.String()
}
