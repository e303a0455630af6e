package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"entregas/contracts"
)

// paper prints the demo: one line for each thing that happened, in colour when the output is a terminal.
type paper struct {
	w     io.Writer
	color bool
}

// The colours and weights of a terminal, as ANSI codes.
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

// Line prints plain text.
func (p *paper) Line(format string, args ...any) {
	fmt.Fprintln(p.w, "  "+fmt.Sprintf(format, args...))
}

// Dim prints a detail that a reader may skip.
func (p *paper) Dim(format string, args ...any) {
	fmt.Fprintln(p.w, "  "+p.with(dim, fmt.Sprintf(format, args...)))
}

// Note explains the step before it.
func (p *paper) Note(format string, args ...any) {
	fmt.Fprintln(p.w, "              "+p.with(yellow, "└ "+fmt.Sprintf(format, args...)))
}

// Bad prints an error.
func (p *paper) Bad(text string) { fmt.Fprintln(p.w, "  "+p.with(red, "✗ "+text)) }

// Act prints what a person does.
func (p *paper) Act(text string) { fmt.Fprintln(p.w, "            "+p.with(blue, "▸ "+text)) }

// Step prints a step of a purchase: the time since its start, its name and its detail. A state stands out from other steps.
func (p *paper) Step(when time.Duration, step, detail string) {
	style := styles[contracts.Estado(step)]
	mark := "●"
	if !slices.Contains(contracts.Estados, contracts.Estado(step)) {
		style, mark = dim, "·"
	}
	fmt.Fprintf(p.w, "  %8.3f s  %s %s %s\n", when.Seconds(), p.with(style, mark), p.with(style, fmt.Sprintf("%-28s", step)), detail)
}

// Result prints how one purchase ended.
func (p *paper) Result(r result) {
	end, style := string(r.end), styles[r.end]
	if r.end == "" {
		end, style = "refused", red
	}
	took := "        "
	if r.took > 0 {
		took = fmt.Sprintf("%6.3f s", r.took.Seconds())
	}
	fmt.Fprintf(p.w, "  %2d  %s  %s  %s\n", r.number, p.with(style, fmt.Sprintf("%-10s", end)), took, r.title)
}

var styles = map[contracts.Estado]string{
	contracts.EstadoConfirmada: green, contracts.EstadoDespachada: green, contracts.EstadoPorAprobar: blue,
	contracts.EstadoCompensando: yellow, contracts.EstadoRechazada: red, contracts.EstadoCancelada: red, contracts.EstadoFallida: red,
}
