package despliegue

import (
	"slices"
	"strings"
)

type configuracion struct {
	MTLS struct {
		Enabled                 bool
		ControlPlaneTrustDomain string `yaml:"controlPlaneTrustDomain"`
		SentryAddress           string `yaml:"sentryAddress"`
	}
	Workflow struct {
		StateRetentionPolicy struct {
			AnyTerminal string `yaml:"anyTerminal"`
		} `yaml:"stateRetentionPolicy"`
	}
	Tracing struct {
		SamplingRate string `yaml:"samplingRate"`
	}
	AccessControl struct {
		DefaultAction string `yaml:"defaultAction"`
		TrustDomain   string `yaml:"trustDomain"`
		Policies      []politica
	} `yaml:"accessControl"`
}

type politica struct {
	AppID         string `yaml:"appId"`
	Namespace     string
	TrustDomain   string `yaml:"trustDomain"`
	DefaultAction string `yaml:"defaultAction"`
	Operations    []struct {
		Name     string
		HTTPVerb []string `yaml:"httpVerb"`
		Action   string
	}
}

// acceso: each call that the code has is let through by the called app's Configuration, and nothing else is.
func acceso(c *codigo, m, _ *manifiestos) []string {
	var q quejas
	dominios := map[string]string{}
	for id := range c.apps {
		o, hay := m.buscar("Configuration", id)
		if q.si(!hay, "falta la Configuration de %s", id); !hay {
			continue
		}
		x := leer[configuracion](o)
		dominios[id] = x.AccessControl.TrustDomain
		q.si(x.AccessControl.DefaultAction != "deny", "%s: por omisión deja pasar (%q)", o, x.AccessControl.DefaultAction)
		q.si(!x.MTLS.Enabled || x.MTLS.ControlPlaneTrustDomain == "" || x.MTLS.SentryAddress == "", "%s: sin mTLS", o)
		q.si(x.Workflow.StateRetentionPolicy.AnyTerminal == "", "%s: guarda los flujos terminados para siempre", o)
		q.si(x.Tracing.SamplingRate == "", "%s: sin trazas", o)
		for _, p := range x.AccessControl.Policies {
			q.si(p.DefaultAction != "deny", "%s: a %s le deja todo lo que no nombra", o, p.AppID)
			q.si(p.Namespace != espacio, "%s: %s no es del espacio %q", o, p.AppID, p.Namespace)
			_, hay := c.apps[p.AppID]
			q.si(!hay, "%s: no hay un programa %s", o, p.AppID)
			q.si(!c.llamados()[[2]string{p.AppID, id}], "%s: %s no llama a %s", o, p.AppID, id)
			for _, op := range p.Operations {
				q.si(strings.HasPrefix(op.Name, "/mensajes/") || op.Name == "/**" || op.Name == "/*", "%s: %s abre más que lo suyo", o, op.Name)
				for _, verbo := range op.HTTPVerb {
					q.si(!slices.ContainsFunc(slices.Concat(c.rutas[id], c.rutas["internal"]), func(r ruta) bool {
						return r.verbo == verbo && strings.HasPrefix(r.patron+"/", strings.TrimSuffix(op.Name, "**"))
					}), "%s: %s no sirve %s %s", o, id, verbo, op.Name)
				}
			}
		}
	}
	for _, l := range c.llamadas {
		o, hay := m.buscar("Configuration", l.a)
		q.si(!hay || !permite(leer[configuracion](o), dominios[l.de], l), "%s: %s no lo deja pasar", l, o)
	}
	return q
}

// permite decides as a sidecar does (dapr/pkg/acl at 1.18.1).
func permite(x configuracion, dominio string, l llamada) bool {
	accion := x.AccessControl.DefaultAction
	i := slices.IndexFunc(x.AccessControl.Policies, func(p politica) bool { return p.AppID == l.de && p.Namespace == espacio })
	if i < 0 || x.AccessControl.Policies[i].TrustDomain != dominio {
		return accion == "allow"
	}
	p := x.AccessControl.Policies[i]
	accion = p.DefaultAction
	raizArbol := &nodo{}
	for k := range p.Operations {
		raizArbol.poner(strings.ToLower(p.Operations[k].Name), k)
	}
	if k, hay := raizArbol.buscar(strings.ToLower(l.ruta)); hay && slices.ContainsFunc(p.Operations[k].HTTPVerb, func(v string) bool { return v == l.verbo || v == "*" }) {
		accion = p.Operations[k].Action
	}
	return accion == "allow"
}

// nodo is Dapr's tree of operations (dapr/pkg/config/acl_trie.go at 1.18.1), with its ways: an operation is also all that is
// beneath it, and /* counts only at the end.
type nodo struct {
	trozo string
	dato  *int
	hijos []*nodo
}

func (n *nodo) poner(operacion string, dato int) {
	partes := strings.Split(operacion, "/")[1:]
	for i, parte := range partes {
		parte = "/" + parte
		k := slices.IndexFunc(n.hijos, func(h *nodo) bool { return h.trozo == parte })
		if k < 0 {
			n.hijos = append(n.hijos, &nodo{trozo: parte})
			k = len(n.hijos) - 1
		}
		n = n.hijos[k]
		if i == len(partes)-1 && n.dato == nil {
			n.dato = &dato
		}
	}
}

func (n *nodo) buscar(operacion string) (int, bool) {
	partes := strings.Split(operacion, "/")[1:]
	for i, parte := range partes {
		fin := i == len(partes)-1
		if n = n.hijo("/"+parte, fin); n == nil {
			return 0, false
		}
		if n.dato != nil {
			if !fin && strings.HasSuffix(n.trozo, "/*") {
				continue
			}
			return *n.dato, true
		}
		if fin {
			if n = n.hijo("/*", fin); n != nil && n.dato != nil {
				return *n.dato, true
			}
			return 0, false
		}
	}
	return 0, false
}

func (n *nodo) hijo(trozo string, fin bool) *nodo {
	for _, h := range n.hijos {
		if h.trozo == trozo || h.trozo == "/**" || h.trozo == "/*" && fin {
			return h
		}
	}
	return nil
}
