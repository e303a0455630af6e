package docs

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"entregas/contracts"
)

// retention is the document that says what limits each thing that grows.
const retention = "docs/retention.md"

// A table, topic, state store or process that nobody has given a limit is missing in the document, and the limits that the document
// names are those of the code.
func TestEverythingThatGrowsHasALimit(t *testing.T) {
	for _, p := range unlimited(tracked(t, "../..")) {
		t.Error(p)
	}
}

// The check refuses a document that is not complete or not true.
func TestWhatHasNoLimitIsFound(t *testing.T) {
	row := "| `a_b.orden`, `mensajes-descartados`, `state`, `pulsar`, `" + strings.Join(contracts.Names(), "`, `") + "` | 7 days | `keep = 7` in [keep.go](../keep.go) |\n"
	good := tree{
		"dapr.yaml": "    command: [\"./.local/bin/x\"]\n      DATABASE_URL: postgres://x@127.0.0.1:5432/a_b?x\n",
		"services/x/postgres/migrations/00010_x.sql": "create table orden (\n);",
		"components/state.yaml":                      "  name: state\nspec:\n  type: state.postgresql\n",
		"tools/local/process-compose.yaml.tmpl":      "processes:\n  pulsar: # x\n    entrypoint:\n",
		"keep.go":                                    "const keep = 7\n",
		retention:                                    row,
	}
	if got := unlimited(good); len(got) > 0 {
		t.Fatalf("a good tree is refused: %q", got)
	}
	for name, c := range map[string]struct{ file, content, want string }{
		"a new table":          {"services/x/postgres/migrations/00011_y.sql", "create table finding (", "docs/retention.md does not say what limits a_b.finding"},
		"a new store":          {"components/new.yaml", "  name: other\nspec:\n  type: state.redis\n", "docs/retention.md does not say what limits other"},
		"a new process":        {"tools/local/process-compose.yaml.tmpl", "processes:\n  pulsar:\n  etcd:\n", "docs/retention.md does not say what limits etcd"},
		"a forgotten topic":    {retention, strings.Replace(row, "`eventos-compra`", "x", 1), "docs/retention.md does not say what limits eventos-compra"},
		"a table that went":    {retention, strings.Replace(row, "`a_b.orden`", "`a_b.orden`, `a_b.gone`", 1), "docs/retention.md limits a_b.gone, which does not exist"},
		"a limit that changed": {"keep.go", "const keep = 8\n", "docs/retention.md: keep.go has no `keep = 7`"},
		"no limit":             {retention, row + "| x | soon | |\n", "docs/retention.md: nothing sets the limit of x"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := maps.Clone(good)
			bad[c.file] = c.content
			if got := unlimited(bad); !slices.Contains(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

var (
	databaseURL  = regexp.MustCompile(`DATABASE_URL: postgres://\w+@[^/]+/(\w+)`)
	serviceName  = regexp.MustCompile(`"\./\.local/bin/([\w-]+)"`)
	createTable  = regexp.MustCompile(`(?m)^create table (\w+)`)
	stateStore   = regexp.MustCompile(`(?s)name: ([\w-]+)\nspec:\n  type: state\.`)
	process      = regexp.MustCompile(`(?m)^  ([a-z]+):`)
	linkedFile   = regexp.MustCompile(`\]\(\.\./([^)]+)\)`)
	withoutLimit = regexp.MustCompile(`^(a book|in memory|.*\bdefaults?\b)`) // what no line of this project sets
)

// unlimited returns what is missing or wrong in the document about retention.
func unlimited(files tree) (found []string) {
	exists := thatGrows(files)
	listed := map[string]bool{}
	for line := range strings.Lines(files[retention]) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 || strings.HasPrefix(cells[1], "---") || strings.TrimSpace(cells[1]) == "what" {
			continue
		}
		what, limit, by := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2]), cells[3]
		for _, m := range code.FindAllStringSubmatch(what, -1) {
			listed[m[1]] = true
			if strings.Contains(m[1], ".") && !exists[m[1]] {
				found = append(found, retention+" limits "+m[1]+", which does not exist")
			}
		}
		found = append(found, untrue(files, what, limit, by)...)
	}
	for _, name := range slices.Sorted(maps.Keys(exists)) {
		if !listed[name] {
			found = append(found, retention+" does not say what limits "+name)
		}
	}
	return found
}

// untrue returns what is wrong with a row: a limit that nothing sets, and a text of the code that is not in a file that the row links.
func untrue(files tree, what, limit, by string) (found []string) {
	targets := linkedFile.FindAllStringSubmatchIndex(by, -1)
	if len(targets) == 0 && !withoutLimit.MatchString(limit) {
		return []string{retention + ": nothing sets the limit of " + what}
	}
	texts, from := []string{}, 0
	for _, at := range targets {
		file := by[at[2]:at[3]]
		if own := code.FindAllStringSubmatch(by[from:at[0]], -1); len(own) > 0 { // a link without a text of its own is for the one before
			texts = nil
			for _, m := range own {
				texts = append(texts, m[1])
			}
		}
		from = at[1]
		for _, text := range texts {
			if !strings.Contains(files[file], text) {
				found = append(found, retention+": "+file+" has no `"+text+"`")
			}
		}
	}
	return found
}

// thatGrows returns the names of the tables, topics, state stores and processes of infrastructure.
func thatGrows(files tree) map[string]bool {
	grows := map[string]bool{contracts.MensajesDescartados: true}
	for _, name := range contracts.Names() {
		grows[name] = true
	}
	databases := map[string]string{} // by service
	service := ""
	for line := range strings.Lines(files["dapr.yaml"]) {
		if m := serviceName.FindStringSubmatch(line); m != nil {
			service = m[1]
		}
		if m := databaseURL.FindStringSubmatch(line); m != nil {
			databases[service] = m[1]
		}
	}
	for name, content := range files {
		if ok, _ := path.Match("services/*/postgres/migrations/*.sql", name); ok {
			for _, m := range createTable.FindAllStringSubmatch(content, -1) {
				grows[databases[strings.Split(name, "/")[1]]+"."+m[1]] = true
			}
		}
		if ok, _ := path.Match("components/*.yaml", name); ok {
			for _, m := range stateStore.FindAllStringSubmatch(content, -1) {
				grows[m[1]] = true
			}
		}
	}
	_, processes, _ := strings.Cut(files["tools/local/process-compose.yaml.tmpl"], "processes:\n")
	for _, m := range process.FindAllStringSubmatch(processes, -1) {
		grows[m[1]] = true
	}
	return grows
}
