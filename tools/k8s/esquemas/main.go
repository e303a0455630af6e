// Command esquemas writes what deploy/k8s/esquemas holds: JSON schemas by which kubeconform checks our manifests without a
// cluster or the network, strictly, and the names that a schema cannot see (annotations, component settings, trigger settings).
// Its sources are the very modules that define them, at the versions below. From this folder:
//
//	GOWORK=off go run . ../../../deploy/k8s/esquemas
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The versions that a cluster is expected to have (deploy/versiones.env); Kubernetes is the oldest that GKE's regular channel offers.
const (
	kubernetes = "k8s.io/kubernetes@v1.34.4"
	dapr       = "github.com/dapr/dapr@v1.18.1"
	contrib    = "github.com/dapr/components-contrib@v1.18.0"
	keda       = "github.com/kedacore/keda/v2@v2.20.2"
	gatewayAPI = "sigs.k8s.io/gateway-api@v1.4.1"
	prometheus = "github.com/prometheus-operator/prometheus-operator@v0.93.1"
	cnpg       = "github.com/cloudnative-pg/cloudnative-pg@v1.30.0"
	barman     = "github.com/cloudnative-pg/plugin-barman-cloud@v0.13.0"
)

// propios are the kinds of Kubernetes itself that get a schema.
var propios = []string{
	"Namespace", "Service", "ServiceAccount", "ConfigMap", "Secret", "PersistentVolumeClaim", "Deployment", "StatefulSet", "Job",
	"PodDisruptionBudget", "NetworkPolicy", "HorizontalPodAutoscaler",
}

// ajenos are the files with other kinds' definitions: in a module, or in a folder here for GKE's, which are in no module
// (GoogleCloudPlatform/gke-networking-recipes, gateway-api/config/servicepolicies/crd/standard, at cce1618).
var ajenos = []struct{ modulo, archivo string }{
	{dapr, "charts/dapr/crds/components.yaml"},
	{dapr, "charts/dapr/crds/configuration.yaml"},
	{dapr, "charts/dapr/crds/resiliency.yaml"},
	{dapr, "charts/dapr/crds/subscription.yaml"},
	{keda, "config/crd/bases/keda.sh_scaledobjects.yaml"},
	{keda, "config/crd/bases/keda.sh_triggerauthentications.yaml"},
	{gatewayAPI, "config/crd/standard/gateway.networking.k8s.io_gateways.yaml"},
	{gatewayAPI, "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"},
	{prometheus, "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"},
	{prometheus, "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"},
	{cnpg, "config/crd/bases/postgresql.cnpg.io_clusters.yaml"},
	{cnpg, "config/crd/bases/postgresql.cnpg.io_scheduledbackups.yaml"},
	{barman, "config/crd/bases/barmancloud.cnpg.io_objectstores.yaml"},
	{"", "gke/gcpbackendpolicies.yaml"},
	{"", "gke/healthcheckpolicy.yaml"},
}

// esquema is a JSON schema, or a part of one.
type esquema = map[string]any

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "uso: go run . CARPETA")
		os.Exit(2)
	}
	if err := escribirTodo(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func escribirTodo(destino string) error {
	if err := os.RemoveAll(destino); err != nil {
		return err
	}
	if err := os.MkdirAll(destino, 0o755); err != nil {
		return err
	}
	g := generador{destino: destino}
	if err := g.kubernetes(); err != nil {
		return err
	}
	for _, a := range ajenos {
		if err := g.crd(a.modulo, a.archivo); err != nil {
			return fmt.Errorf("%s %s: %w", a.modulo, a.archivo, err)
		}
	}
	if err := g.nombres(); err != nil {
		return err
	}
	fmt.Println(g.escritos, "esquemas")
	return nil
}

type generador struct {
	destino      string
	definiciones map[string]esquema // Kubernetes' own, which others refer to
	escritos     int
}

// modulo is the folder of a module's source, downloaded if need be.
func modulo(ruta string) (string, error) {
	var salida, errores bytes.Buffer
	cmd := exec.Command("go", "mod", "download", "-json", ruta)
	cmd.Stdout, cmd.Stderr = &salida, &errores
	err := cmd.Run()
	var m struct{ Dir, Error string }
	if err := errors.Join(err, json.Unmarshal(salida.Bytes(), &m)); err != nil || m.Error != "" {
		return "", fmt.Errorf("%s: %w %s %s", ruta, err, m.Error, errores.String())
	}
	return m.Dir, nil
}

func leer(mod, archivo string) ([]byte, error) {
	dir := "."
	if mod != "" {
		var err error
		if dir, err = modulo(mod); err != nil {
			return nil, err
		}
	}
	return os.ReadFile(filepath.Join(dir, archivo))
}

func (g *generador) kubernetes() error {
	texto, err := leer(kubernetes, "api/openapi-spec/swagger.json")
	if err != nil {
		return err
	}
	var swagger struct{ Definitions map[string]esquema }
	if err := json.Unmarshal(texto, &swagger); err != nil {
		return err
	}
	g.definiciones = map[string]esquema{}
	for nombre, d := range swagger.Definitions {
		switch {
		case strings.HasSuffix(nombre, "resource.Quantity"):
			g.definiciones[nombre] = uno("string", "number")
		case strings.HasSuffix(nombre, "JSONSchemaProps"):
			g.definiciones[nombre] = esquema{"type": "object"}
		default:
			g.definiciones[nombre], _ = estricto(d).(esquema)
		}
	}
	for nombre, d := range swagger.Definitions {
		tipos, _ := d["x-kubernetes-group-version-kind"].([]any)
		if len(tipos) != 1 {
			continue
		}
		t, _ := tipos[0].(esquema)
		grupo, _ := t["group"].(string)
		version, _ := t["version"].(string)
		clase, _ := t["kind"].(string)
		if !slices.Contains(propios, clase) || strings.Contains(version, "alpha") || strings.Contains(version, "beta") {
			continue
		}
		if err := g.escribir(grupo, version, clase, maps.Clone(g.definiciones[nombre])); err != nil {
			return err
		}
	}
	return nil
}

func (g *generador) crd(mod, archivo string) error {
	texto, err := leer(mod, archivo)
	if err != nil {
		return err
	}
	for d := yaml.NewDecoder(bytes.NewReader(texto)); ; {
		var c struct {
			Kind string
			Spec struct {
				Group    string
				Names    struct{ Kind string }
				Versions []struct {
					Name   string
					Served bool
					Schema struct {
						OpenAPIV3Schema esquema `yaml:"openAPIV3Schema"`
					}
				}
			}
		}
		if err := d.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if c.Kind != "CustomResourceDefinition" {
			continue
		}
		for _, v := range c.Spec.Versions {
			s, _ := estricto(v.Schema.OpenAPIV3Schema).(esquema)
			propiedades, _ := s["properties"].(esquema)
			propiedades["metadata"] = esquema{"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
			if err := g.escribir(c.Spec.Group, v.Name, c.Spec.Names.Kind, s); err != nil {
				return err
			}
		}
	}
}

// estricto makes of an OpenAPI schema a JSON schema that refuses what it does not name.
func estricto(x any) any {
	switch s := x.(type) {
	case []any:
		for i := range s {
			s[i] = estricto(s[i])
		}
		return s
	case esquema:
		if s["format"] == "int-or-string" || s["x-kubernetes-int-or-string"] == true {
			return uno("string", "integer")
		}
		r := esquema{}
		for k, v := range s {
			_, esPropiedad := v.(esquema) // a property may bear any of these names
			switch {
			case strings.HasPrefix(k, "x-kubernetes-"), k == "default", k == "nullable", k == "format":
			case (k == "description" || k == "example") && !esPropiedad:
			case k == "properties" || k == "definitions":
				dentro, _ := v.(esquema)
				nuevas := esquema{}
				for nombre, p := range dentro {
					nuevas[nombre] = estricto(p)
				}
				r[k] = nuevas
			default:
				r[k] = estricto(v)
			}
		}
		tipo, _ := r["type"].(string)
		if s["nullable"] == true && tipo != "" {
			r["type"] = []any{tipo, "null"}
		}
		_, abierto := r["additionalProperties"]
		if _, hay := r["properties"]; hay && !abierto && s["x-kubernetes-preserve-unknown-fields"] != true && tipo == "object" {
			r["additionalProperties"] = false
		}
		return r
	}
	return x
}

func uno(tipos ...string) esquema {
	var de []any
	for _, t := range tipos {
		de = append(de, esquema{"type": t})
	}
	return esquema{"oneOf": de}
}

// escribir writes a kind's schema with the definitions that it refers to, under the name that kubeconform is told to look for.
func (g *generador) escribir(grupo, version, clase string, s esquema) error {
	propiedades, _ := s["properties"].(esquema)
	propiedades = maps.Clone(propiedades)
	propiedades["apiVersion"] = esquema{"type": "string", "enum": []any{strings.TrimPrefix(grupo+"/"+version, "/")}}
	propiedades["kind"] = esquema{"type": "string", "enum": []any{clase}}
	s["properties"], s["additionalProperties"] = propiedades, false
	requeridas := map[string]bool{"apiVersion": true, "kind": true, "metadata": true}
	antes, _ := s["required"].([]any)
	for _, r := range antes {
		nombre, _ := r.(string)
		requeridas[nombre] = true
	}
	s["required"] = slices.Sorted(maps.Keys(requeridas))
	usadas := map[string]esquema{}
	g.referidas(s, usadas)
	s["definitions"] = usadas
	if grupo == "" {
		grupo = version // kubeconform's group of the core is its version
	}
	g.escritos++
	return escribirJSON(filepath.Join(g.destino, strings.ToLower(clase)+"-"+grupo+"-"+version+".json"), s)
}

func (g *generador) referidas(x any, usadas map[string]esquema) {
	switch s := x.(type) {
	case []any:
		for _, v := range s {
			g.referidas(v, usadas)
		}
	case esquema:
		if ref, ok := s["$ref"].(string); ok {
			nombre := ref[strings.LastIndex(ref, "/")+1:]
			if _, ya := usadas[nombre]; !ya {
				usadas[nombre] = g.definiciones[nombre]
				g.referidas(g.definiciones[nombre], usadas)
			}
		}
		for _, v := range s {
			g.referidas(v, usadas)
		}
	}
}

func escribirJSON(ruta string, v any) error {
	texto, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(ruta, append(texto, '\n'), 0o644)
}

// nombres writes nombres.json: what the software knows by name and, where it does not know a name, passes over in silence.
func (g *generador) nombres() error {
	n := map[string][]string{}
	anotaciones, err := leer(dapr, "pkg/injector/annotations/annotations.go")
	if err != nil {
		return err
	}
	for _, m := range regexp.MustCompile(`"(dapr\.io/[a-z0-9-]+)"`).FindAllSubmatch(anotaciones, -1) {
		n["anotaciones"] = append(n["anotaciones"], string(m[1]))
	}
	disparador, err := leer(keda, "pkg/scalers/pulsar_scaler.go")
	if err != nil {
		return err
	}
	for _, m := range regexp.MustCompile(`keda:"name=(\w+),[^"]*triggerMetadata`).FindAllSubmatch(disparador, -1) {
		n["keda pulsar"] = append(n["keda pulsar"], string(m[1]))
	}
	n["keda pulsar"] = append(n["keda pulsar"], "authModes")
	for tipo, archivo := range map[string]string{
		"pubsub.pulsar":                  "pubsub/pulsar/metadata.yaml",
		"state.postgresql":               "state/postgresql/v2/metadata.yaml",
		"secretstores.gcp.secretmanager": "secretstores/gcp/secretmanager/metadata.yaml",
	} {
		texto, err := leer(contrib, archivo)
		if err != nil {
			return err
		}
		for _, m := range regexp.MustCompile(`- name: "?([\w.<>-]+)"?`).FindAllSubmatch(texto, -1) {
			n[tipo] = append(n[tipo], strings.Replace(string(m[1]), "<topic-name>", "*", 1))
		}
	}
	// Dapr's own, and those of a built-in authentication profile.
	n["state.postgresql"] = append(n["state.postgresql"], "actorStateStore")
	n["secretstores.gcp.secretmanager"] = append(n["secretstores.gcp.secretmanager"], "project_id")
	for k := range n {
		slices.Sort(n[k])
		n[k] = slices.Compact(n[k])
	}
	texto, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(g.destino, "nombres.json"), append(texto, '\n'), 0o644)
}
