package main

import (
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is one environment variable of a program.
type setting struct {
	owner, name, value, unit, effect string
	required, secret, isWait         bool
}

// settings returns a setting for each field with a conf tag, in the order of owners and sources, and an error for each wrong tag.
func (s *source) settings() (all []setting, complaints []error) {
	for _, f := range s.files {
		ast.Inspect(f.tree, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil || len(field.Names) != 1 {
				return true
			}
			tag, err := strconv.Unquote(field.Tag.Value)
			if err != nil {
				return true
			}
			conf, ok := reflect.StructTag(tag).Lookup("conf")
			if !ok {
				return true
			}
			at := s.set.Position(field.Pos())
			one, err := readSetting(conf, reflect.StructTag(tag).Get("unit"), types.ExprString(field.Type))
			if err != nil {
				complaints = append(complaints, fmt.Errorf("%s:%d: %s: %w", f.path, at.Line, field.Names[0].Name, err))
			}
			one.owner = f.owner()
			all = append(all, one)
			return true
		})
	}
	slices.SortStableFunc(all, func(a, b setting) int { return ownerOrder(a.owner, b.owner) })
	return all, complaints
}

// readSetting reads the conf tag of a field of type fieldType, and its unit tag.
func readSetting(conf, unit, fieldType string) (setting, error) {
	one := setting{unit: unit, isWait: fieldType == "time.Duration"}
	for _, part := range strings.Split(conf, ",") {
		key, value, _ := strings.Cut(part, ":")
		switch key {
		case "env":
			one.name = value
		case "default":
			one.value = value
		case "help":
			one.effect = value
		case "required":
			one.required = true
		case "mask", "noprint":
			one.secret = true
		default:
			return one, fmt.Errorf("the conf tag has %q, which has no meaning here: a comma inside a help text ends it", part)
		}
	}
	switch {
	case one.name == "":
		return one, fmt.Errorf("the conf tag names no environment variable (env:NAME)")
	case one.effect == "":
		return one, fmt.Errorf("%s has no effect text (help:...)", one.name)
	}
	one.effect = sentence(one.effect)
	switch {
	case fieldType == "time.Duration":
		if d, err := time.ParseDuration(one.value); err == nil {
			one.value = short(d)
		}
		one.unit = "duration"
	case fieldType == "bool":
		one.unit = "true or false"
	case strings.HasPrefix(fieldType, "[]"):
		one.unit = "list, separated by `;`"
	case one.unit == "" && regexp.MustCompile(`^(u?int|float)\d*$`).MatchString(fieldType):
		return one, fmt.Errorf("%s is a number without a unit (a tag unit:\"...\")", one.name)
	case one.unit == "":
		one.unit = "text"
	}
	return one, nil
}

// jobSettings returns the settings of the job that prepares servers. The package comment of the job lists them. It returns an error
// when the code of the job reads other variables.
func jobSettings(root string) (all []setting, err error) {
	files, err := filepath.Glob(filepath.Join(root, "tools", "local", "cmd", "*", "main.go"))
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("tools/local/cmd has %d programs, not one: %w", len(files), err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return nil, err
	}
	for _, m := range regexp.MustCompile(`(?m)^//\t([A-Z][A-Z_]+) +(.+)$`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, setting{owner: filepath.Base(filepath.Dir(files[0])), name: m[1], effect: sentence(m[2])})
	}
	documented, read := namesOf(all), getenv(string(text))
	for _, name := range read {
		if !slices.Contains(documented, name) {
			return nil, fmt.Errorf("%s reads %s, and its package comment does not list it", files[0], name)
		}
	}
	for _, name := range documented {
		if !slices.Contains(read, name) {
			return nil, fmt.Errorf("%s lists %s, and does not read it", files[0], name)
		}
	}
	return all, nil
}

// localSettings returns a setting for each line of local.env. A comment above several lines is the effect of each of these lines.
func localSettings(root string) (all []setting, err error) {
	text, err := os.ReadFile(filepath.Join(root, "local.env"))
	if err != nil {
		return nil, err
	}
	line := regexp.MustCompile(`^# ([A-Z][A-Z_]+)=(.*)$`)
	var effect string
	fresh := true
	for _, l := range strings.Split(string(text), "\n") {
		switch m := line.FindStringSubmatch(l); {
		case m != nil:
			all = append(all, setting{owner: "local.env", name: m[1], value: m[2], effect: effect})
			fresh = true
		case l == "":
			effect, fresh = "", false
		case strings.HasPrefix(l, "# "):
			if fresh {
				effect = ""
			}
			effect, fresh = strings.TrimSpace(effect+" "+l[2:]), false
		}
	}
	for _, one := range all {
		if one.effect == "" {
			return nil, fmt.Errorf("local.env: %s has no comment above it", one.name)
		}
	}
	return all, nil
}

func namesOf(all []setting) (names []string) {
	for _, one := range all {
		names = append(names, one.name)
	}
	return names
}

// getenv returns the names of the variables that the Go code in text reads.
func getenv(text string) (names []string) {
	for _, m := range regexp.MustCompile(`os\.(?:Getenv|LookupEnv)\("(\w+)"\)`).FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}
