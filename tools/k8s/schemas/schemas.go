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

func (g *generator) kubernetes() error {
	text, err := read(kubernetes, "api/openapi-spec/swagger.json")
	if err != nil {
		return err
	}
	var swagger struct{ Definitions map[string]schema }
	if err := json.Unmarshal(text, &swagger); err != nil {
		return err
	}
	g.definitions = map[string]schema{}
	for name, d := range swagger.Definitions {
		switch {
		case strings.HasSuffix(name, "resource.Quantity"):
			g.definitions[name] = one("string", "number")
		case strings.HasSuffix(name, "JSONSchemaProps"):
			g.definitions[name] = schema{"type": "object"}
		default:
			g.definitions[name], _ = strict(d).(schema)
		}
	}
	for name, d := range swagger.Definitions {
		kinds, _ := d["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 {
			continue
		}
		t, _ := kinds[0].(schema)
		group, _ := t["group"].(string)
		version, _ := t["version"].(string)
		class, _ := t["kind"].(string)
		if !slices.Contains(own, class) || strings.Contains(version, "alpha") || strings.Contains(version, "beta") {
			continue
		}
		if err := g.write(group, version, class, maps.Clone(g.definitions[name])); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) crd(mod, file string) error {
	text, err := read(mod, file)
	if err != nil {
		return err
	}
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var c struct {
			Kind string
			Spec struct {
				Group    string
				Names    struct{ Kind string }
				Versions []struct {
					Name   string
					Served bool
					Schema struct {
						OpenAPIV3Schema schema `yaml:"openAPIV3Schema"`
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
			s, _ := strict(v.Schema.OpenAPIV3Schema).(schema)
			properties, _ := s["properties"].(schema)
			properties["metadata"] = schema{"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
			if err := g.write(c.Spec.Group, v.Name, c.Spec.Names.Kind, s); err != nil {
				return err
			}
		}
	}
}

// strict turns an OpenAPI schema into a JSON schema that refuses fields without a definition.
func strict(x any) any {
	switch s := x.(type) {
	case []any:
		for i := range s {
			s[i] = strict(s[i])
		}
		return s
	case schema:
		if s["format"] == "int-or-string" || s["x-kubernetes-int-or-string"] == true {
			return one("string", "integer")
		}
		r := schema{}
		for k, v := range s {
			_, isProperty := v.(schema) // a property may have any of these names
			switch {
			case strings.HasPrefix(k, "x-kubernetes-"), k == "default", k == "nullable", k == "format":
			case (k == "description" || k == "example") && !isProperty:
			case k == "properties" || k == "definitions":
				inside, _ := v.(schema)
				fresh := schema{}
				for name, p := range inside {
					fresh[name] = strict(p)
				}
				r[k] = fresh
			default:
				r[k] = strict(v)
			}
		}
		kind, _ := r["type"].(string)
		if s["nullable"] == true && kind != "" {
			r["type"] = []any{kind, "null"}
		}
		_, isOpen := r["additionalProperties"]
		if _, found := r["properties"]; found && !isOpen && s["x-kubernetes-preserve-unknown-fields"] != true && kind == "object" {
			r["additionalProperties"] = false
		}
		return r
	}
	return x
}

func one(kinds ...string) schema {
	var of []any
	for _, t := range kinds {
		of = append(of, schema{"type": t})
	}
	return schema{"oneOf": of}
}

// write writes a kind's schema with the definitions to which it refers. The file's name has the pattern that kubeconform gets as
// its schema location.
func (g *generator) write(group, version, class string, s schema) error {
	properties, _ := s["properties"].(schema)
	properties = maps.Clone(properties)
	properties["apiVersion"] = schema{"type": "string", "enum": []any{strings.TrimPrefix(group+"/"+version, "/")}}
	properties["kind"] = schema{"type": "string", "enum": []any{class}}
	s["properties"], s["additionalProperties"] = properties, false
	required := map[string]bool{"apiVersion": true, "kind": true, "metadata": true}
	earlier, _ := s["required"].([]any)
	for _, r := range earlier {
		name, _ := r.(string)
		required[name] = true
	}
	s["required"] = slices.Sorted(maps.Keys(required))
	used := map[string]schema{}
	g.referenced(s, used)
	s["definitions"] = used
	if group == "" {
		group = version // for the core group, kubeconform uses the version
	}
	g.writtenCount++
	return writeJSON(filepath.Join(g.target, strings.ToLower(class)+"-"+group+"-"+version+".json"), s)
}

func (g *generator) referenced(x any, used map[string]schema) {
	switch s := x.(type) {
	case []any:
		for _, v := range s {
			g.referenced(v, used)
		}
	case schema:
		if ref, ok := s["$ref"].(string); ok {
			name := ref[strings.LastIndex(ref, "/")+1:]
			if _, already := used[name]; !already {
				used[name] = g.definitions[name]
				g.referenced(g.definitions[name], used)
			}
		}
		for _, v := range s {
			g.referenced(v, used)
		}
	}
}

func writeJSON(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
