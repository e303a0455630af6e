package preparar

import (
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// ConResolucion is a Configuration's text in which sidecars find each other by plantilla, the text/template of an address,
// and not by mDNS.
func ConResolucion(configuracion, plantilla string) (string, error) {
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

// CopiarComponentes writes components/ (origen) to destino with other addresses: pares is old, new, old, new…
// The Configuration gets plantilla.
func CopiarComponentes(origen, destino, plantilla string, pares ...string) error {
	otras := strings.NewReplacer(pares...)
	return filepath.WalkDir(origen, func(ruta string, d os.DirEntry, err error) error {
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
		nuevo := otras.Replace(string(texto))
		if relativa == filepath.Join("config", "configuracion.yaml") {
			if nuevo, err = ConResolucion(nuevo, plantilla); err != nil {
				return err
			}
		}
		copia := filepath.Join(destino, relativa)
		if err := os.MkdirAll(filepath.Dir(copia), 0o755); err != nil {
			return err
		}
		return os.WriteFile(copia, []byte(nuevo), 0o644)
	})
}
