package preparar

import (
	"cmp"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

// conResolucion is a Configuration's text in which sidecars find each other by plantilla, the text/template of an address,
// and not by mDNS.
func conResolucion(configuracion, plantilla string) (string, error) {
	var c map[string]any
	if err := yaml.Unmarshal([]byte(configuracion), &c); err != nil {
		return "", err
	}
	spec, _ := c["spec"].(map[string]any)
	if spec == nil {
		spec = map[string]any{}
		c["spec"] = spec
	}
	spec["nameResolution"] = map[string]any{"component": "kubernetes", "configuration": map[string]any{"template": plantilla}}
	texto, err := yaml.Marshal(c)
	return string(texto), err
}

// CopiarComponentes keeps destino equal to components/ (origen) as traducir changes it, mostly to other addresses; where
// there is a plantilla the Configuration gets it. What has not changed is not written: a sidecar watches these files, and
// loads its subscriptions again at each touch.
func CopiarComponentes(origen, destino string, traducir func(texto string) string, plantilla string) error {
	sobran := map[string]bool{}
	_ = filepath.WalkDir(destino, func(ruta string, d os.DirEntry, err error) error { // there is none the first time
		if err == nil && !d.IsDir() {
			sobran[ruta] = true
		}
		return nil
	})
	err := filepath.WalkDir(origen, func(ruta string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relativa, err := filepath.Rel(origen, ruta)
		if err != nil {
			return err
		}
		texto, err := os.ReadFile(ruta)
		if err != nil {
			return err
		}
		nuevo := traducir(string(texto))
		if plantilla != "" && relativa == filepath.Join("config", "configuracion.yaml") {
			if nuevo, err = conResolucion(nuevo, plantilla); err != nil {
				return err
			}
		}
		copia := filepath.Join(destino, relativa)
		delete(sobran, copia)
		return Escribir(copia, nuevo)
	})
	for ruta := range sobran {
		err = cmp.Or(err, os.Remove(ruta))
	}
	return err
}

// Escribir writes a file that does not say so yet, and its folder.
func Escribir(ruta, texto string) error {
	if antes, err := os.ReadFile(ruta); err == nil && string(antes) == texto {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(ruta), 0o755); err != nil {
		return err
	}
	return os.WriteFile(ruta, []byte(texto), 0o644)
}
