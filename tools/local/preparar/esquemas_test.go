package preparar

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"entregas/contracts"
)

// broker is Pulsar's administrative interface as far as the set-up uses it: it keeps policies and schemas.
type broker struct {
	mu        sync.Mutex
	politicas map[string]string
	esquemas  map[string][]string
	rechaza   bool // a schema that it is given
}

func nuevoBroker(t *testing.T) (*broker, Pulsar) {
	b := &broker{politicas: map[string]string{}, esquemas: map[string][]string{}}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	return b, Pulsar{URL: s.URL}
}

func (b *broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	cuerpo, _ := io.ReadAll(r.Body)
	if politica, es := strings.CutPrefix(r.URL.Path, "/admin/v2/namespaces/public/default/"); es {
		b.politicas[politica] = string(cuerpo)
		return
	}
	ruta, es := strings.CutPrefix(r.URL.Path, "/admin/v2/schemas/public/default/")
	if !es {
		return
	}
	tema := path.Dir(ruta)
	type version struct {
		Tipo  string `json:"type"`
		Texto string `json:"data"`
	}
	switch r.Method {
	case http.MethodGet:
		if len(b.esquemas[tema]) == 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		var todas []version
		for _, texto := range b.esquemas[tema] {
			todas = append(todas, version{"AVRO", texto})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"getSchemaResponses": todas})
	case http.MethodDelete:
		delete(b.esquemas, tema)
	case http.MethodPost:
		var v struct{ Schema string }
		if err := json.Unmarshal(cuerpo, &v); err != nil || b.rechaza {
			w.WriteHeader(http.StatusConflict)
			return
		}
		if !slices.Contains(b.esquemas[tema], v.Schema) {
			b.esquemas[tema] = append(b.esquemas[tema], v.Schema)
		}
	}
}

// No producer can add a version, so every topic has its own before the first of them comes; and what a sidecar would misread
// is taken out.
func TestElRegistroTieneSoloLoQueSeLeeIgual(t *testing.T) {
	const tema = "comandos-gestor-compra"
	nuestro, err := contracts.Esquema(tema)
	if err != nil {
		t.Fatal(err)
	}
	anterior := strings.Replace(nuestro, `,
          {
            "name": "motivo",
            "type": "string",
            "doc": "Why, in words for a person; empty when there is nothing to say."
          }`, "", 1)
	intercambiado := strings.NewReplacer(`"id_compra"`, `"id_usuario"`, `"id_usuario"`, `"id_compra"`).Replace(nuestro)
	for _, cambiado := range []string{anterior, intercambiado} {
		if cambiado == nuestro {
			t.Fatal("el esquema ya no es el que esta prueba cambia")
		}
	}
	sinDocs := strings.Replace(nuestro, "Who buys.", "The customer.", 1)
	for _, c := range []struct {
		nombre     string
		hay, queda []string
	}{
		{"nothing yet", nil, []string{nuestro}},
		{"ours", []string{nuestro}, []string{nuestro}},
		{"an earlier release", []string{anterior}, []string{anterior, nuestro}},
		{"other words in it", []string{sinDocs}, []string{sinDocs, nuestro}},
		{"two fields changed places", []string{nuestro, intercambiado}, []string{nuestro}},
		{"no record", []string{`"string"`}, []string{nuestro}},
	} {
		t.Run(c.nombre, func(t *testing.T) {
			b, p := nuevoBroker(t)
			b.esquemas[tema] = c.hay
			for range 2 { // the set-up runs each time
				if err := p.CrearTopicos(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(b.esquemas[tema], c.queda) {
				t.Errorf("quedan %d versiones, se esperaban %d", len(b.esquemas[tema]), len(c.queda))
			}
			for _, nombre := range contracts.Nombres() {
				if len(b.esquemas[nombre]) == 0 || len(b.esquemas[nombre+"-dlq"]) == 0 {
					t.Errorf("%s quedó sin esquema", nombre)
				}
			}
			if b.politicas["isAllowAutoUpdateSchema"] != "false" || b.politicas["schemaValidationEnforced"] != "true" {
				t.Errorf("políticas: %v", b.politicas)
			}
		})
	}
	b, p := nuevoBroker(t)
	b.rechaza = true
	if err := p.CrearTopicos(t.Context()); err == nil {
		t.Error("el broker no tomó los esquemas, y nadie lo dice")
	}
}
