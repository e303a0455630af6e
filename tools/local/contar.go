package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// evento is a line of `go test -json`.
type evento struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// contar reads `go test -json` and tells it for people: a line a package, the output of what failed, a count at the end.
func contar(r io.Reader, w io.Writer) error {
	dicho := map[string]*strings.Builder{} // output by package and test, until it is known whether it failed
	pasaron, fallaron, saltadas, total := map[string]int{}, map[string]int{}, 0, [2]int{}
	lineas := bufio.NewScanner(r)
	lineas.Buffer(nil, 1<<24)
	for lineas.Scan() {
		var e evento
		if json.Unmarshal(lineas.Bytes(), &e) != nil {
			fmt.Fprintln(w, lineas.Text())
			continue
		}
		clave := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			fmt.Fprint(w, e.Output)
		case "output":
			if dicho[clave] == nil {
				dicho[clave] = &strings.Builder{}
			}
			dicho[clave].WriteString(e.Output)
		case "pass", "fail", "skip":
			switch {
			case e.Test != "" && e.Action == "pass":
				pasaron[e.Package]++
			case e.Test != "" && e.Action == "skip":
				saltadas++
			case e.Test != "":
				fallaron[e.Package]++
				fmt.Fprint(w, dicho[clave])
			case e.Action == "pass":
				fmt.Fprintf(w, "ok  \t%s\t%.1fs\t%d pruebas\n", e.Package, e.Elapsed, pasaron[e.Package])
			case e.Action == "fail":
				if fallaron[e.Package] == 0 { // it did not build, or it ended the process
					fallaron[e.Package] = 1
					fmt.Fprint(w, dicho[clave])
				}
				fmt.Fprintf(w, "FAIL\t%s\t%.1fs\n", e.Package, e.Elapsed)
			}
			if e.Test == "" {
				total[0], total[1] = total[0]+pasaron[e.Package], total[1]+fallaron[e.Package]
			}
			delete(dicho, clave)
		}
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", total[0], total[1], saltadas)
	if total[1] > 0 {
		return fmt.Errorf("fallaron %d pruebas", total[1])
	}
	return lineas.Err()
}
