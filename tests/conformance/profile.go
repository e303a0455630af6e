package main

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"gopkg.in/yaml.v3"
)

// Profile describes the program that the kit judges. profiles/ has those of our services.
type Profile struct {
	App       string   `yaml:"app"`       // its app-id: the source of its messages, and the name of its subscription
	Role      string   `yaml:"role"`      // participant, or manager for a program that asks participants
	Commands  string   `yaml:"commands"`  // the topic of its commands
	Replies   string   `yaml:"replies"`   // the topic of its replies
	Route     string   `yaml:"route"`     // where its sidecar delivers commands; /mensajes/ and the topic when empty
	Stateless bool     `yaml:"stateless"` // it changes nothing, and answers each copy of a command anew
	Pair      Pair     `yaml:"pair"`
	Dispatch  Dispatch `yaml:"dispatch"`
	Limits    []Limit  `yaml:"limits"`

	Do     map[string]string `yaml:"do"`     // commands of the shell by action: kill, stop, start and so on
	Beside Beside            `yaml:"beside"` // how the kit starts the program itself, beside a running system
}

// Pair is a command with its rollback.
type Pair struct {
	Do      string         `yaml:"do"`      // the command
	Good    string         `yaml:"good"`    // the reply to the sample
	Refused []string       `yaml:"refused"` // the other replies that it may get
	Early   string         `yaml:"early"`   // the reply to the command when its rollback came first
	Sample  map[string]any `yaml:"sample"`  // the data of the command, without id_compra
	Other   map[string]any `yaml:"other"`   // paths and values that make other content of it
	Undo    string         `yaml:"undo"`    // the rollback
	Undone  string         `yaml:"undone"`  // the reply to the rollback
	Left    Left           `yaml:"left"`
}

// Left is how the kit sees what a command left behind, at level B: after the rollback, a resource of the program has no longer a text, or
// is as it was before the command.
type Left struct {
	GET     string `yaml:"get"`     // a path; ${unique} as in the sample
	Without string `yaml:"without"` // empty where the whole resource must be as before
}

// Dispatch is what ends a pair for good: a command, or a request to the program. It is empty where nothing does.
type Dispatch struct {
	Command string `yaml:"command"` // of the topic of commands
	Reply   string `yaml:"reply"`
	POST    string `yaml:"post"`  // a path of the program; {field} is a field of the reply to the command
	Event   string `yaml:"event"` // the message about it
	Undone  string `yaml:"undone"`
}

// Limit has values of one field of a command that are valid, and values that are not.
type Limit struct {
	Command string  `yaml:"command"`
	Field   string  `yaml:"field"` // a path in data: productos.0.cantidad
	Named   string  `yaml:"named"` // how the reason of a dead letter names it; the path when empty
	Good    []Value `yaml:"good"`
	Bad     []Value `yaml:"bad"`
}

// Value is a value of a field. In YAML it is the value itself, {text: x, times: 64}, or {lines: 101}.
type Value struct{ Of any }

// UnmarshalYAML implements yaml.Unmarshaler.
func (v *Value) UnmarshalYAML(node *yaml.Node) error {
	var made struct {
		Text  string `yaml:"text"`
		Times int    `yaml:"times"`
		Lines int    `yaml:"lines"`
	}
	if node.Kind == yaml.MappingNode && node.Decode(&made) == nil && (made.Times > 0 || made.Lines > 0) {
		if v.Of = strings.Repeat(made.Text, made.Times); made.Lines > 0 {
			lines := make([]any, made.Lines)
			for i := range lines {
				lines[i] = map[string]any{"id_producto": fmt.Sprintf("conformance-%d", i), "cantidad": 1}
			}
			v.Of = lines
		}
		return nil
	}
	return node.Decode(&v.Of)
}

// Beside says how the kit starts a program beside a running system of this project.
type Beside struct {
	Owner   string            `yaml:"owner"`   // the program whose migrations make the tables that this one reads
	Engine  bool              `yaml:"engine"`  // it runs workflows, so its sidecar needs the control plane
	Env     map[string]string `yaml:"env"`     // settings of the program
	Break   string            `yaml:"break"`   // a statement after which its handler fails
	Mend    string            `yaml:"mend"`    // the statement that undoes it
	Prepare []string          `yaml:"prepare"` // statements before its first start
}

//go:embed profiles/*.yaml
var profiles embed.FS

// readProfile reads the profile in a file, or one of ours by the name of its app.
func readProfile(path string) (Profile, error) {
	text, err := profiles.ReadFile("profiles/" + path + ".yaml")
	if err != nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return Profile{}, err
	}
	var p Profile
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&p); err != nil {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	p.Role, p.Route = cmp.Or(p.Role, "participant"), cmp.Or(p.Route, "/mensajes/"+p.Commands)
	return p, p.check()
}

func (p Profile) check() error {
	switch {
	case p.App == "":
		return fmt.Errorf("the profile names no app")
	case p.Role != "participant" && p.Role != "manager":
		return fmt.Errorf("the role is participant or manager, not %q", p.Role)
	case p.Role == "participant" && (p.Commands == "" || p.Replies == "" || p.Pair.Do == "" || p.Pair.Undo == "" || p.Pair.Good == "" || p.Pair.Undone == ""):
		return fmt.Errorf("a participant needs commands, replies and a pair")
	}
	return nil
}

// placeholder stands in a profile for a text that no other purchase has.
const placeholder = "${unique}"

// oneOfTwelve stands for a number from 1 to 12, always the same one for a purchase. Purchases of one product wait for each other.
const oneOfTwelve = "${1 to 12}"

func unique(idCompra string) string { return "conformance-" + idCompra[len(idCompra)-12:] }

// data returns the data of a command about a purchase: a copy of sample without placeholders.
func data(sample map[string]any, idCompra string) map[string]any {
	text, err := json.Marshal(sample)
	if err != nil {
		panic(err)
	}
	text = bytes.ReplaceAll(text, []byte(placeholder), []byte(unique(idCompra)))
	text = bytes.ReplaceAll(text, []byte(oneOfTwelve), []byte(strconv.Itoa(1+int(idCompra[len(idCompra)-1])%12)))
	d := map[string]any{}
	if err := json.Unmarshal(text, &d); err != nil {
		panic(err)
	}
	d["id_compra"] = idCompra
	return d
}

// set sets the field at a path such as productos.0.cantidad. It makes the records and the first item of the arrays on the way.
func set(d map[string]any, path string, value any) {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		d[name] = value
		return
	}
	if inItem, found := strings.CutPrefix(rest, "0."); found {
		items, _ := d[name].([]any)
		if len(items) == 0 {
			items = []any{map[string]any{}}
		}
		first, _ := items[0].(map[string]any)
		set(first, inItem, value)
		d[name] = items
		return
	}
	record, _ := d[name].(map[string]any)
	if record == nil {
		record = map[string]any{}
	}
	set(record, rest, value)
	d[name] = record
}

// newID returns the id of a purchase that no other run has.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
