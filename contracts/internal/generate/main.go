// Command generate writes types.gen.go, the Go types of the .avsc files. It does not import package contracts, which needs these types.
// `go generate` runs it in the folder contracts.
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
	files, err := filepath.Glob("avro/*.avsc")
	if err != nil {
		return err
	}
	generator := gen.NewGenerator("contracts", map[string]gen.TagStyle{"json": gen.Original},
		gen.WithInitialisms([]string{"ID"}), gen.WithPackageDoc("Package contracts has the types that cross a process boundary: see doc.go."))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		// Each schema has its own cache, because it must be complete: Pulsar's registry has it alone.
		schema, err := avro.ParseBytesWithCache(text, "", &avro.SchemaCache{})
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		generator.Parse(data(schema.(*avro.RecordSchema)))
	}
	var code bytes.Buffer
	if err := generator.Write(&code); err != nil {
		return err
	}
	formatted, err := imports.Process("types.gen.go", code.Bytes(), nil)
	if err != nil {
		return fmt.Errorf("generated code: %w", err)
	}
	return os.WriteFile("types.gen.go", formatted, 0o600)
}

// data returns the record in the field data of the envelope. The Go type of the envelope is the generic type Message.
func data(envelope *avro.RecordSchema) *avro.RecordSchema {
	fields := envelope.Fields()
	return fields[len(fields)-1].Type().(*avro.RecordSchema)
}
