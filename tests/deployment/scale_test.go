package deployment

import (
	"net/url"
	"slices"
	"strings"
)

type scaledObject struct {
	ScaleTargetRef  struct{ Name, Kind string } `yaml:"scaleTargetRef"`
	MinReplicaCount *int                        `yaml:"minReplicaCount"`
	MaxReplicaCount *int                        `yaml:"maxReplicaCount"`
	Triggers        []struct {
		Type              string
		Metadata          map[string]string
		AuthenticationRef struct{ Name string } `yaml:"authenticationRef"`
	}
}

type hpa struct {
	ScaleTargetRef struct{ Name string } `yaml:"scaleTargetRef"`
	MinReplicas    *int                  `yaml:"minReplicas"`
	MaxReplicas    int                   `yaml:"maxReplicas"`
	Metrics        []struct {
		External struct {
			Metric struct{ Name string }
			Target struct {
				AverageValue string `yaml:"averageValue"`
			}
		}
	}
}

// scaling: KEDA takes min over max, and triggers on topics and subscriptions that do not exist; the scaler then fails for ever.
func scaling(c *code, m, _ *manifests) []string {
	var q complaints
	scaled, looked := map[string]bool{}, map[string]bool{}
	for _, o := range m.kind("ScaledObject") {
		s := read[scaledObject](o)
		app := s.ScaleTargetRef.Name
		scaled[app] = true
		q.si(s.MinReplicaCount == nil || s.MaxReplicaCount == nil || *s.MinReplicaCount < 1 || *s.MinReplicaCount > *s.MaxReplicaCount, "%s: no va de 1 o más a otro tanto o más", o)
		for i, t := range s.Triggers {
			q.si(t.Type != "pulsar", "%s: el disparador %d es %s", o, i, t.Type)
			for name := range t.Metadata {
				q.si(!c.knows("keda pulsar", name), "%s: KEDA no conoce %s en un disparador pulsar", o, name)
			}
			topic, subscription := strings.TrimPrefix(t.Metadata["topic"], "persistent://public/default/"), t.Metadata["subscription"]
			looked[topic] = true
			q.si(!slices.Contains(c.topics, topic), "%s: no hay un tópico %s", o, t.Metadata["topic"])
			q.si(c.readers[topic] != subscription, "%s: %s no tiene la suscripción %q (lo lee %q)", o, topic, subscription, c.readers[topic])
			q.si(subscription != app, "%s: mira la cola de %s y escala %s", o, subscription, app)
			u, err := url.Parse(t.Metadata["adminURL"])
			q.si(err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") || !strings.Contains(u.Host, ".svc"), "%s: adminURL %q no es una dirección que KEDA alcance desde su espacio", o, t.Metadata["adminURL"])
			q.si((t.Metadata["authModes"] != "") != (t.AuthenticationRef.Name != ""), "%s: authModes y authenticationRef van juntos", o)
			if t.AuthenticationRef.Name != "" {
				_, found := m.search("TriggerAuthentication", t.AuthenticationRef.Name)
				q.si(!found, "%s: no hay TriggerAuthentication %s", o, t.AuthenticationRef.Name)
			}
		}
	}
	const prefix = "pending_messages_persistent_public_default_" // services/monitor/rest
	for _, o := range m.kind("HorizontalPodAutoscaler") {
		h := read[hpa](o)
		scaled[h.ScaleTargetRef.Name] = true
		q.si(h.MinReplicas == nil || *h.MinReplicas < 1 || *h.MinReplicas > h.MaxReplicas, "%s: no va de 1 o más a otro tanto o más", o)
		for _, x := range h.Metrics {
			i := slices.IndexFunc(c.topics, func(t string) bool { return prefix+strings.ReplaceAll(t, "-", "_") == x.External.Metric.Name })
			if i < 0 {
				q.si(true, "%s: monitor no da %s", o, x.External.Metric.Name)
				continue
			}
			looked[c.topics[i]] = true
			q.si(c.readers[c.topics[i]] != h.ScaleTargetRef.Name, "%s: %s lo lee %s", o, c.topics[i], c.readers[c.topics[i]])
		}
	}
	for topic, app := range c.readers {
		q.si(!looked[topic], "nadie escala %s por lo que espera en %s", app, topic)
	}
	for app := range scaled {
		d, found := m.search("Deployment", app)
		q.si(!found, "se escala %s, que no es un Deployment", app)
		q.si(read[struct{ Replicas *int }](d).Replicas != nil, "Deployment %s dice cuántas réplicas quiere, y otro las cuenta", app)
	}
	return q
}
