package docs

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tree is a repository: the content of each tracked text file, by its path from the root.
type tree map[string]string

const (
	records = "docs/adr"
	index   = records + "/README.md"
	maxPage = 700 // words of a record: one page
)

var (
	// number matches a reference to a decision record by its number.
	number = regexp.MustCompile(`(?i)\b(decisi[oó]n(es)?|decisions|adrs?)[ -]#?\d+`)
	// document matches a path under docs/. A match after a slash is a part of a URL.
	document = regexp.MustCompile(`(^|[^\w/.-])(docs/[\w./-]*\.(?:md|svg|png))`)
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code     = regexp.MustCompile("`([^`]+)`")
	testName = regexp.MustCompile(`^Test[A-Z]\w*`)
	testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	// place matches a path from the root that is written as code. The path may contain a * for any name.
	place = regexp.MustCompile(`^(?:bff|components|contracts|deploy|docs|internal|services|tests|tools|workflows)/[\w./*-]*$`)
	// command matches a make target that is written as code. makeTarget matches its definition in the Makefile.
	command    = regexp.MustCompile("(?:`|^ {4,}|^\\$ |[;&|] )(?:[A-Z_]+=\\S+ )*make (?:-s )?([a-z][a-z0-9-]*)")
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z0-9 -]*):`)
	// roomsOf matches the head of a table that lists the packages of a folder.
	roomsOf = regexp.MustCompile("^\\| package in `([\\w./*-]+)` \\|")
	// holder matches a folder that is written before the names of its tests.
	holder = regexp.MustCompile("`([\\w./-]+)`:? `Test[A-Z]")
)

// The repository keeps the rules that docs/adr/README.md states.
func TestTheRepositoryKeepsTheRules(t *testing.T) {
	files := tracked(t, "../..")
	delete(files, "tests/docs/docs_test.go") // it names files that do not exist
	for _, p := range problems(files) {
		t.Error(p)
	}
}

// Each rule refuses a tree that breaks that rule and no other.
func TestEachRuleRefuses(t *testing.T) {
	record := "# A title\n## Status\nAccepted.\n## Context\nc\n## Decision\nd\n## Consequences\ne\n## Tests\n- `store`: `TestStore`\n"
	good := tree{
		"docs/adr/README.md":       "- [stored](stored.md): a reply is stored.",
		"docs/adr/stored.md":       record,
		"store/store.go":           "// Package store implements docs/adr/stored.md.\npackage store",
		"store/store_test.go":      "func TestStore(t *testing.T) {}",
		"store/http/store_test.go": "func TestServe(t *testing.T) {}",
		"CHANGELOG.md":             "`TestGone` was here, `docs/gone.md` too.",
		"page.html":                `<link href="/docs/gone.md">`,
		"services/a/main.go":       "package main",
		"deploy/.gitignore":        "/made.env",
		"Makefile":                 "help: ## a list\nstop start: tool\n",
		"commands.md":              "`make start S=a`, `make -s help`; they make sure of it.\n    X=1 make stop",
		"services/a/rest/rest.go":  "package rest",
		"map.md":                   "`services/a/main.go`, `services/*/rest`, `services/empaque`, `deploy/made.env`\n| package in `services/*` | what |\n|---|---|\n| `rest` | doors |\n\nend",
	}
	if got := problems(good); len(got) > 0 {
		t.Fatalf("a good tree is refused: %q", got)
	}
	for name, c := range map[string]struct{ file, content, want string }{
		"a comment links no record":         {"a.go", "// See docs/adr/gone.md.", "a.go:1: there is no docs/adr/gone.md"},
		"a comment links no document":       {"a.sql", "\n-- docs/gone.md says", "a.sql:2: there is no docs/gone.md"},
		"markdown links no file":            {"docs/a.md", "[x](../store/gone.go)", "docs/a.md:1: there is no store/gone.go"},
		"a decision by number":              {"a.go", "// x (deci" + "sion 10)", `a.go:1: a decision is named by its record, not "deci` + `sion 10"`},
		"a decision by number, in Spanish":  {"a.yaml", "# deci" + "sión 3", `a.yaml:1: a decision is named by its record, not "deci` + `sión 3"`},
		"a record by number":                {"docs/a.md", "AD" + "R 4", `docs/a.md:1: a decision is named by its record, not "AD` + `R 4"`},
		"a record that nothing refers to":   {"store/store.go", "package store", "docs/adr/stored.md: nothing outside of docs/adr refers to it"},
		"a record that the index leaves":    {"docs/adr/README.md", "nothing", "docs/adr/stored.md: the index docs/adr/README.md does not list it"},
		"a numbered record":                 {"docs/adr/0001-a.md", record, "docs/adr/0001-a.md: the name of a record is a slug without a number"},
		"a test that does not exist":        {"docs/a.md", "`TestGone` holds it", "docs/a.md:1: no test is called TestGone"},
		"a test of another folder":          {"docs/a.md", "`store` `TestServe`", "docs/a.md:1: store has no test TestServe"},
		"a folder that does not exist":      {"docs/a.md", "`gone`: `TestStore`", "docs/a.md:1: there is no folder gone with tests"},
		"a record without a section":        {"docs/adr/stored.md", strings.Replace(record, "## Context", "", 1), "docs/adr/stored.md: a record has the sections Status, Context, Decision, Consequences, Tests"},
		"a record of more than a page":      {"docs/adr/stored.md", record + strings.Repeat("word ", maxPage), "docs/adr/stored.md: a record is one page, at most 700 words, not 720"},
		"a path that does not exist":        {"map.md", "`services/b/main.go`", "map.md:1: there is no services/b/main.go"},
		"a pattern that matches nothing":    {"map.md", "`services/*/postgres`", "map.md:1: there is no services/*/postgres"},
		"a command that does not exist":     {"commands.md", "`make begin S=a`", "commands.md:1: there is no make begin"},
		"a package that the map leaves":     {"services/a/saga/saga.go", "package saga", "map.md:2: the table does not list services/*/saga"},
		"a package that does not exist":     {"map.md", "| package in `services/*` | what |\n|---|---|\n| `rest`, `gone` | x |", "map.md:1: the table lists services/*/gone, which does not exist"},
		"a test of a record does not exist": {"docs/adr/stored.md", strings.Replace(record, "TestStore", "TestGone", 1), "docs/adr/stored.md:11: store has no test TestGone"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := maps.Clone(good)
			bad[c.file] = c.content
			if got := problems(bad); !slices.Contains(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// tracked reads the text files that git tracks or would track under root.
func tracked(t *testing.T, root string) tree {
	t.Helper()
	list, err := exec.Command("git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	files := tree{}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(string(content[:min(len(content), 1024)]), 0) {
			content = nil // not a text file, but a link to it is right
		}
		files[name] = string(content)
	}
	return files
}

// problems returns the violations of the rules in files, in order.
func problems(files tree) []string {
	tests, folders := testsOf(files), foldersOf(files)
	var found []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name == "CHANGELOG.md" { // it names files of earlier releases
			continue
		}
		for i, line := range strings.Split(files[name], "\n") {
			tell := func(format string, args ...any) {
				found = append(found, fmt.Sprintf("%s:%d: ", name, i+1)+fmt.Sprintf(format, args...))
			}
			if n := number.FindString(line); n != "" {
				tell("a decision is named by its record, not %q", n)
			}
			for _, target := range targets(name, line) {
				if _, ok := files[target]; !ok && !folders[target] {
					tell("there is no %s", target)
				}
			}
			if strings.HasSuffix(name, ".md") {
				checkTests(line, tests, tell)
				checkPlaces(line, files, folders, tell)
				checkCommands(line, files["Makefile"], tell)
			}
		}
		if strings.HasSuffix(name, ".md") {
			found = append(found, roomProblems(name, files[name], folders)...)
		}
	}
	return append(found, recordProblems(files)...)
}

// targets returns the files of the repository to which a line of the file name refers.
func targets(name, line string) (found []string) {
	for _, m := range document.FindAllStringSubmatch(line, -1) {
		found = append(found, m[2])
	}
	if !strings.HasSuffix(name, ".md") {
		return found
	}
	for _, m := range link.FindAllStringSubmatch(line, -1) {
		target, _, _ := strings.Cut(m[1], "#")
		if target == "" || strings.Contains(target, ":") || strings.HasPrefix(target, "/") {
			continue // a heading of the same file, or a URL
		}
		if target = path.Join(path.Dir(name), target); !slices.Contains(found, target) {
			found = append(found, target)
		}
	}
	return found
}

// checkTests reports the tests that a line of markdown names and that do not exist: in the folder that the line names before them, or
// in any folder if it names none.
func checkTests(line string, tests map[string]map[string]bool, tell func(string, ...any)) {
	for _, m := range holder.FindAllStringSubmatch(line, -1) {
		if !testName.MatchString(m[1]) && tests[m[1]] == nil {
			tell("there is no folder %s with tests", m[1])
		}
	}
	folder := ""
	for _, m := range code.FindAllStringSubmatch(line, -1) {
		word := m[1]
		name := testName.FindString(word)
		switch {
		case tests[word] != nil && word != "":
			folder = word
		case name != "" && !tests[folder][name] && folder != "":
			tell("%s has no test %s", folder, name)
		case name != "" && !tests[folder][name]:
			tell("no test is called %s", name)
		}
	}
}

// checkPlaces reports the paths in a line of markdown that do not exist. The service empaque need not exist: the recipes of
// CONTRIBUTING.md add it.
func checkPlaces(line string, files tree, folders map[string]bool, tell func(string, ...any)) {
	for _, m := range code.FindAllStringSubmatch(line, -1) {
		target := strings.TrimSuffix(m[1], "/")
		if !place.MatchString(m[1]) || strings.Contains(target, "empaque") {
			continue
		}
		is := func(name string) bool { ok, _ := path.Match(target, name); return ok }
		exists := slices.ContainsFunc(slices.Collect(maps.Keys(files)), is) || slices.ContainsFunc(slices.Collect(maps.Keys(folders)), is)
		ignored := strings.Contains(files[path.Dir(target)+"/.gitignore"], path.Base(target))
		if !exists && !ignored {
			tell("there is no %s", target)
		}
	}
}

// checkCommands reports the make targets in a line of markdown that the Makefile does not have.
func checkCommands(line, makefile string, tell func(string, ...any)) {
	for _, m := range command.FindAllStringSubmatch(line, -1) {
		defines := func(d []string) bool { return slices.Contains(strings.Fields(d[1]), m[1]) }
		if !slices.ContainsFunc(makeTarget.FindAllStringSubmatch(makefile, -1), defines) {
			tell("there is no make %s", m[1])
		}
	}
}

// roomProblems compares each table "package in `folder`" of markdown with that folder. It returns the packages that only one of the
// two has.
func roomProblems(name, content string, folders map[string]bool) (found []string) {
	lines := strings.Split(content, "\n")
	for i, line := range lines {
		head := roomsOf.FindStringSubmatch(line)
		if head == nil {
			continue
		}
		listed := map[string]bool{}
		for _, row := range lines[min(i+2, len(lines)):] {
			if !strings.HasPrefix(row, "|") {
				break
			}
			for _, m := range code.FindAllStringSubmatch(strings.Split(row, "|")[1], -1) {
				listed[m[1]] = true
			}
		}
		exists := map[string]bool{}
		for folder := range folders {
			if ok, _ := path.Match(head[1], path.Dir(folder)); ok {
				exists[path.Base(folder)] = true
			}
		}
		for _, room := range slices.Sorted(maps.Keys(exists)) {
			if !listed[room] {
				found = append(found, fmt.Sprintf("%s:%d: the table does not list %s", name, i+1, path.Join(head[1], room)))
			}
		}
		for _, room := range slices.Sorted(maps.Keys(listed)) {
			if !exists[room] {
				found = append(found, fmt.Sprintf("%s:%d: the table lists %s, which does not exist", name, i+1, path.Join(head[1], room)))
			}
		}
	}
	return found
}

// recordProblems lists what is wrong with the records as a whole.
func recordProblems(files tree) (found []string) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Dir(name) != records || name == index {
			continue
		}
		tell := func(format string, args ...any) { found = append(found, name+": "+fmt.Sprintf(format, args...)) }
		if strings.ContainsAny(path.Base(name), "0123456789") {
			tell("the name of a record is a slug without a number")
		}
		if !refersTo(files, name, func(f string) bool { return f == index }) {
			tell("the index %s does not list it", index)
		}
		if !refersTo(files, name, func(f string) bool { return path.Dir(f) != records && f != "CHANGELOG.md" }) {
			tell("nothing outside of %s refers to it", records)
		}
		if !sections.MatchString(files[name]) {
			tell("a record has the sections Status, Context, Decision, Consequences, Tests")
		}
		if words := len(strings.Fields(files[name])); words > maxPage {
			tell("a record is one page, at most %d words, not %d", maxPage, words)
		}
	}
	return found
}

var sections = regexp.MustCompile(`(?s)^# .*\n## Status\n.*\n## Context\n.*\n## Decision\n.*\n## Consequences\n.*\n## Tests\n+\S`)

// refersTo reports whether a file for whose name which returns true refers to the file target.
func refersTo(files tree, target string, which func(string) bool) bool {
	for name, content := range files {
		if !which(name) || !strings.Contains(content, path.Base(target)) {
			continue
		}
		for line := range strings.SplitSeq(content, "\n") {
			if slices.Contains(targets(name, line), target) {
				return true
			}
		}
	}
	return false
}

// testsOf returns the tests of each folder. Under the key "" it returns the tests of all folders.
func testsOf(files tree) map[string]map[string]bool {
	tests := map[string]map[string]bool{"": {}}
	for name, content := range files {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		folder := path.Dir(name)
		if tests[folder] == nil {
			tests[folder] = map[string]bool{}
		}
		for _, m := range testFunc.FindAllStringSubmatch(content, -1) {
			tests[folder][m[1]], tests[""][m[1]] = true, true
		}
	}
	return tests
}

// foldersOf returns the folders that contain the files.
func foldersOf(files tree) map[string]bool {
	folders := map[string]bool{".": true}
	for name := range files {
		for d := path.Dir(name); d != "."; d = path.Dir(d) {
			folders[d] = true
		}
	}
	return folders
}
