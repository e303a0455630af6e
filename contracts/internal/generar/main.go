// Command generar writes what follows from the .avsc files: the Go types of this module and
// the schemas inside the Dapr components. Run it through `go generate ./contracts`.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hamba/avro/v2"
	"github.com/hamba/avro/v2/gen"
	"golang.org/x/tools/imports"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	archivos, err := filepath.Glob("avro/*.avsc")
	if err != nil {
		return err
	}
	esquemas := map[string]string{}
	generador := gen.NewGenerator("contracts", map[string]gen.TagStyle{"json": gen.Original},
		gen.WithInitialisms([]string{"ID"}), gen.WithPackageDoc("Package contracts holds what crosses a process boundary: see doc.go."))
	for _, archivo := range archivos {
		texto, err := os.ReadFile(archivo)
		if err != nil {
			return err
		}
		// A cache of its own each: every schema stands alone, since Pulsar's registry holds it alone.
		esquema, err := avro.ParseBytesWithCache(texto, "", &avro.SchemaCache{})
		if err != nil {
			return fmt.Errorf("%s: %w", archivo, err)
		}
		generador.Parse(datos(esquema.(*avro.RecordSchema)))
		var compacto bytes.Buffer
		if err := json.Compact(&compacto, texto); err != nil {
			return fmt.Errorf("%s: %w", archivo, err)
		}
		esquemas[strings.TrimSuffix(filepath.Base(archivo), ".avsc")] = compacto.String()
	}
	var codigo bytes.Buffer
	if err := generador.Write(&codigo); err != nil {
		return err
	}
	formateado, err := imports.Process("tipos.gen.go", codigo.Bytes(), nil)
	if err != nil {
		return fmt.Errorf("generated code: %w", err)
	}
	if err := os.WriteFile("tipos.gen.go", formateado, 0o600); err != nil {
		return err
	}
	return escribirEnComponentes(esquemas)
}

// datos is the record inside the envelope: the envelope itself is one generic type, Mensaje.
func datos(sobre *avro.RecordSchema) *avro.RecordSchema {
	campos := sobre.Fields()
	return campos[len(campos)-1].Type().(*avro.RecordSchema)
}

var entrada = regexp.MustCompile(`(?m)^(\s*- name: )(\S+)(\.avroschema\n\s*value: ).*$`)

func escribirEnComponentes(esquemas map[string]string) error {
	componentes, err := filepath.Glob("../components/*.yaml")
	if err != nil {
		return err
	}
	for _, archivo := range componentes {
		antes, err := os.ReadFile(archivo)
		if err != nil {
			return err
		}
		despues := entrada.ReplaceAllFunc(antes, func(trozo []byte) []byte {
			p := entrada.FindSubmatch(trozo)
			comilla := strings.ReplaceAll(esquemas[strings.TrimSuffix(string(p[2]), "-dlq")], "'", "''")
			return []byte(string(p[1]) + string(p[2]) + string(p[3]) + "'" + comilla + "'")
		})
		if bytes.Equal(antes, despues) {
			continue
		}
		if err := os.WriteFile(archivo, despues, 0o600); err != nil {
			return err
		}
	}
	return nil
}
