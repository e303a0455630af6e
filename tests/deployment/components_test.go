package deployment

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Where a cluster says something else than one machine does, and only there: kind, path of the field, why.
var differences = []struct{ overlay, pattern, why string }{
	{"*", `^\w+/[\w-]+ metadata\.(namespace|labels)`, "todo está en un espacio, con la etiqueta del conjunto"},
	{"*", `^Component/estado(-bff)? spec\.metadata\.connectionString$`, "la clave viene de un Secret"},
	{"*", `^Component/pubsub[\w-]* spec\.metadata\.host$`, "Pulsar está en otra dirección"},
	{"*", `^Configuration/[\w-]+ (metadata\.name|spec\.accessControl|spec\.mtls)$`, "una por servicio, con quién puede llamarlo; mTLS"},
	{"gke", `^Component/pubsub[\w-]* (spec\.metadata\.(enableTLS|token)|auth)$`, "el broker pide un token y muestra un certificado"},
	{"gke", `^Component/estado(-bff)? auth$`, "el secreto está en Secret Manager"},
	{"gke", `^Configuration/[\w-]+ spec\.tracing$`, "las trazas van a un colector"},
}

// components/ is reused, not copied: each of its objects is in each overlay, and differs only where it is declared above.
func TestComponentsIsTheBase(t *testing.T) {
	for _, overlay := range allOverlays(t) {
		t.Run(overlay, func(t *testing.T) {
			used := map[int]bool{}
			for _, complaint := range compare(t, build(t, overlay).text, overlay, used) {
				t.Error(complaint)
			}
			for i, d := range differences {
				if (d.overlay == "*" || d.overlay == overlay) && !used[i] {
					t.Errorf("la diferencia %q ya no existe: bórrela de esta lista", d.pattern)
				}
			}
		})
	}
	bad := strings.Replace(build(t, "local").text, "name: redeliveryDelay\n    value: 1s", "name: redeliveryDelay\n    value: 30s", 1)
	if complaints := compare(t, bad, "local", map[int]bool{}); len(complaints) != 1 || !strings.Contains(complaints[0], "spec.metadata.redeliveryDelay") {
		t.Errorf("otro redeliveryDelay en el cluster no se rechazó: %v", complaints)
	}
	bad = strings.Replace(build(t, "local").text, "kind: Resiliency", "kind: Resiliencia", 1)
	if complaints := compare(t, bad, "local", map[int]bool{}); len(complaints) != 1 || !strings.Contains(complaints[0], "Resiliency/resiliencia no está") {
		t.Errorf("que falte un objeto no se rechazó: %v", complaints)
	}
}

func compare(t *testing.T, rendered, overlay string, used map[int]bool) []string {
	t.Helper()
	var complaints []string
	here := flatten(t, rendered)
	for key, original := range fromComponents(t) {
		alike := []string{key}
		if strings.HasPrefix(key, "Configuration/") { // one a service
			alike = slices.DeleteFunc(slices.Collect(maps.Keys(here)), func(k string) bool { return !strings.HasPrefix(k, "Configuration/") })
		}
		for _, other := range alike {
			duplicate, found := here[other]
			if !found {
				complaints = append(complaints, key+" no está")
				continue
			}
			for _, field := range differing(original, duplicate) {
				place, declared := other+" "+field, false
				for i, d := range differences {
					if (d.overlay == "*" || d.overlay == overlay) && regexp.MustCompile(d.pattern).MatchString(place) {
						declared, used[i] = true, true
					}
				}
				if !declared {
					complaints = append(complaints, fmt.Sprintf("%s no es como en components/: %v, y allí %v", place, duplicate[field], original[field]))
				}
			}
		}
	}
	return complaints
}

// flat is an object as its fields: two levels deep, a Component's settings by their names.
type flat map[string]any

func fromComponents(t *testing.T) map[string]flat {
	t.Helper()
	all := map[string]flat{}
	for _, pattern := range []string{"*.yaml", "config/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(root, "components", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range files {
			b, err := os.ReadFile(a)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Base(a) != "kustomization.yaml" {
				maps.Copy(all, flatten(t, string(b)))
			}
		}
	}
	return all
}

func flatten(t *testing.T, text string) map[string]flat {
	t.Helper()
	all := map[string]flat{}
	for d := yaml.NewDecoder(strings.NewReader(text)); ; {
		var o map[string]any
		if d.Decode(&o) != nil {
			return all
		}
		p, meta := flat{}, o["metadata"].(map[string]any)
		for field, value := range o {
			inside, isMap := value.(map[string]any)
			if !isMap {
				p[field] = value
				continue
			}
			for k, v := range inside {
				settings, isList := v.([]any)
				if k != "metadata" || !isList {
					p[field+"."+k] = v
					continue
				}
				for _, a := range settings {
					x := a.(map[string]any)
					p[field+"."+k+"."+fmt.Sprint(x["name"])] = x
				}
			}
			if field == "auth" {
				p = maps.Clone(p)
				delete(p, "auth.secretStore")
				p["auth"] = value
			}
		}
		all[fmt.Sprint(o["kind"], "/", meta["name"])] = p
	}
}

func differing(a, b flat) []string {
	fields := map[string]bool{}
	for k := range a {
		fields[k] = true
	}
	for k := range b {
		fields[k] = true
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(fields)), func(k string) bool { return reflect.DeepEqual(a[k], b[k]) })
}

// components: Dapr passes over a setting whose name it does not know.
func components(c *code, m, secrets *manifests) []string {
	var q complaints
	for _, o := range m.kind("Component") {
		x := read[component](o)
		q.si(c.knownNames[x.Type] == nil, "%s: tipo %s desconocido aquí", o, x.Type)
		for _, d := range x.Metadata {
			q.si(!c.knows(x.Type, d.Name), "%s: %s no tiene el ajuste %s", o, x.Type, d.Name)
			q.si(d.Value != "" && d.SecretKeyRef.Name != "", "%s: %s tiene valor y secreto", o, d.Name)
			q.si(strings.Contains(d.Value, "127.0.0.1"), "%s: %s nombra 127.0.0.1", o, d.Name)
			q.si(strings.HasPrefix(d.Value, "postgres://"), "%s: %s está a la vista", o, d.Name)
			if d.SecretKeyRef.Name == "" {
				continue
			}
			if o.Auth.SecretStore == "" {
				s, found := secrets.search("Secret", d.SecretKeyRef.Name)
				_, key := s.Data[d.SecretKeyRef.Key]
				q.si(!found || !key, "%s: no hay Secret %s con %s", o, d.SecretKeyRef.Name, d.SecretKeyRef.Key)
				continue
			}
			store, found := m.search("Component", o.Auth.SecretStore)
			q.si(!found || !strings.HasPrefix(read[component](store).Type, "secretstores."), "%s: %s no es un almacén de secretos", o, o.Auth.SecretStore)
			q.si(!strings.Contains(secretsScript, "en_gestor "+d.SecretKeyRef.Name+" "), "%s: secretos.sh no guarda %s en Secret Manager", o, d.SecretKeyRef.Name)
			q.si(d.SecretKeyRef.Key != d.SecretKeyRef.Name, "%s: en Secret Manager la clave de %s es su nombre", o, d.SecretKeyRef.Name)
		}
	}
	for _, o := range m.kind("Subscription") {
		s := read[subscription](o)
		_, found := m.search("Component", s.Pubsubname)
		q.si(!found, "%s: no hay componente %s", o, s.Pubsubname)
		q.si(!slices.Contains(c.topics, s.Topic), "%s: no hay tópico %s", o, s.Topic)
	}
	for _, o := range m.kind("Component", "Subscription", "Resiliency") {
		for _, id := range o.Scopes {
			_, found := c.apps[id]
			q.si(!found, "%s: es de %s, que no es un programa", o, id)
		}
	}
	return q
}
