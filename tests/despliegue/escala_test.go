package despliegue

import (
	"net/url"
	"slices"
	"strings"
)

type objetoEscalado struct {
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

// escala: KEDA takes min over max, and triggers on topics and subscriptions that do not exist; the scaler then fails for ever.
func escala(c *codigo, m, _ *manifiestos) []string {
	var q quejas
	escalados, mirados := map[string]bool{}, map[string]bool{}
	for _, o := range m.clase("ScaledObject") {
		s := leer[objetoEscalado](o)
		app := s.ScaleTargetRef.Name
		escalados[app] = true
		q.si(s.MinReplicaCount == nil || s.MaxReplicaCount == nil || *s.MinReplicaCount < 1 || *s.MinReplicaCount > *s.MaxReplicaCount, "%s: no va de 1 o más a otro tanto o más", o)
		for i, t := range s.Triggers {
			q.si(t.Type != "pulsar", "%s: el disparador %d es %s", o, i, t.Type)
			for nombre := range t.Metadata {
				q.si(!c.conoce("keda pulsar", nombre), "%s: KEDA no conoce %s en un disparador pulsar", o, nombre)
			}
			tema, suscripcion := strings.TrimPrefix(t.Metadata["topic"], "persistent://public/default/"), t.Metadata["subscription"]
			mirados[tema] = true
			q.si(!slices.Contains(c.temas, tema), "%s: no hay un tópico %s", o, t.Metadata["topic"])
			q.si(c.lectores[tema] != suscripcion, "%s: %s no tiene la suscripción %q (lo lee %q)", o, tema, suscripcion, c.lectores[tema])
			q.si(suscripcion != app, "%s: mira la cola de %s y escala %s", o, suscripcion, app)
			u, err := url.Parse(t.Metadata["adminURL"])
			q.si(err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") || !strings.Contains(u.Host, ".svc"), "%s: adminURL %q no es una dirección que KEDA alcance desde su espacio", o, t.Metadata["adminURL"])
			q.si((t.Metadata["authModes"] != "") != (t.AuthenticationRef.Name != ""), "%s: authModes y authenticationRef van juntos", o)
			if t.AuthenticationRef.Name != "" {
				_, hay := m.buscar("TriggerAuthentication", t.AuthenticationRef.Name)
				q.si(!hay, "%s: no hay TriggerAuthentication %s", o, t.AuthenticationRef.Name)
			}
		}
	}
	const prefijo = "pending_messages_persistent_public_default_" // services/monitor/rest
	for _, o := range m.clase("HorizontalPodAutoscaler") {
		h := leer[hpa](o)
		escalados[h.ScaleTargetRef.Name] = true
		q.si(h.MinReplicas == nil || *h.MinReplicas < 1 || *h.MinReplicas > h.MaxReplicas, "%s: no va de 1 o más a otro tanto o más", o)
		for _, x := range h.Metrics {
			i := slices.IndexFunc(c.temas, func(t string) bool { return prefijo+strings.ReplaceAll(t, "-", "_") == x.External.Metric.Name })
			if i < 0 {
				q.si(true, "%s: monitor no da %s", o, x.External.Metric.Name)
				continue
			}
			mirados[c.temas[i]] = true
			q.si(c.lectores[c.temas[i]] != h.ScaleTargetRef.Name, "%s: %s lo lee %s", o, c.temas[i], c.lectores[c.temas[i]])
		}
	}
	for tema, app := range c.lectores {
		q.si(!mirados[tema], "nadie escala %s por lo que espera en %s", app, tema)
	}
	for app := range escalados {
		d, hay := m.buscar("Deployment", app)
		q.si(!hay, "se escala %s, que no es un Deployment", app)
		q.si(leer[struct{ Replicas *int }](d).Replicas != nil, "Deployment %s dice cuántas réplicas quiere, y otro las cuenta", app)
	}
	return q
}
