package despliegue

import (
	"fmt"
	"slices"
	"strconv"
)

type politicaRed struct {
	PodSelector selector `yaml:"podSelector"`
	PolicyTypes []string `yaml:"policyTypes"`
	Ingress     []struct {
		From  []vecino
		Ports []puertoRed
	}
	Egress []struct {
		To    []vecino
		Ports []puertoRed
	}
}

type selector struct {
	MatchLabels      map[string]string `yaml:"matchLabels"`
	MatchExpressions []struct {
		Key, Operator string
		Values        []string
	} `yaml:"matchExpressions"`
}

func (s selector) elige(etiquetas map[string]string) bool {
	for _, e := range s.MatchExpressions {
		if e.Operator != "In" || !slices.Contains(e.Values, etiquetas[e.Key]) {
			return false
		}
	}
	return contiene(etiquetas, s.MatchLabels)
}

type vecino struct {
	PodSelector       *selector `yaml:"podSelector"`
	NamespaceSelector *selector `yaml:"namespaceSelector"`
	IPBlock           *struct{} `yaml:"ipBlock"`
}

type puertoRed struct{ Port, Protocol string }

// extremo is one end of a connection.
type extremo struct {
	espacio   string
	etiquetas map[string]string
	nombres   map[string]int // its ports by name
}

func (e extremo) String() string {
	return fmt.Sprintf("%s/%s", e.espacio, slices.MaxFunc([]string{e.etiquetas["app.kubernetes.io/name"], e.etiquetas["component"], e.etiquetas["app"], "x"}, func(a, b string) int { return len(a) - len(b) }))
}

func (v vecino) elige(e extremo) bool {
	if v.IPBlock != nil {
		return false // addresses: what is outside of the cluster
	}
	if v.NamespaceSelector == nil {
		return e.espacio == espacio && v.PodSelector != nil && v.PodSelector.elige(e.etiquetas)
	}
	return v.NamespaceSelector.elige(map[string]string{"kubernetes.io/metadata.name": e.espacio}) && (v.PodSelector == nil || v.PodSelector.elige(e.etiquetas))
}

func deja(vecinos []vecino, puertos []puertoRed, otro, servidor extremo, puerto int) bool {
	conPuerto := len(puertos) == 0 || slices.ContainsFunc(puertos, func(p puertoRed) bool {
		return p.Port == strconv.Itoa(puerto) || servidor.nombres[p.Port] == puerto
	})
	return conPuerto && (len(vecinos) == 0 || slices.ContainsFunc(vecinos, func(v vecino) bool { return v.elige(otro) }))
}

// pasa says whether de reaches a at a port: both ends' policies count.
func (m *manifiestos) pasa(de, a extremo, puerto int) bool {
	return m.sale(de, a, puerto) && m.entra(de, a, puerto)
}

func (m *manifiestos) sale(de, a extremo, puerto int) bool {
	if de.espacio != espacio {
		return true
	}
	libre := true
	for _, o := range m.clase("NetworkPolicy") {
		p := leer[politicaRed](o)
		if !p.PodSelector.elige(de.etiquetas) || !slices.Contains(p.PolicyTypes, "Egress") {
			continue
		}
		libre = false
		for _, r := range p.Egress {
			if deja(r.To, r.Ports, a, a, puerto) {
				return true
			}
		}
	}
	return libre
}

func (m *manifiestos) entra(de, a extremo, puerto int) bool {
	if a.espacio != espacio {
		return true
	}
	libre := true
	for _, o := range m.clase("NetworkPolicy") {
		p := leer[politicaRed](o)
		if !p.PodSelector.elige(a.etiquetas) || !slices.Contains(p.PolicyTypes, "Ingress") {
			continue
		}
		libre = false
		for _, r := range p.Ingress {
			if deja(r.From, r.Ports, de, a, puerto) {
				return true
			}
		}
	}
	return libre
}

// interno is the port at which sidecars call each other.
const interno = 50002

// servidores are PostgreSQL and Pulsar as each overlay has them, with their ports: data, and the broker's administration.
func servidores(overlay string) (postgres, pulsar extremo, datos, admin int) {
	if overlay == "gke" {
		return extremo{espacio: espacio, etiquetas: map[string]string{"cnpg.io/cluster": "postgres"}},
			extremo{espacio: "pulsar", etiquetas: map[string]string{"component": "proxy"}}, 6651, 8443
	}
	de := func(nombre string) extremo {
		return extremo{espacio: espacio, etiquetas: map[string]string{"app.kubernetes.io/name": nombre, "app.kubernetes.io/component": "infraestructura"}}
	}
	return de("postgres"), de("pulsar"), 6650, 8080
}

func red(c *codigo, m, _ *manifiestos) []string {
	var q quejas
	n, hay := m.buscar("NetworkPolicy", "nada")
	nada := leer[politicaRed](n)
	q.si(!hay || len(nada.PolicyTypes) != 2 || !nada.PodSelector.elige(nil) || len(nada.Ingress)+len(nada.Egress) > 0, "no hay una NetworkPolicy que niegue todo a todos")

	pods := map[string]extremo{}
	for _, d := range m.cargas() {
		e := extremo{espacio: espacio, etiquetas: d.Pod.Labels, nombres: map[string]int{}}
		for _, x := range d.Spec.Containers {
			for _, p := range x.Ports {
				e.nombres[p.Name] = p.ContainerPort
			}
		}
		pods[d.Metadata.Name] = e
	}
	debe := func(de, a extremo, puerto int, cuando bool) {
		q.si(m.pasa(de, a, puerto) != cuando, "red: de %s a %s:%d pasa = %v, y debe ser %v", de, a, puerto, !cuando, cuando)
	}
	postgres, pulsar, datos, admin := servidores(m.overlay)
	prometheus := extremo{espacio: "monitoring"}
	fuera := extremo{espacio: "otro", etiquetas: map[string]string{"app.kubernetes.io/name": "bff"}}
	for id, a := range c.apps {
		yo := pods[id]
		debe(yo, extremo{espacio: "kube-system", etiquetas: map[string]string{"k8s-app": "kube-dns"}}, 53, true)
		for _, puerto := range []int{50001, 50005, 50006, 6500} { // sentry, placement, scheduler, operator
			debe(yo, extremo{espacio: "dapr-system", etiquetas: map[string]string{"app": "dapr"}}, puerto, true)
		}
		debe(yo, postgres, 5432, true)
		debe(yo, pulsar, datos, true)
		debe(prometheus, yo, 9090, true)
		debe(prometheus, yo, a.puerto, id == "monitor" || id == "bff")
		debe(fuera, yo, a.puerto, id == "bff")
		debe(fuera, yo, interno, false)
		for otro := range c.apps {
			// Workflows are actors: gestor-compra's replicas find each other.
			llama := c.llamados()[[2]string{otro, id}] || otro == id && id == "gestor-compra"
			debe(pods[otro], yo, interno, llama)
		}
	}
	debe(pods["monitor"], pulsar, admin, true)
	for _, trabajo := range []string{"preparar", "migrar-gestor-compra", "migrar-admin-productos", "migrar-ordenes"} {
		debe(pods[trabajo], postgres, 5432, true)
	}
	debe(pods["preparar"], pulsar, admin, true)
	debe(fuera, postgres, 5432, false)
	if pulsar.espacio == espacio {
		debe(extremo{espacio: "keda"}, pulsar, admin, true)
		debe(fuera, pulsar, datos, false)
	}
	return q
}
