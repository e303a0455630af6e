package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"entregas/contracts"
)

// papel is where the demo draws: one line a thing that happened, in colour on a terminal only.
type papel struct {
	w     io.Writer
	color bool
}

const (
	negrita  = "1"
	tenue    = "2"
	rojo     = "31"
	verde    = "32"
	amarillo = "33"
	azul     = "36"
)

func nuevoPapel(f *os.File) *papel {
	info, err := f.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &papel{w: f, color: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p *papel) con(estilo, texto string) string {
	if !p.color || estilo == "" {
		return texto
	}
	return "\x1b[" + estilo + "m" + texto + "\x1b[0m"
}

// Titulo begins a part.
func (p *papel) Titulo(formato string, args ...any) {
	fmt.Fprintln(p.w, "\n"+p.con(negrita, fmt.Sprintf(formato, args...)))
}

// Linea is plain text.
func (p *papel) Linea(formato string, args ...any) {
	fmt.Fprintln(p.w, "  "+fmt.Sprintf(formato, args...))
}

// Tenue is text that one may skip.
func (p *papel) Tenue(formato string, args ...any) {
	fmt.Fprintln(p.w, "  "+p.con(tenue, fmt.Sprintf(formato, args...)))
}

// Nota explains the last step.
func (p *papel) Nota(formato string, args ...any) {
	fmt.Fprintln(p.w, "              "+p.con(amarillo, "└ "+fmt.Sprintf(formato, args...)))
}

// Mal tells what did not go as it should.
func (p *papel) Mal(texto string) { fmt.Fprintln(p.w, "  "+p.con(rojo, "✗ "+texto)) }

// Acto tells what somebody does.
func (p *papel) Acto(texto string) { fmt.Fprintln(p.w, "            "+p.con(azul, "▸ "+texto)) }

// Paso is a step of a purchase: when, since its start, and what. A state that it enters stands out from what
// else happens to it.
func (p *papel) Paso(cuando time.Duration, paso, detalle string) {
	estilo := estilos[contracts.Estado(paso)]
	marca := "●"
	if !slices.Contains(contracts.Estados, contracts.Estado(paso)) {
		estilo, marca = tenue, "·"
	}
	fmt.Fprintf(p.w, "  %8.3f s  %s %s %s\n", cuando.Seconds(), p.con(estilo, marca), p.con(estilo, fmt.Sprintf("%-28s", paso)), detalle)
}

var estilos = map[contracts.Estado]string{
	contracts.EstadoConfirmada: verde, contracts.EstadoDespachada: verde, contracts.EstadoPorAprobar: azul,
	contracts.EstadoCompensando: amarillo, contracts.EstadoRechazada: rojo, contracts.EstadoCancelada: rojo, contracts.EstadoFallida: rojo,
}
