package despliegue

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
var diferencias = []struct{ overlay, patron, porque string }{
	{"*", `^\w+/[\w-]+ metadata\.(namespace|labels)`, "todo está en un espacio, con la etiqueta del conjunto"},
	{"*", `^Component/estado(-bff)? spec\.metadata\.connectionString$`, "la clave viene de un Secret"},
	{"*", `^Component/pubsub[\w-]* spec\.metadata\.host$`, "Pulsar está en otra dirección"},
	{"*", `^Configuration/[\w-]+ (metadata\.name|spec\.accessControl|spec\.mtls)$`, "una por servicio, con quién puede llamarlo; mTLS"},
	{"gke", `^Component/pubsub[\w-]* (spec\.metadata\.(enableTLS|token)|auth)$`, "el broker pide un token y muestra un certificado"},
	{"gke", `^Component/estado(-bff)? auth$`, "el secreto está en Secret Manager"},
	{"gke", `^Configuration/[\w-]+ spec\.tracing$`, "las trazas van a un colector"},
}

// components/ is reused, not copied: each of its objects is in each overlay, and differs only where it is declared above.
func TestComponentsEsLaBase(t *testing.T) {
	for _, overlay := range losOverlays(t) {
		t.Run(overlay, func(t *testing.T) {
			usadas := map[int]bool{}
			for _, queja := range comparar(t, construir(t, overlay).texto, overlay, usadas) {
				t.Error(queja)
			}
			for i, d := range diferencias {
				if (d.overlay == "*" || d.overlay == overlay) && !usadas[i] {
					t.Errorf("la diferencia %q ya no existe: bórrela de esta lista", d.patron)
				}
			}
		})
	}
	malo := strings.Replace(construir(t, "local").texto, "name: redeliveryDelay\n    value: 1s", "name: redeliveryDelay\n    value: 30s", 1)
	if quejas := comparar(t, malo, "local", map[int]bool{}); len(quejas) != 1 || !strings.Contains(quejas[0], "spec.metadata.redeliveryDelay") {
		t.Errorf("otro redeliveryDelay en el cluster no se rechazó: %v", quejas)
	}
	malo = strings.Replace(construir(t, "local").texto, "kind: Resiliency", "kind: Resiliencia", 1)
	if quejas := comparar(t, malo, "local", map[int]bool{}); len(quejas) != 1 || !strings.Contains(quejas[0], "Resiliency/resiliencia no está") {
		t.Errorf("que falte un objeto no se rechazó: %v", quejas)
	}
}

func comparar(t *testing.T, renderizado, overlay string, usadas map[int]bool) []string {
	t.Helper()
	var quejas []string
	aqui := planos(t, renderizado)
	for clave, original := range deComponents(t) {
		iguales := []string{clave}
		if strings.HasPrefix(clave, "Configuration/") { // one a service
			iguales = slices.DeleteFunc(slices.Collect(maps.Keys(aqui)), func(k string) bool { return !strings.HasPrefix(k, "Configuration/") })
		}
		for _, otra := range iguales {
			copia, hay := aqui[otra]
			if !hay {
				quejas = append(quejas, clave+" no está")
				continue
			}
			for _, campo := range distintos(original, copia) {
				lugar, declarada := otra+" "+campo, false
				for i, d := range diferencias {
					if (d.overlay == "*" || d.overlay == overlay) && regexp.MustCompile(d.patron).MatchString(lugar) {
						declarada, usadas[i] = true, true
					}
				}
				if !declarada {
					quejas = append(quejas, fmt.Sprintf("%s no es como en components/: %v, y allí %v", lugar, copia[campo], original[campo]))
				}
			}
		}
	}
	return quejas
}

// plano is an object as its fields: two levels deep, a Component's settings by their names.
type plano map[string]any

func deComponents(t *testing.T) map[string]plano {
	t.Helper()
	todos := map[string]plano{}
	for _, patron := range []string{"*.yaml", "config/*.yaml"} {
		archivos, err := filepath.Glob(filepath.Join(raiz, "components", patron))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range archivos {
			b, err := os.ReadFile(a)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Base(a) != "kustomization.yaml" {
				maps.Copy(todos, planos(t, string(b)))
			}
		}
	}
	return todos
}

func planos(t *testing.T, texto string) map[string]plano {
	t.Helper()
	todos := map[string]plano{}
	for d := yaml.NewDecoder(strings.NewReader(texto)); ; {
		var o map[string]any
		if d.Decode(&o) != nil {
			return todos
		}
		p, meta := plano{}, o["metadata"].(map[string]any)
		for campo, valor := range o {
			dentro, esMapa := valor.(map[string]any)
			if !esMapa {
				p[campo] = valor
				continue
			}
			for k, v := range dentro {
				ajustes, esLista := v.([]any)
				if k != "metadata" || !esLista {
					p[campo+"."+k] = v
					continue
				}
				for _, a := range ajustes {
					x := a.(map[string]any)
					p[campo+"."+k+"."+fmt.Sprint(x["name"])] = x
				}
			}
			if campo == "auth" {
				p = maps.Clone(p)
				delete(p, "auth.secretStore")
				p["auth"] = valor
			}
		}
		todos[fmt.Sprint(o["kind"], "/", meta["name"])] = p
	}
}

func distintos(a, b plano) []string {
	campos := map[string]bool{}
	for k := range a {
		campos[k] = true
	}
	for k := range b {
		campos[k] = true
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(campos)), func(k string) bool { return reflect.DeepEqual(a[k], b[k]) })
}

// componentes: Dapr passes over a setting whose name it does not know.
func componentes(c *codigo, m, secretos *manifiestos) []string {
	var q quejas
	for _, o := range m.clase("Component") {
		x := leer[componente](o)
		q.si(c.conocidos[x.Type] == nil, "%s: tipo %s desconocido aquí", o, x.Type)
		for _, d := range x.Metadata {
			q.si(!c.conoce(x.Type, d.Name), "%s: %s no tiene el ajuste %s", o, x.Type, d.Name)
			q.si(d.Value != "" && d.SecretKeyRef.Name != "", "%s: %s tiene valor y secreto", o, d.Name)
			q.si(strings.Contains(d.Value, "127.0.0.1"), "%s: %s nombra 127.0.0.1", o, d.Name)
			q.si(strings.HasPrefix(d.Value, "postgres://"), "%s: %s está a la vista", o, d.Name)
			if d.SecretKeyRef.Name == "" {
				continue
			}
			if o.Auth.SecretStore == "" {
				s, hay := secretos.buscar("Secret", d.SecretKeyRef.Name)
				_, clave := s.Data[d.SecretKeyRef.Key]
				q.si(!hay || !clave, "%s: no hay Secret %s con %s", o, d.SecretKeyRef.Name, d.SecretKeyRef.Key)
				continue
			}
			almacen, hay := m.buscar("Component", o.Auth.SecretStore)
			q.si(!hay || !strings.HasPrefix(leer[componente](almacen).Type, "secretstores."), "%s: %s no es un almacén de secretos", o, o.Auth.SecretStore)
			q.si(!strings.Contains(guionSecretos, "en_gestor "+d.SecretKeyRef.Name+" "), "%s: secretos.sh no guarda %s en Secret Manager", o, d.SecretKeyRef.Name)
			q.si(d.SecretKeyRef.Key != d.SecretKeyRef.Name, "%s: en Secret Manager la clave de %s es su nombre", o, d.SecretKeyRef.Name)
		}
	}
	for _, o := range m.clase("Subscription") {
		s := leer[suscripcion](o)
		_, hay := m.buscar("Component", s.Pubsubname)
		q.si(!hay, "%s: no hay componente %s", o, s.Pubsubname)
		q.si(!slices.Contains(c.temas, s.Topic), "%s: no hay tópico %s", o, s.Topic)
	}
	for _, o := range m.clase("Component", "Subscription", "Resiliency") {
		for _, id := range o.Scopes {
			_, hay := c.apps[id]
			q.si(!hay, "%s: es de %s, que no es un programa", o, id)
		}
	}
	return q
}
