package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// productFolders are the folders of the programs that run in production, and of what they share.
var productFolders = []string{"bff", "contracts", "internal", "services", "workflows"}

// file is one Go file of the product, with its path from the root of the project.
type file struct {
	path string
	tree *ast.File
}

func (f file) dir() string { return path.Dir(f.path) }

// source is the Go code of the product.
type source struct {
	set   *token.FileSet
	files []file
}

// load parses the code of the product below root, without tests, test helpers and generated code.
func load(root string) (*source, error) {
	s := &source{set: token.NewFileSet()}
	for _, folder := range productFolders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(name string, entry fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err != nil {
				return err
			}
			if entry.IsDir() {
				if strings.HasSuffix(entry.Name(), "test") || entry.Name() == "testdata" {
					return filepath.SkipDir
				}
				return nil
			}
			if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".gen.go") {
				return nil
			}
			tree, err := parser.ParseFile(s.set, name, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			if ast.IsGenerated(tree) {
				return nil
			}
			relative, err := filepath.Rel(root, name)
			s.files = append(s.files, file{filepath.ToSlash(relative), tree})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(s.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return s, nil
}

// everyService is the owner of settings and waits that all services share.
const everyService = "every service"

// owner returns the app-id of the program that a file is a part of, or everyService for shared code.
func (f file) owner() string {
	parts := strings.Split(f.path, "/")
	switch {
	case parts[0] == "bff":
		return "bff"
	case parts[0] == "workflows":
		return "gestor-compra" // this service runs the workflows
	case parts[0] == "services" && parts[1] != "internal":
		return parts[1]
	default:
		return everyService
	}
}

// ownerOrder compares owners: everyService comes first, then the bff, then the services.
func ownerOrder(a, b string) int {
	rank := func(owner string) string {
		if i := slices.Index([]string{everyService, "bff", "gestor-compra", "admin-productos", "consolidador", "ordenes", "monitor", "avisos"}, owner); i >= 0 {
			return string(rune('0' + i))
		}
		return owner
	}
	return strings.Compare(rank(a), rank(b))
}
