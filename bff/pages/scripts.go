package pages

import (
	"fmt"
	"path"
	"regexp"
	"slices"
)

var imported = regexp.MustCompile(`(?m)^(?:import|export) (?:[^"]* from )?"\./([^"]+)"`)

// modules returns the script static/<name> and all that it imports, each once, a module after those that it imports.
func modules(name string) ([]string, error) {
	var all []string
	var visit func(name string, above []string) error
	visit = func(name string, above []string) error {
		switch {
		case slices.Contains(above, name):
			return fmt.Errorf("static/%s imports itself", name)
		case slices.Contains(all, name):
			return nil
		}
		text, err := files.ReadFile(path.Join("static", name))
		if err != nil {
			return err
		}
		for _, m := range imported.FindAllStringSubmatch(string(text), -1) {
			if err := visit(m[1], append(above, name)); err != nil {
				return err
			}
		}
		all = append(all, name)
		return nil
	}
	return all, visit(name, nil)
}
