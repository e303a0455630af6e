package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"entregas/contracts"
)

// paper is where the demo draws: one line a thing that happened, in colour on a terminal only.
type paper struct {
	w     io.Writer
	color bool
}

const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "36"
)

func newPaper(f *os.File) *paper {
	info, err := f.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &paper{w: f, color: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p *paper) with(style, text string) string {
	if !p.color || style == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// Title begins a part.
func (p *paper) Title(format string, args ...any) {
	fmt.Fprintln(p.w, "\n"+p.with(bold, fmt.Sprintf(format, args...)))
}

// Linea is plain text.
func (p *paper) Line(format string, args ...any) {
	fmt.Fprintln(p.w, "  "+fmt.Sprintf(format, args...))
}

// Dim is text that one may skip.
func (p *paper) Dim(format string, args ...any) {
	fmt.Fprintln(p.w, "  "+p.with(dim, fmt.Sprintf(format, args...)))
}

// Note explains the last step.
func (p *paper) Note(format string, args ...any) {
	fmt.Fprintln(p.w, "              "+p.with(yellow, "└ "+fmt.Sprintf(format, args...)))
}

// Bad tells what did not go as it should.
func (p *paper) Bad(text string) { fmt.Fprintln(p.w, "  "+p.with(red, "✗ "+text)) }

// Act tells what somebody does.
func (p *paper) Act(text string) { fmt.Fprintln(p.w, "            "+p.with(blue, "▸ "+text)) }

// Paso is a step of a purchase: when, since its start, and what. A state that it enters stands out from what
// else happens to it.
func (p *paper) Step(when time.Duration, step, detail string) {
	style := styles[contracts.Estado(step)]
	mark := "●"
	if !slices.Contains(contracts.Estados, contracts.Estado(step)) {
		style, mark = dim, "·"
	}
	fmt.Fprintf(p.w, "  %8.3f s  %s %s %s\n", when.Seconds(), p.with(style, mark), p.with(style, fmt.Sprintf("%-28s", step)), detail)
}

var styles = map[contracts.Estado]string{
	contracts.EstadoConfirmada: green, contracts.EstadoDespachada: green, contracts.EstadoPorAprobar: blue,
	contracts.EstadoCompensando: yellow, contracts.EstadoRechazada: red, contracts.EstadoCancelada: red, contracts.EstadoFallida: red,
}
