// Package pubsubtest stands in for the sidecar and the broker in tests of handlers: what is published is kept by topic,
// and a record is delivered in the form in which Dapr delivers it.
package pubsubtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"unicode/utf8"

	runtimev1pb "github.com/dapr/dapr/pkg/proto/runtime/v1"
	dapr "github.com/dapr/go-sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/contracts"
)

// Broker keeps what is published. The zero value is ready.
type Broker struct {
	mu    sync.Mutex
	temas map[string][]publicado
	falla error
}

type publicado struct {
	registro  []byte
	metadatos map[string]string
}

// Fallar makes every publish fail with err from now on; nil ends that.
func (b *Broker) Fallar(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.falla = err
}

// PublishEvent is the sidecar's. Like the pub/sub component it refuses what is not a record without a CloudEvent around it.
func (b *Broker) PublishEvent(ctx context.Context, _, tema string, data any, opciones ...dapr.PublishEventOption) error {
	var peticion runtimev1pb.PublishEventRequest
	for _, o := range opciones {
		o(&peticion)
	}
	texto, ok := data.([]byte)
	if !ok || peticion.GetMetadata()["rawPayload"] != "true" || peticion.GetDataContentType() != "application/json" {
		return fmt.Errorf("publicar en %s: se esperaba un registro en JSON con rawPayload", tema)
	}
	if err := fits(texto, peticion.GetMetadata()); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.falla != nil {
		return b.falla
	}
	if b.temas == nil {
		b.temas = map[string][]publicado{}
	}
	b.temas[tema] = append(b.temas[tema], publicado{bytes.Clone(texto), peticion.GetMetadata()})
	return nil
}

// maxCall is what daprd takes in one gRPC call.
const maxCall = 4 << 20

// fits refuses what cannot be sent to a sidecar, as gRPC does.
func fits(texto []byte, metadatos map[string]string) error {
	bytes := len(texto)
	for nombre, valor := range metadatos {
		bytes += len(nombre) + len(valor)
		if !utf8.ValidString(nombre) || !utf8.ValidString(valor) {
			return status.Error(codes.Internal, "grpc: error while marshaling: string field contains invalid UTF-8")
		}
	}
	if bytes > maxCall {
		return status.Errorf(codes.ResourceExhausted, "grpc: received message larger than max (%d vs. %d)", bytes, maxCall)
	}
	return nil
}

// Publicados gives the messages of a topic, oldest first.
func Publicados[D any](t testing.TB, b *Broker, tema contracts.Tema[D]) []contracts.Mensaje[D] {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var mensajes []contracts.Mensaje[D]
	for _, p := range b.temas[string(tema)] {
		m, err := contracts.Decodificar[D](p.registro)
		if err != nil {
			t.Fatalf("%s: %v", tema, err)
		}
		mensajes = append(mensajes, m)
	}
	return mensajes
}

// Metadatos gives what was said beside each message of a topic, oldest first.
func (b *Broker) Metadatos(tema string) []map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var todos []map[string]string
	for _, p := range b.temas[tema] {
		todos = append(todos, p.metadatos)
	}
	return todos
}

// Entregar delivers m on tema to the program behind rutas, and gives what it answers: SUCCESS or RETRY.
func Entregar[D any](t testing.TB, rutas http.Handler, tema contracts.Tema[D], m contracts.Mensaje[D]) string {
	t.Helper()
	texto, err := m.Codificar()
	if err != nil {
		t.Fatal(err)
	}
	return EntregarTexto(t, rutas, "/mensajes/"+string(tema), enOtroOrden(t, texto))
}

// enOtroOrden is a record as the component writes it: with its fields in another order each time.
func enOtroOrden(t testing.TB, registro []byte) []byte {
	t.Helper()
	var campos map[string]json.RawMessage
	if err := json.Unmarshal(registro, &campos); err != nil {
		t.Fatal(err)
	}
	nuevo := []byte{'{'}
	for nombre, valor := range campos { // the order of a map is another each time
		nuevo = fmt.Appendf(nuevo, "%q:%s,", nombre, valor)
	}
	nuevo[len(nuevo)-1] = '}'
	return nuevo
}

// EntregarTexto delivers a record, whatever it is, at a route.
func EntregarTexto(t testing.TB, rutas http.Handler, ruta string, registro []byte) string {
	t.Helper()
	cuerpo, err := json.Marshal(map[string]any{"data_base64": registro})
	if err != nil {
		t.Fatal(err)
	}
	respuesta := httptest.NewRecorder()
	rutas.ServeHTTP(respuesta, httptest.NewRequest(http.MethodPost, ruta, bytes.NewReader(cuerpo)))
	var dicho struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(respuesta.Body.Bytes(), &dicho); err != nil {
		t.Fatalf("respuesta %d %q: %v", respuesta.Code, respuesta.Body, err)
	}
	return dicho.Status
}

// Intentos counts tries in memory, as the table and the state store do. The zero value is ready.
type Intentos struct {
	mu    sync.Mutex
	veces map[string]int
	falla error
}

// Fallar makes counting fail with err from now on.
func (i *Intentos) Fallar(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.falla = err
}

// Contar implements pubsub.Intentos.
func (i *Intentos) Contar(_ context.Context, registro string) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.falla != nil {
		return 0, i.falla
	}
	if i.veces == nil {
		i.veces = map[string]int{}
	}
	i.veces[registro]++
	return i.veces[registro], nil
}

// Registros gives the names under which tries were counted.
func (i *Intentos) Registros() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Collect(maps.Keys(i.veces))
}
