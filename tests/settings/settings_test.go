package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/settings.md equals the output of this program, and the sources describe every setting and wait.
func TestThePageIsFresh(t *testing.T) {
	root := filepath.Join("..", "..")
	want, err := page(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "docs", "settings.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/settings.md is not what the sources say: run make generate")
	}
}

// given matches a setting of a service that a scenario, a fault or tools/test.sh sets: APP_<SERVICE>_<NAME>=value.
var given = regexp.MustCompile(`APP_(?:%s|BFF|GESTOR_COMPRA|ADMIN_PRODUCTOS|CONSOLIDADOR|ORDENES|MONITOR)_([A-Z_]+)=`)

// A service ignores a variable that it does not know, so a scenario with a wrong name would test nothing.
func TestScenariosGiveSettingsThatExist(t *testing.T) {
	root := filepath.Join("..", "..")
	s, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	all, _ := s.settings()
	found := 0
	for _, place := range []string{"tests/chaos", "tests/scenarios", "tests/load", "tests/e2e", "tools/test.sh"} {
		err := filepath.WalkDir(filepath.Join(root, place), func(path string, _ os.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" && filepath.Ext(path) != ".sh" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range given.FindAllSubmatch(text, -1) {
				found++
				if name := string(m[1]); !slices.Contains(namesOf(all), name) {
					t.Errorf("%s sets %s, but no service has that setting", path, name)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 5 {
		t.Errorf("found only %d settings", found)
	}
}

// sourceOf returns a source with one file of a service.
func sourceOf(t *testing.T, text string) *source {
	t.Helper()
	s := &source{set: token.NewFileSet()}
	tree, err := parser.ParseFile(s.set, "x.go", "package x\nimport \"time\"\n"+text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	s.files = []file{{"services/x/x.go", tree}}
	return s
}

func TestASettingSaysWhatItDoes(t *testing.T) {
	for field, fault := range map[string]string{
		"A int `conf:\"env:A,default:1,help:how many\" unit:\"things\"`":          "",
		"A time.Duration `conf:\"env:A,default:1m,help:how long\"`":               "",
		"A time.Duration `conf:\"env:A,default:1m\"`":                             "has no effect text",
		"A int `conf:\"env:A,default:1,help:how many\"`":                          "is a number without a unit",
		"A string `conf:\"default:1,help:which\"`":                                "names no environment variable",
		"A string `conf:\"env:A,help:the broker, for dead letters\"`":             `" for dead letters"`,
		"A float64 `conf:\"env:A,help:how fast\"`; B int `json:\"b\"`; Other int": "is a number without a unit",
	} {
		_, complaints := sourceOf(t, "type config struct{"+field+"}").settings()
		check(t, field, complaints, fault)
	}
}

func TestAWaitSaysWhatItIsFor(t *testing.T) {
	for text, fault := range map[string]string{
		"// a is how long.\nconst a = 3 * time.Second":                                      "",
		"const a = 3 * time.Second // how long":                                             "",
		"const a = 3 * time.Second":                                                         "is a wait without a doc comment",
		"// How long.\nconst (\na = time.Second\nb = time.Minute\n)":                        "is a wait without a doc comment",
		"func f() { time.Sleep(3 * time.Second) }":                                          "in the middle of a function",
		"func f() { time.Sleep(time.Second) }":                                              "in the middle of a function",
		"func f(n int) { time.Sleep(time.Duration(n) * time.Second) }":                      "",
		"func f(d time.Duration) int { return int(d.Round(time.Second) / time.Second) }":    "",
		"func f(q func(string)) { q(`select set_config('lock_timeout', '100ms', true)`) }":  "a wait in a text",
		"func f(m map[string]string) { m[\"lock_timeout\"] = \"5s\" }":                      "a wait in a text",
		"var f = func(now time.Time) string { return now.Format(\"2006-01-02 15:04:05\") }": "",
	} {
		_, complaints := sourceOf(t, text).waits()
		check(t, text, complaints, fault)
	}
}

func check(t *testing.T, what string, complaints []error, fault string) {
	t.Helper()
	if fault == "" && len(complaints) > 0 || fault != "" && (len(complaints) == 0 || !strings.Contains(complaints[0].Error(), fault)) {
		t.Errorf("%s: %v, not %q", what, complaints, fault)
	}
}

func TestTheValueOfAWait(t *testing.T) {
	waits, complaints := sourceOf(t, `
// day is a day.
const day = 24 * time.Hour
// week is seven.
const week = 7 * day
// half is a little longer than half a minute.
const half = time.Minute/2 + 500*time.Millisecond
// pauses are two.
var pauses = []time.Duration{time.Second, 2 * day}
// policy is how to try again.
var policy = struct{ Max int; First time.Duration }{Max: 3, First: time.Second}
// tries is how often.
//
//settings:wait
const tries = 10
// lock is for a lock.
//
//settings:wait
var lock = map[string]string{"lock_timeout": "500ms"}
// other is no wait.
const other = 10`).waits()
	if len(complaints) > 0 {
		t.Fatal(complaints)
	}
	want := map[string]string{
		"day": "24h", "week": "7 days", "half": "30.5s", "pauses": "1s, 2 days", "policy": "Max 3, First 1s", "tries": "10", "lock": "lock_timeout 500ms",
	}
	for _, w := range waits {
		if w.value != want[w.name] {
			t.Errorf("%s is %q, not %q", w.name, w.value, want[w.name])
		}
		delete(want, w.name)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}
