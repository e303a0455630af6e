package contracts_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

// Every schema against avro/publicado, the last released one. Producers are rolled out first, so what is encoded with
// the new schema must read with the released one. When a version is released, avro/*.avsc is copied to avro/publicado.
func TestUnProductorNuevoNoRompeAQuienYaLee(t *testing.T) {
	for _, tema := range contracts.Nombres() {
		if _, err := os.Stat("avro/publicado/" + tema + ".avsc"); errors.Is(err, fs.ErrNotExist) {
			continue // a new topic, of which nothing was released
		}
		t.Run(tema, func(t *testing.T) {
			if err := seLeeCon(t, leer(t, "avro/"+tema+".avsc"), leer(t, "avro/publicado/"+tema+".avsc")); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestNoHayEsquemasDeMas(t *testing.T) {
	for _, carpeta := range []string{"avro", "avro/publicado"} {
		archivos, err := filepath.Glob(carpeta + "/*.avsc")
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range archivos {
			if !slices.Contains(contracts.Nombres(), strings.TrimSuffix(filepath.Base(a), ".avsc")) {
				t.Errorf("contracts/%s is of no topic: delete it, or edit Topics in contracts/temas.go", a)
			}
		}
	}
}

// The one change that is allowed in place, and that the way back is closed: a subscriber is rolled out only when no old
// message is left. And that the test above would see any other change.
func TestQueCambiosAguantaUnTema(t *testing.T) {
	const agregado = `{"name":"agregado","type":"string","default":"algo"}`
	for _, c := range []struct {
		nombre                   string
		de, a                    string // the change, in the schema's text
		nuevoAViejo, viejoANuevo bool   // whether a record of the first reads with the second
	}{
		{"nothing", "", "", true, true},
		{"a doc", `"doc": "Who buys."`, `"doc": "The customer."`, true, true},
		{"a field at the very end of data", ultimoCampo, ultimoCampo + "," + agregado, true, false},
		{"a field before the end", primerCampo, primerCampo + agregado + ",", false, false},
		{"a field in each line", `"name": "cantidad",`, `"name": "cantidad", "type": "int"},{"name": "agregado",`, false, false},
		{"two fields of one type change places", intercambiados[0], intercambiados[1], false, false},
		{"another name", `"name": "id_usuario"`, `"name": "cliente"`, false, false},
		{"another type", `"name": "domicilio",
            "type": "boolean"`, `"name": "domicilio", "type": "string"`, false, false},
		{"may be null now", `"name": "motivo",
            "type": "string"`, `"name": "motivo", "type": ["null","string"]`, false, false},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			viejo := leer(t, "avro/publicado/comandos-gestor-compra.avsc")
			nuevo := strings.Replace(viejo, c.de, c.a, 1)
			if nuevo == viejo && c.de != c.a {
				t.Fatalf("el esquema ya no tiene %q", c.de)
			}
			if err := seLeeCon(t, nuevo, viejo); (err == nil) != c.nuevoAViejo {
				t.Errorf("del nuevo al publicado: %v", err)
			}
			if err := seLeeCon(t, viejo, nuevo); (err == nil) != c.viejoANuevo {
				t.Errorf("del publicado al nuevo: %v", err)
			}
		})
	}
}

// Pieces of avro/publicado/comandos-gestor-compra.avsc.
const (
	primerCampo = `"name": "DatosComandoGestorCompra",
        "fields": [`
	ultimoCampo = `{
            "name": "motivo",
            "type": "string",
            "doc": "Why, in words for a person; empty when there is nothing to say."
          }`
)

var intercambiados = [2]string{
	`"name": "id_compra",
            "type": "string",
            "doc": "The purchase: a UUID."
          },
          {
            "name": "id_usuario"`,
	`"name": "id_usuario",
            "type": "string",
            "doc": "The purchase: a UUID."
          },
          {
            "name": "id_compra"`,
}

// seLeeCon tells whether a record written with one schema reads with another, through the component: every field that
// the reader knows must be there and be what was written under its name.
func seLeeCon(t *testing.T, escrito, leido string) error {
	t.Helper()
	escrita := ejemplo(t, escrito)
	texto, err := json.Marshal(escrita)
	if err != nil {
		t.Fatal(err)
	}
	registro, err := nuevoCodificador(t, escrito).registro(texto)
	if err != nil {
		t.Fatalf("%s: %v", texto, err)
	}
	vuelto, err := nuevoCodificador(t, leido).texto(registro)
	if err != nil {
		return err
	}
	var leida any
	if err := json.Unmarshal(vuelto, &leida); err != nil {
		return err
	}
	return contiene(escrita, leida, "")
}

// contiene tells whether all of parte is in todo.
func contiene(todo, parte any, en string) error {
	switch parte := parte.(type) {
	case map[string]any:
		entero, ok := todo.(map[string]any)
		if !ok {
			return fmt.Errorf("%s no era un registro", en)
		}
		for campo, valor := range parte {
			escrito, estaba := entero[campo]
			if !estaba {
				return fmt.Errorf("%s.%s no estaba", en, campo)
			}
			if err := contiene(escrito, valor, en+"."+campo); err != nil {
				return err
			}
		}
		return nil
	case []any:
		entero, ok := todo.([]any)
		if !ok || len(entero) != len(parte) {
			return fmt.Errorf("%s tenía otro largo", en)
		}
		for i := range parte {
			if err := contiene(entero[i], parte[i], fmt.Sprintf("%s[%d]", en, i)); err != nil {
				return err
			}
		}
		return nil
	default:
		if !reflect.DeepEqual(todo, parte) {
			return fmt.Errorf("%s era %v y se lee %v", en, todo, parte)
		}
		return nil
	}
}

// ejemplo is a value of a schema in which no two fields are alike, so that fields which change places show.
func ejemplo(t *testing.T, esquema string) any {
	t.Helper()
	var e any
	if err := json.Unmarshal([]byte(esquema), &e); err != nil {
		t.Fatal(err)
	}
	cuenta := 0
	var valor func(e any) any
	valor = func(e any) any {
		cuenta++
		switch e := e.(type) {
		case []any: // of a union, the last
			return valor(e[len(e)-1])
		case map[string]any:
			switch e["type"] {
			case "record":
				registro := map[string]any{}
				for _, campo := range e["fields"].([]any) {
					campo := campo.(map[string]any)
					registro[campo["name"].(string)] = valor(campo["type"])
				}
				return registro
			case "array":
				return []any{valor(e["items"]), valor(e["items"])}
			}
			return valor(e["type"])
		case string:
			switch e {
			case "string":
				return fmt.Sprint("valor ", cuenta)
			case "int", "long":
				return float64(cuenta)
			case "boolean":
				return true
			}
		}
		t.Fatalf("el ejemplo no conoce el tipo %v", e)
		return nil
	}
	return valor(e)
}

// The schemas that the component registers are the .avsc, for each topic and its dead letters: `make generate` writes them.
func TestLosComponentesTienenLosEsquemas(t *testing.T) {
	conMuertos := slices.Clone(contracts.Nombres())
	for _, tema := range contracts.Nombres() {
		conMuertos = append(conMuertos, tema+"-dlq")
	}
	components := map[string][]string{
		"../components/pubsub.yaml":      conMuertos,
		"../components/pubsub-vivo.yaml": {string(contracts.EventosCompra)},
	}
	for _, topic := range contracts.Topics {
		if topic.Component != "" {
			file := "../components/" + topic.Component + ".yaml"
			components[file] = append(components[file], topic.Name)
		}
	}
	for archivo, debeTener := range components {
		t.Run(filepath.Base(archivo), func(t *testing.T) {
			metadatos := metadatosDe(t, archivo)
			for _, tema := range debeTener {
				esperado := canonico(t, leer(t, "avro/"+strings.TrimSuffix(tema, "-dlq")+".avsc"))
				if given := metadatos[tema+".avroschema"]; given == "" || canonico(t, given) != esperado {
					t.Errorf("%s does not have the schema of contracts/avro/%s.avsc for %s: make generate", archivo, strings.TrimSuffix(tema, "-dlq"), tema)
				}
				if metadatos[tema+".rawschema"] != "true" {
					t.Errorf("%s does not say that %s goes without an envelope (rawschema): make generate", archivo, tema)
				}
			}
			for nombre := range metadatos {
				if tema, es := strings.CutSuffix(nombre, ".avroschema"); es && !slices.Contains(debeTener, tema) {
					t.Errorf("%s has a schema for %s, which is not a topic of it: make generate", archivo, tema)
				}
			}
		})
	}
}

func metadatosDe(t *testing.T, archivo string) map[string]string {
	t.Helper()
	var componente struct {
		Spec struct {
			Metadata []struct{ Name, Value string }
		}
	}
	if err := yaml.Unmarshal([]byte(leer(t, archivo)), &componente); err != nil {
		t.Fatal(err)
	}
	metadatos := map[string]string{}
	for _, m := range componente.Spec.Metadata {
		metadatos[m.Name] = m.Value
	}
	return metadatos
}

// canonico is JSON without what does not count: spaces and the order of members.
func canonico(t *testing.T, texto string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(texto), &v); err != nil {
		t.Fatalf("%q: %v", texto, err)
	}
	igual, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(igual)
}
