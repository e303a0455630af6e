package contracts_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

// asyncapi is what the tests read of the document.
type asyncapi struct {
	Channels map[string]struct {
		Address  string
		Messages map[string]referencia
	}
	Operations map[string]struct {
		Action   string
		Channel  referencia
		Servicio string `yaml:"x-servicio"`
	}
	Components struct {
		Messages map[string]struct {
			Name             string
			Headers, Payload referencia
		}
		Schemas map[string]struct {
			SchemaFormat string `yaml:"schemaFormat"`
			Schema       referencia
		}
	}
}

type referencia struct {
	Ref string `yaml:"$ref"`
}

func (r referencia) ultimo() string { return r.Ref[strings.LastIndex(r.Ref, "/")+1:] }

// The document is AsyncAPI 3.0.0, by the standard's own schema.
func TestAsyncAPIEsValido(t *testing.T) {
	var documento any
	if err := yaml.Unmarshal(contracts.AsyncAPI, &documento); err != nil {
		t.Fatal(err)
	}
	texto, err := os.ReadFile("testdata/asyncapi-3.0.0.json")
	if err != nil {
		t.Fatal(err)
	}
	esquema, err := jsonschema.UnmarshalJSON(bytes.NewReader(texto))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("asyncapi.json", esquema); err != nil {
		t.Fatal(err)
	}
	valida, err := c.Compile("asyncapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := valida.Validate(documento); err != nil {
		t.Error(err)
	}
	m, ok := documento.(map[string]any)
	if !ok {
		t.Fatalf("%T", documento)
	}
	for _, campo := range []string{"info", "channels"} { // it does refuse
		malo := maps.Clone(m)
		malo[campo] = []any{"no es"}
		if valida.Validate(malo) == nil {
			t.Errorf("se aceptó un %s que no es", campo)
		}
	}
}

// It tells of every topic, its dead letters, every message, who says and who hears it: what the code and components/ have.
func TestAsyncAPIEsElCodigo(t *testing.T) {
	var a asyncapi
	if err := yaml.Unmarshal(contracts.AsyncAPI, &a); err != nil {
		t.Fatal(err)
	}
	temas := map[string]bool{}
	for _, nombre := range contracts.Nombres() {
		temas[nombre], temas[nombre+"-dlq"] = true, true
	}
	var tipos []string
	for nombre, canal := range a.Channels {
		if !temas[nombre] || canal.Address != "persistent://public/default/"+nombre {
			t.Errorf("asyncapi.yaml has a topic %s at %s, which is none: make generate", nombre, canal.Address)
		}
		delete(temas, nombre)
		origen, muertos := strings.CutSuffix(nombre, "-dlq")
		for tipo, r := range canal.Messages {
			m, hay := a.Components.Messages[r.ultimo()]
			s, conEsquema := a.Components.Schemas[m.Payload.ultimo()]
			if !hay || !conEsquema || m.Name != tipo || !strings.Contains(s.SchemaFormat, "avro") || s.Schema.Ref != "./avro/"+origen+".avsc" {
				t.Errorf("%s de %s: %+v %+v", tipo, nombre, m, s)
			}
			if _, err := os.Stat(filepath.FromSlash(s.Schema.Ref)); err != nil {
				t.Error(err)
			}
			if (m.Headers.ultimo() == "PropiedadesDeMuerto") != muertos {
				t.Errorf("%s de %s lleva %s", tipo, nombre, m.Headers.Ref)
			}
			if !muertos {
				tipos = append(tipos, tipo)
			}
		}
	}
	if len(temas) > 0 {
		t.Errorf("contracts/asyncapi.yaml does not have %v: make generate", temas)
	}
	slices.Sort(tipos)
	if codigo := tiposDelCodigo(t); !slices.Equal(tipos, codigo) {
		t.Errorf("the messages of asyncapi.yaml are %v\nin the code they are %v: edit Topics in contracts/temas.go, then make generate", tipos, codigo)
	}

	oyen := map[string][]string{} // by topic
	for nombre, op := range a.Operations {
		if _, hay := a.Channels[op.Channel.ultimo()]; !hay || op.Servicio == "" {
			t.Errorf("%s: %+v", nombre, op)
		}
		if op.Action == "receive" {
			oyen[op.Channel.ultimo()] = append(oyen[op.Channel.ultimo()], op.Servicio)
		}
	}
	texto, err := os.ReadFile("../components/suscripciones.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for lector := yaml.NewDecoder(bytes.NewReader(texto)); ; {
		var s struct {
			Spec   struct{ Topic string }
			Scopes []string
		}
		if err := lector.Decode(&s); err != nil {
			break
		}
		if !slices.Equal(oyen[s.Spec.Topic], s.Scopes) {
			t.Errorf("%s is read by %v in asyncapi.yaml, and by %v in components/suscripciones.yaml: make generate", s.Spec.Topic, oyen[s.Spec.Topic], s.Scopes)
		}
	}
}

// tiposDelCodigo are the constants of type Tipo, as temas.go has them.
func tiposDelCodigo(t *testing.T) []string {
	t.Helper()
	texto, err := os.ReadFile("temas.go")
	if err != nil {
		t.Fatal(err)
	}
	var tipos []string
	for linea := range strings.Lines(string(texto)) {
		if _, valor, hay := strings.Cut(linea, `Tipo = "`); hay {
			tipos = append(tipos, strings.Trim(strings.TrimSpace(valor), `"`))
		}
	}
	slices.Sort(tipos)
	return tipos
}
