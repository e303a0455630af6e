package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

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
