// Command mutants shows that each case of the conformance kit can fail: it builds a service of ours with a small mistake, and requires
// that the kit fails it by that case. mutants.yaml has the mistakes.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	instance := flag.String("beside", "up", "the instance of the system beside which the mutants run")
	only := flag.String("only", "", "only the mutants of these cases, with commas between them")
	flag.Parse()
	survivors, err := run(*instance, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(2)
	}
	if survivors > 0 {
		os.Exit(1)
	}
}

// run judges all mutants and returns the number of those that pass their case. The working directory is the folder of the project.
func run(instance, only string) (survivors int, err error) {
	all, err := Read("tests/conformance/mutants/mutants.yaml")
	if err != nil {
		return 0, err
	}
	folder, err := filepath.Abs(".local/conformance/mutants")
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return 0, err
	}
	kit := filepath.Join(folder, "kit")
	if text, err := command(exec.Command("go", "build", "-o", kit, "./tests/conformance")); err != nil { // #nosec G204 -- the project's own program
		return 0, fmt.Errorf("build the kit: %w\n%s", err, text)
	}
	fmt.Printf("%-12s %-17s %-16s %-9s %7s  %s\n", "ROLE", "CASE", "MUTANT OF", "RESULT", "SECONDS", "WHAT IT DOES, AND WHAT THE KIT SAYS")
	for _, m := range all {
		if only != "" && !slices.Contains(strings.Split(only, ","), m.Case) {
			continue
		}
		start := time.Now()
		result, says := "none", m.None
		if m.None == "" {
			result, says = judge(m, instance, folder, kit)
		}
		if result != "none" && result != "fails" {
			survivors++
		}
		fmt.Printf("%-12s %-17s %-16s %-9s %7.1f  %s\n", m.Role, m.Case, cmp.Or(m.App, "-"), result, time.Since(start).Seconds(), strings.TrimPrefix(m.What+": "+says, ": "))
	}
	fmt.Printf("%d mutants survive\n", survivors)
	return survivors, nil
}

// judge builds a mutant and lets the kit judge it. The result is "fails" where the kit fails it by its case.
func judge(m Mutant, instance, folder, kit string) (result, says string) {
	overlay, err := m.overlay(folder)
	if err != nil {
		return "no mutant", err.Error()
	}
	program := filepath.Join(folder, m.App)
	if text, err := command(exec.Command("go", "build", "-overlay", overlay, "-o", program, "./services/"+m.App)); err != nil { // #nosec G204 -- the project's own program
		return "no build", err.Error() + text
	}
	text, err := command(exec.Command(kit, "-beside", instance, "-program", program, "-only", m.Case, "-profile", m.App)) // #nosec G204 -- the kit
	failed := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(m.Case) + ` .* FAILED .*\n +(.*)$`).FindStringSubmatch(text)
	switch {
	case failed != nil:
		return "fails", failed[1]
	case err != nil:
		return "error", strings.TrimSpace(text[max(0, len(text)-300):])
	default:
		return "SURVIVES", ""
	}
}

func command(c *exec.Cmd) (string, error) {
	var text bytes.Buffer
	c.Stdout, c.Stderr = &text, &text
	err := c.Run()
	return text.String(), err
}

// overlay writes the changed files of m, and the file that makes `go build` read them in the place of the committed ones.
func (m Mutant) overlay(folder string) (string, error) {
	changed, err := m.Changed(".")
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for path, text := range changed {
		from, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		replace[from] = filepath.Join(folder, strings.ReplaceAll(path, "/", "_"))
		if err := os.WriteFile(replace[from], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}
