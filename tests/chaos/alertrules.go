package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// speedup scales a rule that needs longer than a minute by its nature. The test evaluates a copy of the rules with these changes beside
// the real ones.
type speedup struct {
	file, real, scaled string
	why                string
}

// sloScale divides the windows of the objectives: 5 minutes and an hour become 15 s and 3 minutes.
const sloScale = 20

var speedups = []speedup{
	{"symptoms.yaml", "entregas_oldest_dead_letter_seconds > 900", "entregas_oldest_dead_letter_seconds > 15", "a dead letter may wait 15 minutes; here 15 s"},
	{"symptoms.yaml", "entregas_oldest_delivery_seconds > 600", "entregas_oldest_delivery_seconds > 15", "a delivery may fail for 10 minutes; here 15 s"},
	{"symptoms.yaml", "entregas_oldest_approval_seconds > 72000", "entregas_oldest_approval_seconds > 15", "a purchase may wait 20 hours for approval; here 15 s"},
	{"symptoms.yaml", "entregas_reconciler_last_success_timestamp_seconds > 900", "entregas_reconciler_last_success_timestamp_seconds > 20", "a reconciler may be silent for 15 minutes; here 20 s, which is more than the 15 s between two rounds of gestor-compra"},
}

// window is a duration in the rules of the objectives: of a range, or in the name of a recorded series.
var window = regexp.MustCompile(`(\[|ratio_rate)(5m|30m|1h|2h|6h|1d|3d)\b`)

// scaleWindows divides the windows of the rules of the objectives by sloScale, and gives the recorded series another sloth_id.
// It leaves the names of the series: only the ranges count.
func scaleWindows(text string) string {
	seconds := map[string]int{"5m": 300, "30m": 1800, "1h": 3600, "2h": 7200, "6h": 21600, "1d": 86400, "3d": 259200}
	text = window.ReplaceAllStringFunc(text, func(m string) string {
		if before, name, found := strings.Cut(m, "["); found && before == "" {
			return "[" + strconv.Itoa(seconds[name]/sloScale) + "s"
		}
		return m
	})
	for _, slo := range []string{"entregas-accept", "entregas-finish"} {
		text = strings.ReplaceAll(text, slo, slo+"-scaled")
	}
	return text
}

// scaledRules returns the rule files of the project with the changes of speedups, by their names.
func scaledRules(root string) (map[string]string, error) {
	all := map[string]string{}
	for _, name := range []string{"symptoms.yaml", "slos.yaml"} {
		text, err := os.ReadFile(filepath.Join(root, "deploy", "observability", "rules", name)) // #nosec G304 -- ours
		if err != nil {
			return nil, err
		}
		all[name] = string(text)
	}
	for _, s := range speedups {
		if n := strings.Count(all[s.file], s.real); n != 1 {
			return nil, fmt.Errorf("%s has %q %d times, want once", s.file, s.real, n)
		}
		all[s.file] = strings.Replace(all[s.file], s.real, s.scaled, 1)
	}
	all["slos.yaml"] = scaleWindows(all["slos.yaml"])
	return all, nil
}

func writeScaledRules(root, folder string) error {
	all, err := scaledRules(root)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { // #nosec G301 -- nothing secret
		return err
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
