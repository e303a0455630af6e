package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// Mutant is a service with a mistake that a case of the kit must find.
type Mutant struct {
	Role  string `yaml:"-"`
	Case  string `yaml:"case"`
	App   string `yaml:"app"`
	What  string `yaml:"what"` // what the mutant does
	None  string `yaml:"none"` // why the case has no mutant
	Edits []Edit `yaml:"edits"`
}

// Edit is one change of a file. Old is in the file exactly once.
type Edit struct {
	File string `yaml:"file"`
	Old  string `yaml:"old"`
	New  string `yaml:"new"`
}

// Read returns the mutants in a file, participants first.
func Read(path string) ([]Mutant, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Participant []Mutant `yaml:"participant"`
		Manager     []Mutant `yaml:"manager"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i := range file.Participant {
		file.Participant[i].Role = "participant"
	}
	for i := range file.Manager {
		file.Manager[i].Role = "manager"
	}
	return append(file.Participant, file.Manager...), nil
}

// Changed returns the changed files of m by path. root is the folder of the project.
func (m Mutant) Changed(root string) (map[string]string, error) {
	changed := map[string]string{}
	for _, e := range m.Edits {
		text, found := changed[e.File]
		if !found {
			read, err := os.ReadFile(filepath.Join(root, e.File))
			if err != nil {
				return nil, err
			}
			text = string(read)
		}
		if n := strings.Count(text, e.Old); n != 1 {
			return nil, fmt.Errorf("%s has %q %d times, want once", e.File, e.Old, n)
		}
		changed[e.File] = strings.Replace(text, e.Old, e.New, 1)
	}
	return changed, nil
}
