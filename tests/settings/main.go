// Command settings writes docs/settings.md: the settings of every program, and every wait of the system in one table. It reads the
// sources, so that the page agrees with the programs.
//
// A setting is a field with a `conf` tag. Its effect is the tag's `help`; a number also has a tag `unit`. A wait is a constant or
// a variable of a package whose value is made of time units, or one that has the directive //settings:wait. Its effect is its doc
// comment. A setting without an effect, a number without a unit, a wait without a doc comment and a wait that is a bare number in
// the middle of a function are errors: the program prints them and writes no page.
package main

//go:generate go run .

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := filepath.Join("..", "..")
	text, err := page(root)
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "docs", "settings.md"), []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// page returns the text of docs/settings.md for the project at root. When the sources have errors, it returns all of them instead.
func page(root string) (string, error) {
	src, err := load(root)
	if err != nil {
		return "", err
	}
	settings, complaints := src.settings()
	waits, more := src.waits()
	complaints = append(complaints, more...)
	platform, err := platformWaits(root)
	if err != nil {
		complaints = append(complaints, err)
	}
	job, err := jobSettings(root)
	if err != nil {
		complaints = append(complaints, err)
	}
	local, err := localSettings(root)
	if err != nil {
		complaints = append(complaints, err)
	}
	other, err := otherSettings(root)
	if err != nil {
		complaints = append(complaints, err)
	}
	if len(complaints) > 0 {
		return "", errors.Join(complaints...)
	}
	return render(settings, job, local, other, append(waits, platform...)), nil
}
