package setup

import (
	"cmp"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

// withNameResolution returns a Dapr Configuration in which sidecars find each other by tmpl, the text/template of an address,
// instead of by mDNS.
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

// CopyComponents makes target a copy of source (components/) in which translate has changed the text of each file, mostly the
// addresses. If tmpl is not empty, the Configuration gets it as the template of its name resolution. It does not write
// a file whose text is the same, and leaves the files keep of target: a sidecar watches these files and reloads its subscriptions at each write.
func CopyComponents(source, target string, translate func(text string) string, tmpl string, keep ...string) error {
	leftover := map[string]bool{}
	_ = filepath.WalkDir(target, func(path string, d os.DirEntry, err error) error { // target does not exist the first time
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
		if tmpl != "" && relative == filepath.Join("config", "configuration.yaml") {
			if fresh, err = withNameResolution(fresh, tmpl); err != nil {
				return err
			}
		}
		duplicate := filepath.Join(target, relative)
		delete(leftover, duplicate)
		return Write(duplicate, fresh)
	})
	for _, name := range keep {
		delete(leftover, filepath.Join(target, name))
	}
	for path := range leftover {
		err = cmp.Or(err, os.Remove(path))
	}
	return err
}

// Write writes text to a file and creates its folder. It does nothing if the file has that text already.
func Write(path, text string) error {
	if earlier, err := os.ReadFile(path); err == nil && string(earlier) == text {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
