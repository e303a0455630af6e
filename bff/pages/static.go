package pages

import (
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"entregas/bff/encoding"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

// static has the files of the folder static. Each file has two routes: its name, and its name with a hash of its content, which a
// browser keeps for ever. The pages, and the files themselves, name each other by the second.
type static struct {
	byRoute map[string]*encoding.File
	hashed  map[string]string // the name with the hash, by the name
}

// route returns the route of the file with the name that a browser keeps for ever. It is the function static of the templates.
func (s static) route(name string) (string, error) {
	hashed, found := s.hashed[name]
	if !found {
		return "", fmt.Errorf("there is no static/%s", name)
	}
	return "/static/" + hashed, nil
}

// ServeHTTP implements http.Handler.
func (s static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, found := s.byRoute[r.URL.Path]
	if !found {
		rest.WriteError(w, r, errs.New(errs.NotFound, "No existe la ruta %s.", r.URL.Path))
		return
	}
	setHeaders(w.Header())
	w.Header().Del("Vary") // a file is the same for all
	f.ServeHTTP(w, r)
}

// reference is how a script or a style names another file of static: import … from "./dom.js", new URL("./live-worker.js", …),
// url(inter.woff2).
var reference = regexp.MustCompile(`(from "\./|import "\./|new URL\("\./|url\()([\w.-]+)`)

func readStatic() static {
	s := static{map[string]*encoding.File{}, map[string]string{}}
	list, err := fs.ReadDir(files, "static")
	if err != nil {
		panic(err)
	}
	for _, d := range list {
		s.add(d.Name(), nil)
	}
	return s
}

// add adds a file, after the files that it names. above are the files that name it.
func (s static) add(name string, above []string) {
	if _, done := s.hashed[name]; done {
		return
	}
	if slices.Contains(above, name) {
		panic(fmt.Sprintf("static/%s names itself by way of %v", name, above))
	}
	text, err := files.ReadFile(path.Join("static", name))
	if err != nil {
		panic(err)
	}
	if extension := path.Ext(name); extension == ".js" || extension == ".css" {
		text = reference.ReplaceAllFunc(text, func(m []byte) []byte {
			parts := reference.FindSubmatch(m)
			other := string(parts[2])
			s.add(other, append(above, name))
			return slices.Concat(parts[1], []byte(s.hashed[other]))
		})
	}
	f := encoding.NewFile(name, text)
	forEver := encoding.NewFile(name, text)
	forEver.Immutable = true
	stem := strings.TrimSuffix(name, path.Ext(name))
	s.hashed[name] = stem + "." + f.Hash() + path.Ext(name)
	s.byRoute["/static/"+name] = f
	s.byRoute["/static/"+s.hashed[name]] = forEver
}

var imported = regexp.MustCompile(`(?m)^(?:import|export) (?:[^"]* from )?"\./([^"]+)"`)

// modules returns the script static/<name> and all that it imports, each once, a module after those that it imports.
func modules(name string) ([]string, error) {
	var all []string
	var visit func(name string) error
	visit = func(name string) error {
		if slices.Contains(all, name) {
			return nil
		}
		text, err := files.ReadFile(path.Join("static", name))
		if err != nil {
			return err
		}
		for _, m := range imported.FindAllStringSubmatch(string(text), -1) {
			if err := visit(m[1]); err != nil {
				return err
			}
		}
		all = append(all, name)
		return nil
	}
	return all, visit(name)
}
