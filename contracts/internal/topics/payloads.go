package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"entregas/contracts"
)

// object is a JSON object.
type object = map[string]any

// avroType is a type of an Avro schema: a record, an array, or the name of a primitive type.
type avroType struct {
	Type   any
	Name   string
	Fields []struct {
		Name, Doc string
		Type      avroType
	}
	Items *avroType
}

// UnmarshalJSON reads a name or an object.
func (a *avroType) UnmarshalJSON(text []byte) error {
	var name string
	if json.Unmarshal(text, &name) == nil {
		a.Type = name
		return nil
	}
	type plain avroType
	return json.Unmarshal(text, (*plain)(a))
}

// field returns the type of a field of a record.
func (a avroType) field(name string) avroType {
	for _, f := range a.Fields {
		if f.Name == name {
			return f.Type
		}
	}
	return avroType{}
}

// payload is the JSON of a message, as daprd takes it and hands it over.
type payload struct {
	Content  contracts.Content
	Schema   string // JSON Schema of the whole record
	Examples string // a JSON array
	Answers  []contracts.MessageType
}

// envelope returns the JSON Schema of the fields of an envelope.
func envelope(record avroType) (string, error) {
	properties, required := object{}, []string{}
	for _, f := range record.Fields {
		required = append(required, f.Name)
		if f.Name != "data" {
			properties[f.Name] = described(bounded(primitive(f.Type), contracts.EnvelopeBounds[f.Name]), f.Doc)
		}
	}
	return text(object{"type": "object", "required": required, "properties": properties})
}

// payloadOf returns the payload of messages of a type, whose topic has the record.
func payloadOf(kind contracts.MessageType, record avroType) (payload, error) {
	content, known := contracts.Contents[kind]
	if !known {
		return payload{}, fmt.Errorf("contracts.Contents has no %s", kind)
	}
	data := recordSchema(record.field("data"), true)
	properties, ok := data["properties"].(object)
	if !ok {
		return payload{}, fmt.Errorf("the data of %s is no record", kind)
	}
	for list, change := range map[*[]string]func(field object){&content.Must: notEmpty, &content.Never: empty} {
		for _, name := range *list {
			field, found := properties[name].(object)
			if !found {
				return payload{}, fmt.Errorf("contracts.Contents of %s names %s, which is no field of its data", kind, name)
			}
			change(field)
		}
	}
	plain := recordSchema(record.field("data"), false)["properties"].(object)
	for _, name := range content.Ignored {
		field, found := plain[name].(object)
		if !found {
			return payload{}, fmt.Errorf("contracts.Contents of %s names %s, which is no field of its data", kind, name)
		}
		field["x-ignored"] = true
		properties[name] = field
	}
	answers := contracts.Answers(kind)
	if to, is := properties["responde_a"].(object); is {
		may := slices.Clone(answers)
		if !slices.Contains(content.Must, "responde_a") {
			may = append(may, "")
		}
		to["enum"] = may
		delete(to, "minLength")
	}
	schema, err := text(object{
		"allOf":      []any{object{"$ref": "#/components/schemas/Envelope"}},
		"properties": object{"type": object{"const": kind}, "data": data},
	})
	if err != nil {
		return payload{}, err
	}
	all, err := examplesOf(kind)
	if err != nil {
		return payload{}, err
	}
	return payload{content, schema, all, answers}, nil
}

// recordSchema returns the JSON Schema of a record: every field is required, since Avro has them all.
func recordSchema(record avroType, withBounds bool) object {
	properties, required := object{}, []string{}
	for _, f := range record.Fields {
		required = append(required, f.Name)
		var schema object
		switch f.Type.Type {
		case "record":
			schema = recordSchema(f.Type, withBounds)
		case "array":
			schema = object{"type": "array", "items": recordSchema(*f.Type.Items, withBounds)}
		default:
			schema = primitive(f.Type)
		}
		if withBounds {
			schema = bounded(schema, contracts.BoundOf(record.Name, f.Name))
		}
		properties[f.Name] = described(schema, f.Doc)
	}
	return object{"type": "object", "required": required, "properties": properties}
}

func primitive(a avroType) object {
	switch a.Type {
	case "int":
		return object{"type": "integer", "format": "int32"}
	case "long":
		return object{"type": "integer", "format": "int64"}
	default:
		return object{"type": a.Type}
	}
}

// bounded adds the bound to a schema.
func bounded(schema object, b contracts.Bound) object {
	for name, value := range map[string]int{"minLength": b.MinLength, "maxLength": b.MaxLength, "maxItems": b.MaxItems} {
		if value != 0 {
			schema[name] = value
		}
	}
	if b.Maximum != 0 {
		schema["minimum"], schema["maximum"] = b.Minimum, b.Maximum
	}
	for name, value := range map[string]string{"format": b.Format, "pattern": b.Pattern, "x-unique": b.Unique} {
		if value != "" {
			schema[name] = value
		}
	}
	if len(b.Enum) > 0 {
		schema["enum"] = b.Enum
	}
	return schema
}

// notEmpty makes the schema of a field refuse its empty value.
func notEmpty(field object) {
	switch field["type"] {
	case "array":
		field["minItems"] = 1
	case "integer":
		field["minimum"] = 1
	default:
		field["minLength"] = 1
	}
}

// empty makes the schema of a field accept only its empty value.
func empty(field object) {
	description := field["description"]
	switch field["type"] {
	case "array":
		field["maxItems"] = 0
		return
	case "integer":
		maps.DeleteFunc(field, func(string, any) bool { return true })
		field["const"] = 0
	default:
		maps.DeleteFunc(field, func(string, any) bool { return true })
		field["const"] = ""
	}
	field["description"] = description
}

func described(schema object, doc string) object {
	if doc != "" {
		schema["description"] = doc
	}
	return schema
}

// text returns v in one line of JSON, which is YAML too.
func text(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
