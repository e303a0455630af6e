package setup

import (
	"cmp"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

// withNameResolution is a Configuration's text in which sidecars find each other by tmpl, the text/template of an address,
// and not by mDNS.
func withNameResolution(configuration, tmpl string) (string, error) {
	var c map[string]any
	if err := yaml.Unmarshal([]byte(configuration), &c); err != nil {
		return "", err
	}
	spec, _ := c["spec"].(map[string]any)
	if spec == nil {
		spec = map[string]any{}
		c["spec"] = spec
	}
	spec["nameResolution"] = map[string]any{"component": "kubernetes", "configuration": map[string]any{"template": tmpl}}
	text, err := yaml.Marshal(c)
	return string(text), err
}

// CopyComponents keeps target equal to components/ (source) as translate changes it, mostly to other addresses; where
// there is a tmpl the Configuration gets it. What has not changed is not written: a sidecar watches these files, and
// loads its subscriptions again at each touch.
func CopyComponents(source, target string, translate func(text string) string, tmpl string) error {
	leftover := map[string]bool{}
	_ = filepath.WalkDir(target, func(path string, d os.DirEntry, err error) error { // there is none the first time
		if err == nil && !d.IsDir() {
			leftover[path] = true
		}
		return nil
	})
	err := filepath.WalkDir(source, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fresh := translate(string(text))
		if tmpl != "" && relative == filepath.Join("config", "configuracion.yaml") {
			if fresh, err = withNameResolution(fresh, tmpl); err != nil {
				return err
			}
		}
		duplicate := filepath.Join(target, relative)
		delete(leftover, duplicate)
		return Write(duplicate, fresh)
	})
	for path := range leftover {
		err = cmp.Or(err, os.Remove(path))
	}
	return err
}

// Write writes a file that does not say so yet, and its folder.
func Write(path, text string) error {
	if earlier, err := os.ReadFile(path); err == nil && string(earlier) == text {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
