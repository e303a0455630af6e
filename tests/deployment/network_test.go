package deployment

import (
	"fmt"
	"slices"
	"strconv"
)

type networkPolicy struct {
	PodSelector selector `yaml:"podSelector"`
	PolicyTypes []string `yaml:"policyTypes"`
	Ingress     []struct {
		From  []peer
		Ports []networkPort
	}
	Egress []struct {
		To    []peer
		Ports []networkPort
	}
}

type selector struct {
	MatchLabels      map[string]string `yaml:"matchLabels"`
	MatchExpressions []struct {
		Key, Operator string
		Values        []string
	} `yaml:"matchExpressions"`
}

func (s selector) selects(labels map[string]string) bool {
	for _, e := range s.MatchExpressions {
		if in := slices.Contains(e.Values, labels[e.Key]); in != (e.Operator == "In") || e.Operator != "In" && e.Operator != "NotIn" {
			return false
		}
	}
	return contains(labels, s.MatchLabels)
}

type peer struct {
	PodSelector       *selector `yaml:"podSelector"`
	NamespaceSelector *selector `yaml:"namespaceSelector"`
	IPBlock           *struct{} `yaml:"ipBlock"`
}

type networkPort struct{ Port, Protocol string }

// endpoint is one end of a connection.
type endpoint struct {
	namespace string
	labels    map[string]string
	names     map[string]int // the port numbers by name
}

func (e endpoint) String() string {
	return fmt.Sprintf("%s/%s", e.namespace, slices.MaxFunc([]string{e.labels["app.kubernetes.io/name"], e.labels["component"], e.labels["app"], "x"}, func(a, b string) int { return len(a) - len(b) }))
}

func (v peer) selects(e endpoint) bool {
	if v.IPBlock != nil {
		return false // a peer by addresses is outside of the cluster
	}
	if v.NamespaceSelector == nil {
		return e.namespace == namespace && v.PodSelector != nil && v.PodSelector.selects(e.labels)
	}
	return v.NamespaceSelector.selects(map[string]string{"kubernetes.io/metadata.name": e.namespace}) && (v.PodSelector == nil || v.PodSelector.selects(e.labels))
}

func allows(peers []peer, ports []networkPort, other, server endpoint, port int) bool {
	withPort := len(ports) == 0 || slices.ContainsFunc(ports, func(p networkPort) bool {
		return p.Port == strconv.Itoa(port) || server.names[p.Port] == port
	})
	return withPort && (len(peers) == 0 || slices.ContainsFunc(peers, func(v peer) bool { return v.selects(other) }))
}

// allows reports whether from can reach the port of a: the policies of both ends must allow it.
func (m *manifests) allows(from, a endpoint, port int) bool {
	return m.allowsEgress(from, a, port) && m.enters(from, a, port)
}

func (m *manifests) allowsEgress(from, a endpoint, port int) bool {
	if from.namespace != namespace {
		return true
	}
	free := true
	for _, o := range m.kind("NetworkPolicy") {
		p := read[networkPolicy](o)
		if !p.PodSelector.selects(from.labels) || !slices.Contains(p.PolicyTypes, "Egress") {
			continue
		}
		free = false
		for _, r := range p.Egress {
			if allows(r.To, r.Ports, a, a, port) {
				return true
			}
		}
	}
	return free
}

func (m *manifests) enters(from, a endpoint, port int) bool {
	if a.namespace != namespace {
		return true
	}
	free := true
	for _, o := range m.kind("NetworkPolicy") {
		p := read[networkPolicy](o)
		if !p.PodSelector.selects(a.labels) || !slices.Contains(p.PolicyTypes, "Ingress") {
			continue
		}
		free = false
		for _, r := range p.Ingress {
			if allows(r.From, r.Ports, from, a, port) {
				return true
			}
		}
	}
	return free
}

// sidecarPort is the port at which sidecars call each other.
const sidecarPort = 50002

// bffMetricsPort is the port at which the bff shows its metrics. Its other port is public.
const bffMetricsPort = 9464

// servers returns PostgreSQL and Pulsar in an overlay, and the two ports of Pulsar: for data and for administration.
func servers(overlay string) (postgres, pulsar endpoint, data, admin int) {
	if overlay == "gke" {
		return endpoint{namespace: namespace, labels: map[string]string{"cnpg.io/cluster": "postgres"}},
			endpoint{namespace: "pulsar", labels: map[string]string{"component": "proxy"}}, 6651, 8443
	}
	from := func(name string) endpoint {
		return endpoint{namespace: namespace, labels: map[string]string{"app.kubernetes.io/name": name, "app.kubernetes.io/component": "infrastructure"}}
	}
	return from("postgres"), from("pulsar"), 6650, 8080
}

func network(c *code, m, _ *manifests) []string {
	var q complaints
	n, found := m.search("NetworkPolicy", "deny-all")
	nothing := read[networkPolicy](n)
	q.when(!found || len(nothing.PolicyTypes) != 2 || !nothing.PodSelector.selects(nil) || len(nothing.Ingress)+len(nothing.Egress) > 0, "there is no NetworkPolicy that denies everything to all")

	pods := map[string]endpoint{}
	for _, d := range m.workloads() {
		e := endpoint{namespace: namespace, labels: d.Pod.Labels, names: map[string]int{}}
		for _, x := range d.Spec.Containers {
			for _, p := range x.Ports {
				e.names[p.Name] = p.ContainerPort
			}
		}
		pods[d.Metadata.Name] = e
	}
	should := func(from, a endpoint, port int, when bool) {
		q.when(m.allows(from, a, port) != when, "network: from %s to %s:%d is allowed = %v, and must be %v", from, a, port, !when, when)
	}
	postgres, pulsar, data, admin := servers(m.overlay)
	prometheus := endpoint{namespace: "monitoring"}
	outside := endpoint{namespace: "other", labels: map[string]string{"app.kubernetes.io/name": "bff"}}
	_, observed := m.search("PodMonitor", "services") // the component observability
	if collector, found := pods["collector"]; found {
		should(pods["gestor-compra"], collector, 4317, true)
		should(outside, collector, 4317, false)
		if traces, found := pods["traces"]; found {
			should(collector, traces, 4317, true)
			should(pods["gestor-compra"], traces, 4317, false)
			should(prometheus, traces, 16686, true) // Grafana is in the namespace of Prometheus
		}
	}
	for id, a := range c.apps {
		self, found := pods[id]
		if !found {
			continue // withSidecar reports it
		}
		should(self, endpoint{namespace: "kube-system", labels: map[string]string{"k8s-app": "kube-dns"}}, 53, true)
		for _, port := range []int{50001, 50005, 50006, 6500} { // sentry, placement, scheduler, operator
			should(self, endpoint{namespace: "dapr-system", labels: map[string]string{"app": "dapr"}}, port, true)
		}
		should(self, postgres, 5432, true)
		should(self, pulsar, data, true)
		should(prometheus, self, 9090, true)
		should(prometheus, self, a.port, id == "monitor" || id == "bff" || observed)
		should(prometheus, self, bffMetricsPort, id == "bff" && observed)
		should(outside, self, a.port, id == "bff")
		should(outside, self, sidecarPort, false)
		for other := range c.apps {
			// Workflows are actors, so the sidecars of the replicas of gestor-compra call each other.
			calls := c.called()[[2]string{other, id}] || other == id && id == "gestor-compra"
			should(pods[other], self, sidecarPort, calls)
		}
	}
	should(pods["monitor"], pulsar, admin, true)
	for _, o := range m.kind("Job") {
		should(pods[o.Metadata.Name], postgres, 5432, true)
	}
	should(pods["setup"], pulsar, admin, true)
	should(outside, postgres, 5432, false)
	if pulsar.namespace == namespace {
		should(endpoint{namespace: "keda"}, pulsar, admin, true)
		should(outside, pulsar, data, false)
	}
	return q
}
