package despliegue

import (
	"slices"
	"strings"
)

// puerta: what the way in lets through is what is for people. On the same port the bff takes messages from its sidecar.
func puerta(c *codigo, m, _ *manifiestos) []string {
	var q quejas
	abierta := false
	deja := func(camino string) bool {
		for _, o := range m.clase("HTTPRoute") {
			for _, r := range leer[rutaHTTP](o).Rules {
				for _, x := range r.Matches {
					abierta = true
					if x.Path.Value == camino || x.Path.Type == "PathPrefix" && (x.Path.Value == "/" || strings.HasPrefix(camino+"/", strings.TrimSuffix(x.Path.Value, "/")+"/")) {
						return true
					}
				}
			}
		}
		return false
	}
	for _, camino := range c.publicas {
		if pasa := deja(camino); abierta {
			q.si(!pasa, "HTTPRoute: nadie llega a %s, que el bff sirve", camino)
		}
	}
	for _, camino := range slices.Concat(c.entregas["bff"], c.salud) {
		q.si(deja(camino), "HTTPRoute: cualquiera llega a %s", camino)
	}
	for _, o := range m.clase("HTTPRoute") {
		for _, r := range leer[rutaHTTP](o).Rules {
			q.si(len(r.Matches) == 0 && len(r.BackendRefs) > 0, "%s: deja pasar todo", o)
			for _, b := range r.BackendRefs {
				q.si(b.Name != "bff" || b.Port != c.apps["bff"].puerto, "%s: lleva a %s:%d", o, b.Name, b.Port)
			}
		}
	}
	return q
}

type rutaHTTP struct {
	Rules []struct {
		Matches     []struct{ Path struct{ Type, Value string } }
		BackendRefs []struct {
			Name string
			Port int
		} `yaml:"backendRefs"`
	}
}
