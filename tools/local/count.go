package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is a line of `go test -json`.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// tell reads `go test -json` and tells it for people: a line a package, the output of what failed, a count at the end.
func tell(r io.Reader, w io.Writer) error {
	said := map[string]*strings.Builder{} // output by package and test, until it is known whether it failed
	passed, failed, skipped, total := map[string]int{}, map[string]int{}, 0, [2]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(w, lines.Text())
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			fmt.Fprint(w, e.Output)
		case "output":
			if said[key] == nil {
				said[key] = &strings.Builder{}
			}
			said[key].WriteString(e.Output)
		case "pass", "fail", "skip":
			switch {
			case e.Test != "" && e.Action == "pass":
				passed[e.Package]++
			case e.Test != "" && e.Action == "skip":
				skipped++
			case e.Test != "":
				failed[e.Package]++
				fmt.Fprint(w, said[key])
			case e.Action == "pass":
				fmt.Fprintf(w, "ok  \t%s\t%.1fs\t%d pruebas\n", e.Package, e.Elapsed, passed[e.Package])
			case e.Action == "fail":
				if failed[e.Package] == 0 { // it did not build, or it ended the process
					failed[e.Package] = 1
					fmt.Fprint(w, said[key])
				}
				fmt.Fprintf(w, "FAIL\t%s\t%.1fs\n", e.Package, e.Elapsed)
			}
			if e.Test == "" {
				total[0], total[1] = total[0]+passed[e.Package], total[1]+failed[e.Package]
			}
			delete(said, key)
		}
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", total[0], total[1], skipped)
	if total[1] > 0 {
		return fmt.Errorf("fallaron %d pruebas", total[1])
	}
	return lines.Err()
}
