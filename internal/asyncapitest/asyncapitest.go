// Package asyncapitest makes messages at the bounds that asyncapi.yaml names, and beyond them, so that the tests of a reader see whether it
// enforces each bound. A bound that it cannot make a message for fails the test.
package asyncapitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"gopkg.in/yaml.v3"

	"entregas/contracts"
	"entregas/internal/pubsubtest"
)

// Case is one message, as JSON.
type Case struct {
	Name     string
	Record   []byte
	Accepted bool   // the reader must accept it; else it must refuse it
	Field    string // the field at its bound: the refusal names it
}

// object is a JSON object.
type object = map[string]any

// asyncapi has the parts of the document that the tests read.
type asyncapi struct {
	Components struct {
		Messages map[string]struct {
			Examples []struct{ Payload object }
		}
		Schemas map[string]object
	}
}

func read(t testing.TB) (document asyncapi) {
	t.Helper()
	if err := yaml.Unmarshal(contracts.AsyncAPI, &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// Example returns the example of a type.
func Example(t testing.TB, kind contracts.MessageType) map[string]any {
	t.Helper()
	examples := read(t).Components.Messages[string(kind)].Examples
	if len(examples) == 0 {
		t.Fatalf("asyncapi.yaml has no example of %s", kind)
	}
	return examples[0].Payload
}

// Cases returns the messages of a type at each bound of the envelope and of its data, and beyond it. The example of the type must be accepted.
func Cases(t testing.TB, kind contracts.MessageType) []Case {
	t.Helper()
	document := read(t)
	schema := document.Components.Schemas[string(kind)]
	if schema == nil {
		t.Fatalf("asyncapi.yaml has no schema of %s", kind)
	}
	m := maker{t: t, example: Example(t, kind)}
	m.add("the example", "", nil, true)
	m.walk(nil, document.Components.Schemas["Envelope"])
	properties, _ := schema["properties"].(object)
	data, _ := properties["data"].(object)
	m.walk([]any{"data"}, data)
	if len(m.cases) < 20 {
		t.Fatalf("only %d cases of %s", len(m.cases), kind)
	}
	return m.cases
}

// maker makes cases of one message.
type maker struct {
	t       testing.TB
	example object
	cases   []Case
}

// walk adds the cases of the fields of an object schema at a path of the message.
func (m *maker) walk(path []any, schema object) {
	properties, _ := schema["properties"].(object)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		field, _ := properties[name].(object)
		at := append(slices.Clone(path), name)
		if field["x-ignored"] == true || name == "type" && len(path) == 0 {
			continue
		}
		switch field["type"] {
		case "object":
			m.walk(at, field)
		case "array":
			m.array(at, field)
		default:
			m.scalar(at, field)
		}
	}
}

func (m *maker) array(path []any, schema object) {
	items, _ := schema["items"].(object)
	longest := number(schema["maxItems"])
	m.add("as many as may be", name(path), set(path, many(items, longest)), true)
	m.add("one more", name(path), set(path, many(items, longest+1)), false)
	if number(schema["minItems"]) == 1 {
		m.add("none", name(path), set(path, []any{}), false)
	}
	if longest == 0 {
		return
	}
	if unique, is := schema["x-unique"].(string); is {
		two := many(items, 2)
		second, _ := two[1].(object)
		first, _ := two[0].(object)
		second[unique] = first[unique]
		m.add("one twice", name(path), set(path, two), false)
	}
	if here, _ := at(m.example, path).([]any); len(here) > 0 {
		m.walk(append(slices.Clone(path), 0), items)
	} else if number(schema["maxItems"]) > 0 {
		with := clone(m.t, m.example)
		assign(with, path, many(items, 1))
		repair(with, path)
		other := maker{t: m.t, example: with}
		other.walk(append(slices.Clone(path), 0), items)
		m.cases = append(m.cases, other.cases...)
	}
}

// many returns n valid items that differ.
func many(items object, n int64) []any {
	all := []any{}
	for i := range n {
		item := object{}
		properties, _ := items["properties"].(object)
		for field, s := range properties {
			schema, _ := s.(object)
			switch enum, _ := schema["enum"].([]any); {
			case len(enum) > 0:
				item[field] = enum[0]
			case schema["type"] == "integer":
				item[field] = number(schema["minimum"])
			case field == "id_producto":
				item[field] = fmt.Sprint("p", i)
			case number(schema["minLength"]) > 0:
				item[field] = "x"
			default:
				item[field] = ""
			}
		}
		all = append(all, item)
	}
	return all
}

func (m *maker) scalar(path []any, schema object) {
	here := name(path)
	longest, shortest := number(schema["maxLength"]), number(schema["minLength"])
	if value, only := schema["const"]; only {
		other := any("x")
		if value != "" {
			other = 1
		}
		m.add("not empty", here, set(path, other), false)
		return
	}
	if enum, is := schema["enum"].([]any); is {
		for _, value := range enum {
			if value != "" {
				m.add(fmt.Sprint("the value ", value), here, set(path, value), true)
			}
		}
		m.add("another value", here, set(path, "NINGUNO"), false)
		return
	}
	if pattern, is := schema["pattern"].(string); is {
		m.add("another form", here, set(path, "A-17"), false)
		if shortest > 0 {
			m.add("nothing", here, set(path, ""), false)
		}
		if longest > 0 && strings.Contains(pattern, "0-9 +()-") {
			m.add("the longest", here, set(path, "1234567"+strings.Repeat(" 8", int(longest-7)/2)+"9"), true)
			m.add("one character more", here, set(path, "1234567"+strings.Repeat("-", int(longest-6))+"9"), false)
		}
		return
	}
	switch schema["type"] {
	case "string":
		if longest > 0 {
			m.add("the longest", here, set(path, strings.Repeat("ñ", int(longest))), true)
			m.add("one character more", here, set(path, strings.Repeat("ñ", int(longest)+1)), false)
		}
		if shortest > 0 {
			m.add("nothing", here, set(path, ""), false)
		}
		switch schema["format"] {
		case contracts.FormatLine:
			m.add("two lines", here, set(path, "a\nb"), false)
			m.add("a space at the end", here, set(path, "a "), false)
			m.add("a control character", here, set(path, "a\x01"), false)
		case contracts.FormatText:
			m.add("a control character", here, set(path, "a\x01"), false)
		}
	case "integer":
		if _, bound := schema["minimum"]; !bound {
			return
		}
		least := number(schema["minimum"])
		m.add("the least", here, set(path, least), true)
		m.add("one less", here, set(path, least-1), false)
		if _, bound := schema["maximum"]; bound {
			m.add("the greatest", here, set(path, number(schema["maximum"])), true)
			m.add("one more", here, set(path, number(schema["maximum"])+1), false)
		}
	case "boolean":
	default:
		m.t.Fatalf("asyncapi.yaml says nothing of %s: %v", here, schema)
	}
}

// add adds the example with a change. A change that must be accepted is made consistent with the other fields.
func (m *maker) add(what, field string, change func(message object, valid bool), accepted bool) {
	message := clone(m.t, m.example)
	if change != nil {
		change(message, accepted)
	}
	text, err := json.Marshal(message)
	if err != nil {
		m.t.Fatal(err)
	}
	m.cases = append(m.cases, Case{Name: strings.TrimSpace(field + " " + what), Record: text, Accepted: accepted, Field: strings.TrimPrefix(field, "data.")})
}

func set(path []any, value any) func(object, bool) {
	return func(message object, valid bool) {
		assign(message, path, value)
		if valid || len(path) > 1 && path[1] == "tienda" {
			repair(message, path)
		}
	}
}

// repair makes the other fields of data consistent with the one at path.
func repair(message object, path []any) {
	data, _ := message["data"].(object)
	switch changed := fmt.Sprint(path[len(path)-1]); {
	case len(path) < 2:
	case changed == "tienda": // only without home delivery
		data["domicilio"] = false
		if _, has := data["direccion"]; has {
			data["direccion"] = object{"destinatario": "", "calle": "", "ciudad": "", "telefono": ""}
		}
	case len(path) == 2 && (changed == "sujeto" || changed == "rol"): // a person has both
		for field, value := range map[string]string{"sujeto": "ana", "rol": contracts.RolCliente} {
			if data[field] == "" {
				data[field] = value
			}
		}
	case changed == "disponible" || changed == "solicitada":
		line, _ := at(message, path[:len(path)-1]).(object)
		if changed == "disponible" {
			line["solicitada"] = contracts.MaxCantidad
		} else {
			line["disponible"] = 0
		}
	case path[1] == "historia" || path[1] == "autores" && changed == "autores":
		if authors, _ := data["autores"].([]any); changed == "autores" {
			data["historia"] = slices.Clone(authors)
			for i := range authors {
				data["historia"].([]any)[i] = object{"numero": 0, "paso": "x", "tipo": "", "en": 0, "detalle": ""}
				authors[i].(object)["numero"] = i + 1
			}
		} else if changed == "historia" {
			data["autores"] = []any{}
		}
		if changed != "numero" {
			facts, _ := data["historia"].([]any)
			for i := range facts {
				facts[i].(object)["numero"] = i + 1
			}
			data["numero"] = len(facts)
		}
	}
	if facts, _ := data["historia"].([]any); len(facts) > 0 && len(path) == 2 && path[1] == "numero" {
		last, _ := facts[len(facts)-1].(object)
		last["numero"] = data["numero"]
		data["historia"], data["autores"] = []any{last}, []any{}
	}
	amounts(data, fmt.Sprint(path[len(path)-1]))
}

// amounts makes total, precios and productos consistent.
func amounts(data object, changed string) {
	prices, priced := data["precios"].([]any)
	lines, hasLines := data["productos"].([]any)
	if !priced {
		return
	}
	if changed == "total" {
		if fmt.Sprint(data["total"]) == "0" {
			data["moneda"], data["precios"] = "", []any{}
			return
		}
		lines = []any{object{"id_producto": "1", "cantidad": 1_000_000}, object{"id_producto": "14", "cantidad": 3}}
		data["precios"] = []any{object{"id_producto": "1", "precio": 9_007_199_254}, object{"id_producto": "14", "precio": 246_997}}
		if hasLines {
			data["productos"] = lines
		}
		return
	}
	if len(prices) == 0 || data["moneda"] == "" || !hasLines {
		return
	}
	switch changed {
	case "precios": // a line for each
		lines = nil
		for _, p := range prices {
			price, _ := p.(object)
			lines = append(lines, object{"id_producto": price["id_producto"], "cantidad": 1})
		}
		data["productos"] = lines
	case "precio", "moneda":
	case "id_producto":
	default: // a price for each line
		prices = nil
		for range lines {
			prices = append(prices, object{"precio": 1})
		}
	}
	total := int64(0)
	for i, l := range lines {
		line, _ := l.(object)
		price, _ := prices[i].(object)
		if changed == "id_producto" && price["id_producto"] != line["id_producto"] && len(fmt.Sprint(price["id_producto"])) > len(fmt.Sprint(line["id_producto"])) {
			line["id_producto"] = price["id_producto"]
		}
		price["id_producto"] = line["id_producto"]
		total += number(price["precio"]) * number(line["cantidad"])
	}
	data["precios"], data["total"] = prices, total
}

// at returns the value at a path.
func at(v any, path []any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			o, _ := v.(object)
			v = o[p]
		case int:
			a, _ := v.([]any)
			if p >= len(a) {
				return nil
			}
			v = a[p]
		}
	}
	return v
}

func assign(message object, path []any, value any) {
	parent := at(message, path[:len(path)-1])
	if o, is := parent.(object); is {
		o[fmt.Sprint(path[len(path)-1])] = value
	}
}

// name returns a path as an error names it: data.productos[0].cantidad.
func name(path []any) string {
	var b strings.Builder
	for i, p := range path {
		switch p := p.(type) {
		case string:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(p)
		case int:
			fmt.Fprintf(&b, "[%d]", p)
		}
	}
	return b.String()
}

func number(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int64:
		return v
	case uint64:
		return int64(v)
	case json.Number:
		n, _ := v.Int64()
		return n
	case float64:
		return int64(v)
	}
	return 0
}

// clone returns a copy of a message.
func clone(t testing.TB, message object) object {
	t.Helper()
	text, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	var fresh object
	reader := json.NewDecoder(strings.NewReader(string(text)))
	reader.UseNumber()
	if err := reader.Decode(&fresh); err != nil {
		t.Fatal(err)
	}
	return fresh
}

// Check delivers the cases of a type to the routes of its reader, each about a purchase of its own and of now. broker has the dead letters of
// the reader. It fails the test where a message within its bounds is a dead letter, or one beyond is none, or its reason does not name the
// field. It leaves out the fields in except: "data.total".
func Check(t *testing.T, kind contracts.MessageType, routes http.Handler, broker *pubsubtest.Broker, except ...string) {
	t.Helper()
	topic := contracts.TopicOf(kind).Name
	example := fmt.Sprint(at(Example(t, kind), []any{"data", "id_compra"}))
	sent := fmt.Sprintf(`"time":%v`, Example(t, kind)["time"])
	for _, c := range Cases(t, kind) {
		if slices.ContainsFunc(except, func(e string) bool { return strings.HasPrefix("data."+c.Field, e) }) {
			continue
		}
		if c.Field == "time" && c.Accepted && strings.Contains(string(c.Record), `"time":0,`) && contracts.Contents[kind].Expires {
			continue // in bounds, and too old
		}
		t.Run(string(kind)+" "+c.Name, func(t *testing.T) {
			record := strings.ReplaceAll(string(c.Record), example, uuid.Must(uuid.NewV7()).String())
			record = strings.Replace(record, sent, fmt.Sprintf(`"time":%d`, time.Now().UnixMilli()), 1)
			before := len(broker.Metadata(topic + "-dlq"))
			status := pubsubtest.DeliverText(t, routes, "/mensajes/"+topic, []byte(record))
			dead := broker.Metadata(topic + "-dlq")[before:]
			if status != "SUCCESS" || (len(dead) == 0) != c.Accepted {
				t.Fatalf("%s, dead letters %v: %.300s", status, dead, record)
			}
			if !c.Accepted && !names(dead[0]["motivo"], c.Field) {
				t.Errorf("the reason %q does not name %s", dead[0]["motivo"], c.Field)
			}
		})
	}
}

// names reports whether a reason is about a field.
func names(reason, field string) bool {
	others := map[string]string{
		"id": "sin id", "id_compra": "id: ", "responde_a": "no responde a", "total": "precios", "moneda": "total", "precios": "total",
		"historia": "numero", "autores": "numero",
	}
	if strings.Contains(reason, field) {
		return true
	}
	other, has := others[field]
	return has && strings.Contains(reason, other)
}
