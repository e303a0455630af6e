package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Result is what became of a case.
type Result struct {
	Case
	Fails   []string // empty for a case that passed
	Notes   []string
	Skipped string // why it was not tried; empty for a case that was
	Took    time.Duration
}

func (r Result) outcome() string {
	switch {
	case r.Skipped != "":
		return "skipped"
	case len(r.Fails) == 0 && r.Kind == Observed:
		return "observed"
	case len(r.Fails) == 0:
		return "passed"
	default:
		return "FAILED"
	}
}

// failed reports whether a result makes the program fail: of the three kinds only a must does.
func (r Result) failed() bool { return r.Kind == Must && len(r.Fails) > 0 }

// printHead, printResult and printSum write the results as a table for a person, each when it is known.
func printHead(w io.Writer) {
	fmt.Fprintf(w, "%-17s %-8s %-5s %-9s %7s  %s\n", "CASE", "KIND", "LEVEL", "RESULT", "SECONDS", "WHAT")
}

func printSum(w io.Writer, app string, results []Result) {
	counts := map[string]int{}
	for _, r := range results {
		counts[string(r.Kind)+" "+r.outcome()]++
	}
	fmt.Fprintf(w, "%s: must %d passed, %d failed; should %d passed, %d failed; %d observed; %d skipped\n", app,
		counts["must passed"], counts["must FAILED"], counts["should passed"], counts["should FAILED"],
		counts["observed observed"], counts["must skipped"]+counts["should skipped"]+counts["observed skipped"])
}

func printResult(w io.Writer, r Result) {
	text := r.Title
	if notes := strings.Join(append(r.Notes, r.Skipped), "; "); strings.Trim(notes, "; ") != "" {
		text += " (" + strings.Trim(notes, "; ") + ")"
	}
	fmt.Fprintf(w, "%-17s %-8s %-5s %-9s %7.1f  %s\n", r.ID, r.Kind, r.Level, r.outcome(), r.Took.Seconds(), text)
	for _, f := range r.Fails {
		fmt.Fprintf(w, "    %s\n", f)
	}
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Seconds string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Skipped *junitMessage `xml:"skipped"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

// writeJUnit writes the results as JUnit XML. A failed should is no failure there, as in the exit code: its text is in the output.
func writeJUnit(path, app string, results []Result) error {
	suite := junitSuite{Name: "conformance of " + app, Tests: len(results)}
	for _, r := range results {
		c := junitCase{Name: r.ID + ": " + r.Title, Class: app + "." + string(r.Kind), Seconds: fmt.Sprintf("%.3f", r.Took.Seconds())}
		c.Output = strings.Join(append(r.Notes, r.Fails...), "\n")
		switch {
		case r.Skipped != "":
			c.Skipped, suite.Skipped = &junitMessage{r.Skipped}, suite.Skipped+1
		case r.failed():
			c.Failure, suite.Failures = &junitMessage{strings.Join(r.Fails, "\n")}, suite.Failures+1
		}
		suite.Cases = append(suite.Cases, c)
	}
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append([]byte(xml.Header), append(text, '\n')...), 0o644)
}
