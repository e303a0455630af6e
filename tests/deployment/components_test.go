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

// differences are the only fields in which an overlay may differ from components/. Each has the overlay, a pattern of kind and path,
// and the reason.
var differences = []struct{ overlay, pattern, why string }{
	{"*", `^\w+/[\w-]+ metadata\.(namespace|labels)`, "all of it is in one namespace, with one label"},
	{"*", `^Component/state(-bff)? spec\.metadata\.connectionString$`, "the password comes from a Secret"},
	{"*", `^Component/pubsub[\w-]* spec\.metadata\.host$`, "Pulsar has another address"},
	{"*", `^Configuration/[\w-]+ (metadata\.name|spec\.accessControl|spec\.mtls)$`, "one for each service, with its callers; mTLS"},
	{"gke", `^Component/pubsub[\w-]* (spec\.metadata\.(enableTLS|token)|auth)$`, "the broker asks for a token and shows a certificate"},
	{"gke", `^Component/state(-bff)? auth$`, "the secret is in Secret Manager"},
	{"gke", `^Configuration/[\w-]+ spec\.tracing$`, "traces go to a collector"},
	{"local-observability", `^Configuration/[\w-]+ spec\.tracing$`, "traces go to a collector"},
}

// The overlays use components/ and copy none of it: each object of components/ is in each overlay, and differs only in the fields of
// differences.
func TestComponentsIsTheBase(t *testing.T) {
	for _, overlay := range allOverlays(t) {
		t.Run(overlay, func(t *testing.T) {
			used := map[int]bool{}
			for _, complaint := range compare(t, build(t, overlay).text, overlay, used) {
				t.Error(complaint)
			}
			for i, d := range differences {
				if (d.overlay == "*" || d.overlay == overlay) && !used[i] {
					t.Errorf("the difference %q does not exist any more: delete it from this list", d.pattern)
				}
			}
		})
	}
	bad := strings.Replace(build(t, "local").text, "name: redeliveryDelay\n    value: 1s", "name: redeliveryDelay\n    value: 30s", 1)
	if complaints := compare(t, bad, "local", map[int]bool{}); len(complaints) != 1 || !strings.Contains(complaints[0], "spec.metadata.redeliveryDelay") {
		t.Errorf("another redeliveryDelay in the cluster was not refused: %v", complaints)
	}
	bad = strings.Replace(build(t, "local").text, "kind: Resiliency", "kind: Resilience", 1)
	if complaints := compare(t, bad, "local", map[int]bool{}); len(complaints) != 1 || !strings.Contains(complaints[0], "Resiliency/resiliency is missing") {
		t.Errorf("a missing object was not refused: %v", complaints)
	}
}

func compare(t *testing.T, rendered, overlay string, used map[int]bool) []string {
	t.Helper()
	var complaints []string
	here := flatten(t, rendered)
	for key, original := range fromComponents(t) {
		alike := []string{key}
		if strings.HasPrefix(key, "Configuration/") { // each service has one
			alike = slices.DeleteFunc(slices.Collect(maps.Keys(here)), func(k string) bool { return !strings.HasPrefix(k, "Configuration/") })
		}
		for _, other := range alike {
			duplicate, found := here[other]
			if !found {
				complaints = append(complaints, key+" is missing")
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
					complaints = append(complaints, fmt.Sprintf("%s is not as in components/: %v, and there %v", place, duplicate[field], original[field]))
				}
			}
		}
	}
	return complaints
}

// flat has the fields of an object by path, two levels deep. It has the settings of a Component by name.
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

// components checks the names of the settings of each Component: Dapr ignores a setting whose name it does not know.
func components(c *code, m, secrets *manifests) []string {
	var q complaints
	for _, o := range m.kind("Component") {
		x := read[component](o)
		q.when(c.knownNames[x.Type] == nil, "%s: type %s is not known here", o, x.Type)
		for _, d := range x.Metadata {
			q.when(!c.knows(x.Type, d.Name), "%s: %s has no setting %s", o, x.Type, d.Name)
			q.when(d.Value != "" && d.SecretKeyRef.Name != "", "%s: %s has a value and a secret", o, d.Name)
			q.when(strings.Contains(d.Value, "127.0.0.1"), "%s: %s names 127.0.0.1", o, d.Name)
			q.when(strings.HasPrefix(d.Value, "postgres://"), "%s: %s shows its password", o, d.Name)
			if d.SecretKeyRef.Name == "" {
				continue
			}
			if o.Auth.SecretStore == "" {
				s, found := secrets.search("Secret", d.SecretKeyRef.Name)
				_, key := s.Data[d.SecretKeyRef.Key]
				q.when(!found || !key, "%s: there is no Secret %s with %s", o, d.SecretKeyRef.Name, d.SecretKeyRef.Key)
				continue
			}
			store, found := m.search("Component", o.Auth.SecretStore)
			q.when(!found || !strings.HasPrefix(read[component](store).Type, "secretstores."), "%s: %s is no secret store", o, o.Auth.SecretStore)
			q.when(!strings.Contains(secrets.text, "Secret Manager: "+d.SecretKeyRef.Name+"\n"), "%s: secrets.sh does not keep %s in Secret Manager", o, d.SecretKeyRef.Name)
			q.when(d.SecretKeyRef.Key != d.SecretKeyRef.Name, "%s: in Secret Manager the key of %s is its name", o, d.SecretKeyRef.Name)
		}
	}
	for _, o := range m.kind("Subscription") {
		s := read[subscription](o)
		_, found := m.search("Component", s.Pubsubname)
		q.when(!found, "%s: there is no component %s", o, s.Pubsubname)
		q.when(!slices.Contains(c.topics, s.Topic), "%s: there is no topic %s", o, s.Topic)
	}
	for _, o := range m.kind("Component", "Subscription", "Resiliency") {
		for _, id := range o.Scopes {
			_, found := c.apps[id]
			q.when(!found, "%s: its scope %s is no program", o, id)
		}
	}
	return q
}
