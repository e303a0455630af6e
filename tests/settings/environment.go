package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// environment lists the variables that are neither a setting of a service nor a line of local.env. otherSettings compares this list
// with the code.
var environment = []setting{
	{owner: "every program", name: "OTEL_BSP_SCHEDULE_DELAY", effect: "How long a finished span waits for others, in milliseconds: 1000 where it is not set. This and the other OTEL_ variables are those of OpenTelemetry."},
	{owner: "the programs with build tag `failpoints`", name: "FAILPOINTS_DIR", effect: "The folder of the files that arm a failpoint. Empty arms none. See docs/scenarios.md."},
	{owner: "`.local/bin/local`", name: "CHROMIUM", effect: "The path of a Chromium for the tests of the pages. Empty looks for an installed one."},
	{owner: "`.local/bin/local`", name: "JAVA_HOME", effect: "The JVM that runs Pulsar. Empty takes the one that `make up` downloads."},
	{owner: "tests", name: "CHROMIUM", effect: "The same, for the tests themselves."},
	{owner: "tests", name: "INSTANCIA", effect: "The copy of the system that a test or a scenario acts on: `up`, `test` or `chaos`."},
	{owner: "tests", name: "TEST_DSN", effect: "The address of an administrator of a PostgreSQL. The tests of storage make a database each there; without it they are skipped."},
	{owner: "tests", name: "TRACED_PURCHASES", effect: "How many purchases the test of traces confirms."},
	{owner: "tests", name: "PROMETHEUS_URL", effect: "The store of metrics that `make test-observe` asks the queries of dashboards and rules."},
	{owner: "tests", name: "HOSTILE_CASES", effect: "How many requests the test of hostile requests sends."},
	{owner: "tests", name: "HOSTILE_SEED", effect: "The seed of these requests, to send the same ones again."},
	{owner: "tests", name: "NO_COLOR", effect: "Any value leaves colours out of what `make demo` draws."},
	{owner: "tests", name: "APP_API_TOKEN", effect: "What the sidecar of a program that the conformance kit judges sends to it, where the option -token does not say it."},
	{owner: "tests", name: "TERM", effect: "`dumb` does the same."},
	{owner: "tests", name: "TELL_TIME", effect: "Set by a test that starts itself again: tell the time and end."},
}

// own lists the variables that environment need not list: every program has them, or another table of docs/settings.md lists them.
var own = []string{"PATH", "POSTGRES_DSN"}

// otherSettings returns the list environment. It returns an error when the code reads a variable that no table lists, or when the
// list has a variable that no code names.
func otherSettings(root string) ([]setting, error) {
	listed := namesOf(environment)
	named := map[string]bool{}
	for _, folder := range append([]string{"tests", filepath.Join("tools", "local")}, productFolders...) {
		err := filepath.WalkDir(filepath.Join(root, folder), func(name string, entry fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err != nil || !strings.HasSuffix(name, ".go") || strings.Contains(name, filepath.Join("tools", "local", "cmd")) || strings.Contains(name, filepath.Join("tests", "settings")) {
				return err
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			for _, variable := range getenv(string(text)) {
				if !slices.Contains(listed, variable) && !slices.Contains(own, variable) {
					return fmt.Errorf("%s reads the variable %s, which no table of tests/settings/environment.go lists", name, variable)
				}
			}
			for _, variable := range listed {
				named[variable] = named[variable] || strings.Contains(string(text), `"`+variable+`"`)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, variable := range listed {
		if !named[variable] {
			return nil, fmt.Errorf("tests/settings/environment.go lists %s, which nobody reads", variable)
		}
	}
	return environment, nil
}
