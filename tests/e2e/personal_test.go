package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/tests/client"
	. "entregas/tests/testkit"
)

// An address is read by its customer and by operators, and stands nowhere but in the rows and the commands of docs/adr/personal-data.md: in no
// other table, no workflow, no event, no log.
func TestAnAddressStaysWhereItBelongs(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"3": 10})
	start := time.Now().Add(-time.Minute)
	marker := "Calle Marcador " + rand.Text()
	u, key := Usuario(t), client.WithIdempotencyKey("personal "+rand.Text())
	address := &contracts.Direccion{Destinatario: marker, Calle: marker, Ciudad: "Bogotá", Telefono: "+57 (1) 555-0100"}
	wanted := contracts.SolicitudCompra{IDUsuario: u, Productos: []contracts.Linea{Linea("3", 1)}, Domicilio: true, Direccion: address}
	c := s.Wait(t, s.Comprar(t, wanted, key), contracts.EstadoConfirmada)
	if again := s.Comprar(t, wanted, key); again != c.ID {
		t.Errorf("the same request again is %s, was %s", again, c.ID)
	}
	if c.Direccion == nil || *c.Direccion != *address {
		t.Errorf("the purchase has the address %+v", c.Direccion)
	}
	if o, err := s.BFF.Orden(t.Context(), c.IDOrden); err != nil || o.Direccion == nil || *o.Direccion != *address {
		t.Errorf("the order has the address %+v: %v", o.Direccion, err)
	}
	r, err := s.BFF.Request(t.Context(), http.MethodPost, "/ordenes/"+c.IDOrden+"/despacho", nil, key)
	if err != nil || r.Status != http.StatusOK || bytes.Contains(r.Body, []byte(marker)) {
		t.Errorf("the dispatch answers %d %s: %v", r.Status, r.Body, err)
	}
	s.Wait(t, c.ID, contracts.EstadoDespachada)

	// The id of the purchase shows that each search finds what is there.
	addressIn, idIn := tablesWith(t, s, marker), tablesWith(t, s, c.ID)
	if want := []string{"gestor_compra.compra", "ordenes.orden"}; !slices.Equal(addressIn, want) {
		t.Errorf("the address is in the tables %v, want %v", addressIn, want)
	}
	for _, database := range []string{"gestor_compra.historia", "productos.", "bff.", "dapr."} {
		if !slices.ContainsFunc(idIn, func(table string) bool { return strings.HasPrefix(table, database) }) {
			t.Errorf("this test cannot see the purchase in %s: it is in %v", database, idIn)
		}
	}
	if in := topicsWith(t, s, start, marker); !slices.Equal(in, []string{string(contracts.ComandosOrden)}) {
		t.Errorf("the address is on the topics %v", in)
	}
	if in := topicsWith(t, s, start, c.ID); !slices.Contains(in, string(contracts.EventosCompra)) {
		t.Errorf("this test cannot see the purchase on eventos-compra: it is on %v", in)
	}
	if in := logsWith(t, s, marker); len(in) > 0 {
		t.Errorf("the address is in the logs %v", in)
	}
	if in := logsWith(t, s, c.ID); !slices.Contains(in, "gestor-compra.log") {
		t.Errorf("this test cannot see the purchase in the log of gestor-compra: it is in %v", in)
	}
}

// An erasure takes the address and the words of a customer from every database: from the owners, from the workflows of the engine, and from the
// read model of the bff. A purchase that has not ended keeps its data. The history and the audit say that it was done, and by whom.
func TestErase(t *testing.T) {
	t.Parallel()
	s := Open(t)
	s.Restock(t, map[string]int{"3": 10})
	gone, stays, u := "Calle Borrable "+rand.Text(), "Calle Abierta "+rand.Text(), Usuario(t)
	buy := func(calle string) contracts.Compra {
		t.Helper()
		return s.Wait(t, s.Comprar(t, contracts.SolicitudCompra{
			IDUsuario: u, Productos: []contracts.Linea{Linea("3", 1)}, Domicilio: true,
			Direccion: &contracts.Direccion{Destinatario: calle, Calle: calle, Ciudad: "Cali", Telefono: "5550100"},
		}), contracts.EstadoConfirmada)
	}
	sent, cancelled, open := buy(gone), buy(gone), buy(stays)
	if _, err := s.BFF.Despachar(t.Context(), sent.IDOrden); err != nil {
		t.Fatal(err)
	}
	if _, err := as(t, s, u, "cliente").Cancelar(t.Context(), cancelled.ID, "Me mudo: "+gone); err != nil {
		t.Fatal(err)
	}
	s.Wait(t, sent.ID, contracts.EstadoDespachada)
	s.Wait(t, cancelled.ID, contracts.EstadoCancelada)
	if in := tablesWith(t, s, gone); !slices.ContainsFunc(in, func(table string) bool { return strings.HasPrefix(table, "dapr.") }) || len(in) < 5 {
		t.Errorf("before the erasure only the tables %v have it", in)
	}

	total := contracts.DatosBorrados{IDUsuario: u, Compras: 2, Ordenes: 2, Abiertas: 1}
	var erased contracts.DatosBorrados
	Until(t, "everything that has ended is erased", func(ctx context.Context) (bool, error) { // a tramite ends a moment after its purchase
		part, err := s.BFF.BorrarDatos(ctx, u)
		erased.IDUsuario, erased.Abiertas, erased.Quedan = part.IDUsuario, part.Abiertas, part.Quedan
		erased.Compras, erased.Ordenes = erased.Compras+part.Compras, erased.Ordenes+part.Ordenes
		return erased == total, fmt.Errorf("erased %+v: %w", erased, err)
	})
	if again, err := s.BFF.BorrarDatos(t.Context(), u); err != nil || again != (contracts.DatosBorrados{IDUsuario: u, Abiertas: 1}) {
		t.Errorf("the same again erases %+v: %v", again, err)
	}
	Until(t, "no table has it", func(context.Context) (bool, error) { // the read model follows with the event
		in := tablesWith(t, s, gone)
		return len(in) == 0, fmt.Errorf("the tables %v have it", in)
	})
	if in := logsWith(t, s, gone); len(in) > 0 {
		t.Errorf("the logs %v have it", in)
	}
	for _, id := range []string{sent.ID, cancelled.ID} {
		c, err := s.BFF.Load(t.Context(), id)
		if err != nil || c.Direccion != nil || c.Historia[len(c.Historia)-1].Paso != contracts.PasoBorrado {
			t.Errorf("the purchase is %+v: %v", c, err)
		}
	}
	if c, err := s.BFF.Load(t.Context(), open.ID); err != nil || c.Direccion == nil || c.Direccion.Calle != stays {
		t.Errorf("the open purchase has the address %+v: %v", c.Direccion, err)
	}
	if n := Count(t, s.ManagerDatabase, `select count(*) from acto where tipo = 'borrado' and objeto = $1 and rol = 'operador' and sujeto <> ''`, u); n < 1 {
		t.Errorf("the audit has %d acts", n)
	}
	s.Balanced(t, []string{sent.ID, cancelled.ID, open.ID})
}

// tablesWith returns the tables of all databases of the system, as database.table, with a row that has text: as it is, in bytes, or in base64.
func tablesWith(t *testing.T, s *System, text string) (found []string) {
	t.Helper()
	databases, err := client.Rows[struct{ Name string }](t.Context(), s.ManagerDatabase,
		`select datname as name from pg_database where not datistemplate and datname <> 'postgres' order by datname`)
	if err != nil {
		t.Fatal(err)
	}
	forms := append([]string{text, hex.EncodeToString([]byte(text))}, inBase64(text)...)
	for i, f := range forms {
		forms[i] = "%" + f + "%"
	}
	for _, database := range databases {
		name := database.Name
		dsn, err := s.Local.Output(t.Context(), "dsn", name)
		if err != nil {
			t.Fatal(err)
		}
		db, err := client.OpenDatabase(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		tables, err := client.Rows[struct{ Name string }](t.Context(), db,
			`select quote_ident(tablename) as name from pg_tables where schemaname = 'public' order by tablename`)
		if err != nil || len(tables) == 0 {
			t.Fatalf("%s has the tables %v: %v", name, tables, err)
		}
		for _, table := range tables {
			if Count(t, db, `select count(*) from `+table.Name+` r where r::text like any($1)`, forms) > 0 {
				found = append(found, name+"."+table.Name)
			}
		}
		db.Close()
	}
	slices.Sort(found)
	return found
}

// inBase64 returns what is in any base64 of bytes with text in them: one form for each place of text modulo 3.
func inBase64(text string) []string {
	forms := make([]string, 3)
	for i := range forms {
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, i), text...))
		forms[i] = encoded[(i*8+5)/6 : (i+len(text))*8/6]
	}
	return forms
}

// topicsWith returns the topics with a message since start that has text.
func topicsWith(t *testing.T, s *System, start time.Time, text string) []string {
	t.Helper()
	found := map[string]bool{}
	for _, topic := range contracts.Names() {
		for _, name := range []string{topic, topic + "-dlq"} {
			err := s.Broker.Payloads(t.Context(), name, start, func(payload []byte) {
				if bytes.Contains(payload, []byte(text)) {
					found[name] = true
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// logsWith returns the names of the log files that have text.
func logsWith(t *testing.T, s *System, text string) (found []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Env.Root, ".local", s.Env.Instance, "logs", "*"))
	if err != nil || len(files) < 10 {
		t.Fatalf("the logs are %v: %v", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file) // #nosec G304 -- a log of this instance
		if err != nil {
			t.Fatal(fmt.Errorf("read a log: %w", err))
		}
		if bytes.Contains(content, []byte(text)) {
			found = append(found, filepath.Base(file))
		}
	}
	return found
}
