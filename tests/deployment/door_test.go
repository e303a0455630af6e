package deployment

import (
	"slices"
	"strings"
)

// gate checks that the HTTPRoutes allow the paths for people, but not the paths for probes or for messages. The bff serves all of
// these paths on one port.
func gate(c *code, m, _ *manifests) []string {
	var q complaints
	opened := false
	lets := func(callPath string) bool {
		for _, o := range m.kind("HTTPRoute") {
			for _, r := range read[httpRoute](o).Rules {
				for _, x := range r.Matches {
					opened = true
					if x.Path.Value == callPath || x.Path.Type == "PathPrefix" && (x.Path.Value == "/" || strings.HasPrefix(callPath+"/", strings.TrimSuffix(x.Path.Value, "/")+"/")) {
						return true
					}
				}
			}
		}
		return false
	}
	for _, callPath := range c.publicPaths {
		if passes := lets(callPath); opened {
			q.when(!passes, "HTTPRoute: nobody reaches %s, which the bff serves", callPath)
		}
	}
	for _, callPath := range slices.Concat(c.deliveries["bff"], c.health) {
		q.when(lets(callPath), "HTTPRoute: anybody reaches %s", callPath)
	}
	for _, o := range m.kind("HTTPRoute") {
		for _, r := range read[httpRoute](o).Rules {
			q.when(len(r.Matches) == 0 && len(r.BackendRefs) > 0, "%s: lets everything through", o)
			for _, b := range r.BackendRefs {
				q.when(b.Name != "bff" || b.Port != c.apps["bff"].port, "%s: leads to %s:%d", o, b.Name, b.Port)
			}
		}
	}
	return q
}

type httpRoute struct {
	Rules []struct {
		Matches     []struct{ Path struct{ Type, Value string } }
		BackendRefs []struct {
			Name string
			Port int
		} `yaml:"backendRefs"`
	}
}
