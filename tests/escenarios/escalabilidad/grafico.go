package main

import (
	"fmt"
	"strings"
)

const anchoTerminal, altoTerminal = 72, 12

// enTerminal draws pending messages as bars and the number of replicas beneath.
func enTerminal(puntos []punto) string {
	columnas := min(anchoTerminal, len(puntos))
	if columnas == 0 {
		return ""
	}
	var mas int64 = 1
	for _, p := range puntos {
		mas = max(mas, p.pendientes)
	}
	de := func(c int) punto { return puntos[c*len(puntos)/columnas] }
	var t strings.Builder
	fmt.Fprintf(&t, "\nmensajes pendientes de comandos-producto\n")
	for fila := altoTerminal; fila > 0; fila-- {
		fmt.Fprintf(&t, "%5d ┤", int64(fila)*mas/altoTerminal)
		for c := range columnas {
			if de(c).pendientes*altoTerminal >= int64(fila)*mas {
				t.WriteRune('█')
			} else {
				t.WriteRune(' ')
			}
		}
		t.WriteString("\n")
	}
	t.WriteString("réplicas")
	for c := range columnas {
		fmt.Fprint(&t, min(9, de(c).replicas))
	}
	fmt.Fprintf(&t, "\n        0 s%*s\n\n", columnas-3, fmt.Sprintf("%.0f s", puntos[len(puntos)-1].en.Seconds()))
	return t.String()
}

// enSVG draws both over time.
func enSVG(puntos []punto) string {
	const ancho, alto, margen = 760.0, 320.0, 50.0
	if len(puntos) == 0 {
		return ""
	}
	total := max(1, puntos[len(puntos)-1].en.Seconds())
	var mas int64 = 1
	for _, p := range puntos {
		mas = max(mas, p.pendientes)
	}
	x := func(p punto) float64 { return margen + p.en.Seconds()/total*(ancho-2*margen) }
	y := func(parte float64) float64 { return alto - margen - parte*(alto-2*margen) }
	var pendientes, replicas strings.Builder
	for i, p := range puntos {
		fmt.Fprintf(&pendientes, "%.1f,%.1f ", x(p), y(float64(p.pendientes)/float64(mas)))
		if i > 0 { // steps: a replica is there or it is not
			fmt.Fprintf(&replicas, "%.1f,%.1f ", x(p), y(float64(puntos[i-1].replicas)/6))
		}
		fmt.Fprintf(&replicas, "%.1f,%.1f ", x(p), y(float64(p.replicas)/6))
	}
	var t strings.Builder
	fmt.Fprintf(&t, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="12" role="img" aria-label="Mensajes pendientes y réplicas de admin-productos en el tiempo">`+"\n", ancho, alto)
	fmt.Fprintf(&t, `<rect width="%.0f" height="%.0f" fill="#fff"/>`+"\n", ancho, alto)
	for k := range 7 {
		parte := float64(k) / 6
		fmt.Fprintf(&t, `<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end" fill="#1f5fa8">%.0f</text><text x="%.0f" y="%.1f" fill="#b3541e">%d</text>`+"\n",
			margen, ancho-margen, y(parte), y(parte), margen-6, y(parte)+4, parte*float64(mas), ancho-margen+6, y(parte)+4, k)
		fmt.Fprintf(&t, `<text x="%.1f" y="%.0f" text-anchor="middle" fill="#444">%.0f s</text>`+"\n", margen+parte*(ancho-2*margen), alto-margen+18, parte*total)
	}
	fmt.Fprintf(&t, `<polyline fill="none" stroke="#1f5fa8" stroke-width="2" points="%s"/>`+"\n", pendientes.String())
	fmt.Fprintf(&t, `<polyline fill="none" stroke="#b3541e" stroke-width="2" points="%s"/>`+"\n", replicas.String())
	fmt.Fprintf(&t, `<text x="%.0f" y="24" fill="#1f5fa8">mensajes pendientes</text><text x="%.0f" y="24" text-anchor="end" fill="#b3541e">réplicas de admin-productos</text>`+"\n</svg>\n", margen, ancho-margen)
	return t.String()
}
