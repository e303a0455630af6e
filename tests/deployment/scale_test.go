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

// scaling checks the ScaledObjects. KEDA accepts a minimum above the maximum, and triggers on topics and subscriptions that do not
// exist; the scaler then fails for ever.
func scaling(c *code, m, _ *manifests) []string {
	var q complaints
	scaled, looked := map[string]bool{}, map[string]bool{}
	for _, o := range m.kind("ScaledObject") {
		s := read[scaledObject](o)
		app := s.ScaleTargetRef.Name
		scaled[app] = true
		q.when(s.MinReplicaCount == nil || s.MaxReplicaCount == nil || *s.MinReplicaCount < 1 || *s.MinReplicaCount > *s.MaxReplicaCount, "%s: does not go from 1 or more up", o)
		for i, t := range s.Triggers {
			q.when(t.Type != "pulsar", "%s: trigger %d is %s", o, i, t.Type)
			for name := range t.Metadata {
				q.when(!c.knows("keda pulsar", name), "%s: KEDA does not know %s in a pulsar trigger", o, name)
			}
			topic, subscription := strings.TrimPrefix(t.Metadata["topic"], "persistent://public/default/"), t.Metadata["subscription"]
			looked[topic] = true
			q.when(!slices.Contains(c.topics, topic), "%s: there is no topic %s", o, t.Metadata["topic"])
			q.when(c.readers[topic] != subscription, "%s: %s has no subscription %q (its reader is %q)", o, topic, subscription, c.readers[topic])
			q.when(subscription != app, "%s: reads the queue of %s and scales %s", o, subscription, app)
			u, err := url.Parse(t.Metadata["adminURL"])
			q.when(err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") || !strings.Contains(u.Host, ".svc"), "%s: adminURL %q is not an address that KEDA reaches from its namespace", o, t.Metadata["adminURL"])
			q.when((t.Metadata["authModes"] != "") != (t.AuthenticationRef.Name != ""), "%s: authModes and authenticationRef go together", o)
			if t.AuthenticationRef.Name != "" {
				_, found := m.search("TriggerAuthentication", t.AuthenticationRef.Name)
				q.when(!found, "%s: there is no TriggerAuthentication %s", o, t.AuthenticationRef.Name)
			}
		}
	}
	const prefix = "pending_messages_persistent_public_default_" // services/monitor/rest
	for _, o := range m.kind("HorizontalPodAutoscaler") {
		h := read[hpa](o)
		scaled[h.ScaleTargetRef.Name] = true
		q.when(h.MinReplicas == nil || *h.MinReplicas < 1 || *h.MinReplicas > h.MaxReplicas, "%s: does not go from 1 or more up", o)
		for _, x := range h.Metrics {
			i := slices.IndexFunc(c.topics, func(t string) bool { return prefix+strings.ReplaceAll(t, "-", "_") == x.External.Metric.Name })
			if i < 0 {
				q.when(true, "%s: monitor does not export %s", o, x.External.Metric.Name)
				continue
			}
			looked[c.topics[i]] = true
			q.when(c.readers[c.topics[i]] != h.ScaleTargetRef.Name, "%s: the reader of %s is %s", o, c.topics[i], c.readers[c.topics[i]])
		}
	}
	for topic, app := range c.readers {
		q.when(!looked[topic], "deploy/k8s/base/%s/scale.yaml: nothing scales %s by the queue of %s", app, app, topic)
	}
	for app := range scaled {
		d, found := m.search("Deployment", app)
		q.when(!found, "%s is scaled and is no Deployment", app)
		q.when(read[struct{ Replicas *int }](d).Replicas != nil, "Deployment %s sets its replicas, which its scaler sets too", app)
	}
	return q
}
