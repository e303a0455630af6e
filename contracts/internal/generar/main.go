// Command generar writes the Go types of the .avsc files. It does not import this module, which needs the types.
// Run it through `go generate ./contracts`.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"

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
	}
	var codigo bytes.Buffer
	if err := generador.Write(&codigo); err != nil {
		return err
	}
	formateado, err := imports.Process("tipos.gen.go", codigo.Bytes(), nil)
	if err != nil {
		return fmt.Errorf("generated code: %w", err)
	}
	return os.WriteFile("tipos.gen.go", formateado, 0o600)
}

// datos is the record inside the envelope: the envelope itself is one generic type, Mensaje.
func datos(sobre *avro.RecordSchema) *avro.RecordSchema {
	campos := sobre.Fields()
	return campos[len(campos)-1].Type().(*avro.RecordSchema)
}
