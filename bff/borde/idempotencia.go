package borde

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/identidad"
	"entregas/services/bff/memory"
	"entregas/services/internal/errores"
	"entregas/services/internal/rest"
)

const (
	// esperaDelPrimero is how long the second of two requests with one Idempotency-Key waits for the answer of the first, before it
	// calls the service itself.
	//
	// The service does the operation once, whichever of the two calls it. See onlyByFirst for those of which that is not so.
	esperaDelPrimero = 2 * time.Second
	// miradaAlPrimero is how often the second of two requests with one Idempotency-Key looks for the answer of the first.
	miradaAlPrimero = 50 * time.Millisecond
	// keepTimeout bounds the write of an answer under its Idempotency-Key, whether the client still waits or not.
	keepTimeout = 3 * time.Second
)

// respondida is an answer as it was given.
type respondida struct {
	Estado    int               `json:"estado"`
	Cabeceras map[string]string `json:"cabeceras"`
	Cuerpo    []byte            `json:"cuerpo"`
	fallida   bool              // whatever its status says
	unknown   bool              // it may have been done, and must not be done by who waits for this answer: the key stays taken
}

// lasQueVuelven are the headers that are part of an answer.
var lasQueVuelven = []string{"Content-Type", "Location", "Retry-After"}

// Keys is what Idempotencia keeps, and how much of it.
type Keys struct {
	Store   compras.Almacen
	Quota   *Quota
	Largest int                    // bytes of an answer that is kept whole; 0 is any
	Changes func(body []byte) bool // tells that a GraphQL request may change something
}

// Idempotencia gives a POST that comes again with its Idempotency-Key the first one's answer, and 422 when the body is another
// (docs/adr/answers-under-a-key.md).
// A key is its subject's own, for one path. Only what was done is kept: what was refused, or failed, is asked again at once
// under the same key. On what changes nothing a key says nothing: a GraphQL query is answered anew each time. In the store:
//
//	envio-http/<hash>       the body's hash, marked as free once its answer was of the second kind: the first writer wins
//	respuesta-http/<hash>   the answer: the first writer wins
func Idempotencia(keys Keys) func(http.Handler) http.Handler {
	return func(siguiente http.Handler) http.Handler {
		return route(func(w http.ResponseWriter, r *http.Request) error {
			claves := r.Header.Values("Idempotency-Key")
			if r.Method != http.MethodPost || !conClave(r) || len(claves) == 0 || !identidad.De(r.Context()).Conocida() {
				siguiente.ServeHTTP(w, r) // an unknown caller is refused there, and nothing is kept
				return nil
			}
			clave := claves[0]
			var v contracts.Validador
			v.IdempotencyKey("Idempotency-Key", strings.Join(claves, "\n")) // more than one is none
			if err := v.Error(); err != nil {                               // not passed over: a client that sends one relies on it
				return err
			}
			cuerpo, err := rest.LeerCuerpo(w, r)
			if err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(cuerpo))
			if deGraphQL(r) && !keys.Changes(cuerpo) {
				siguiente.ServeHTTP(w, r)
				return nil
			}
			r = r.WithContext(context.WithValue(r.Context(), claveDeClave{}, &sentKey{key: clave}))
			usuario := identidad.De(r.Context()).Usuario
			nombre := compras.Huella(usuario, r.URL.Path, clave)
			antes, err := keys.first(r.Context(), usuario, nombre, compras.Huella(string(cuerpo)), onlyByFirst(r, cuerpo))
			if err != nil {
				return err
			}
			if antes == nil {
				grabada := &grabadora{ResponseWriter: w, estado: http.StatusOK}
				siguiente.ServeHTTP(grabada, r)
				dada := grabada.respondida()
				if deGraphQL(r) && bytes.HasPrefix(dada.Cuerpo, []byte(`{"errors"`)) {
					dada.fallida = true
				}
				if onlyByFirst(r, cuerpo) && bytes.Contains(dada.Cuerpo, []byte(errores.OutcomeUnknown)) {
					dada.unknown = true
				}
				if antes, err = keys.recordar(r.Context(), usuario, nombre, compras.Huella(string(cuerpo)), dada); err != nil {
					return err
				}
			}
			for k, v := range antes.Cabeceras {
				w.Header().Set(k, v)
			}
			w.WriteHeader(antes.Estado)
			_, _ = w.Write(antes.Cuerpo) // the client is gone when this fails
			return nil
		})
	}
}

type claveDeClave struct{}

// Clave is the Idempotency-Key of the request of ctx, "" where it has none: what is behind does it once under that name too,
// for when the answer could not be kept.
func Clave(ctx context.Context) string {
	if sent, is := ctx.Value(claveDeClave{}).(*sentKey); is {
		return sent.key
	}
	return ""
}

// sentKey is the Idempotency-Key of a request. It pays for one row under it: each further field of a mutation is a key of its own.
type sentKey struct {
	key  string
	used atomic.Bool
}

func paidByHeader(ctx context.Context) bool {
	sent, is := ctx.Value(claveDeClave{}).(*sentKey)
	return is && !sent.used.Swap(true)
}

// conClave tells that the request is one whose answer may be kept: not a live stream.
func conClave(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || deGraphQL(r) && !esFlujo(r)
}

func deGraphQL(r *http.Request) bool { return r.URL.Path == "/graphql" || r.URL.Path == "/v1" }

// onlyByFirst tells that what r asks would be done twice if the second of two alike asked for it too: a dead letter put back, or
// set aside. The second then waits for as long as its request may take, and is told that nobody knows where the first has no
// answer even then, like one whose program was killed.
func onlyByFirst(r *http.Request, body []byte) bool {
	return strings.HasPrefix(r.URL.Path, letters+"/") ||
		deGraphQL(r) && (bytes.Contains(body, []byte("reponerMensaje")) || bytes.Contains(body, []byte("apartarMensaje")))
}

const letters = "/api/mensajes-muertos"

// first writes down that this is the first with its name, within the subject's quota, and else is alguna.
func (k Keys) first(ctx context.Context, usuario, nombre, cuerpo string, onlyByFirst bool) (*respondida, error) {
	full := k.Quota.Take(ctx, usuario, 1)
	if full != nil && errores.De(full) != errores.Cuota {
		return nil, full
	}
	if full == nil {
		err := k.Store.Crear(ctx, "envio-http/"+nombre, []byte(`"`+cuerpo+`"`), compras.VidaDeEnvio)
		if err == nil {
			return nil, nil
		}
		k.Quota.Return(usuario)
		if !errors.Is(err, compras.ErrYaCambio) {
			return nil, err
		}
	} else if valores, err := k.Store.Leer(ctx, "envio-http/"+nombre); err != nil || valores[0].Version == "" {
		return nil, cmp.Or(err, full) // a key that is there already takes no more room
	}
	return alguna(ctx, k.Store, nombre, cuerpo, onlyByFirst)
}

// alguna gives the answer that there is already, nil when the first has none. Where onlyByFirst, OutcomeUnknown when the first has
// none for as long as ctx lasts.
func alguna(ctx context.Context, almacen compras.Almacen, nombre, cuerpo string, onlyByFirst bool) (*respondida, error) {
	for limite := time.Now().Add(esperaDelPrimero); ; {
		valores, err := almacen.Leer(ctx, "envio-http/"+nombre, "respuesta-http/"+nombre)
		if err != nil {
			return nil, err
		}
		if valores[0].Version != "" && string(valores[0].Texto) != `"`+cuerpo+`"` && string(valores[0].Texto) != freed(cuerpo) {
			return nil, errores.Nuevo(errores.OtroCuerpo, "La Idempotency-Key ya se usó con otro contenido. Use otra clave, o envíe lo mismo.")
		}
		if valores[1].Version != "" {
			var antes respondida
			return &antes, json.Unmarshal(valores[1].Texto, &antes)
		}
		if valores[0].Version != "" && string(valores[0].Texto) == freed(cuerpo) {
			err := almacen.Reemplazar(ctx, "envio-http/"+nombre, valores[0].Version, []byte(`"`+cuerpo+`"`), compras.VidaDeEnvio)
			if !errors.Is(err, compras.ErrYaCambio) { // else another of the same took it: that one's answer is waited for
				return nil, err
			}
		}
		if !onlyByFirst && time.Now().After(limite) {
			return nil, nil
		}
		select {
		case <-ctx.Done():
			if onlyByFirst {
				return nil, compras.OutcomeUnknown(letters, "repítalo solo si el mensaje sigue en la lista, con otra Idempotency-Key.", ctx.Err())
			}
			return nil, ctx.Err()
		case <-time.After(miradaAlPrimero):
		}
	}
}

// recordar keeps an answer, and gives the one that holds: the first.
func (k Keys) recordar(ctx context.Context, usuario, nombre, cuerpo string, r respondida) (*respondida, error) {
	ctx, soltar := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer soltar()
	ctx = memory.Uncharged(ctx) // it is done: the answer must not say otherwise for want of room
	if r.unknown {
		return &r, nil
	}
	if r.fallida || r.Estado >= http.StatusBadRequest {
		release(ctx, k.Store, nombre, cuerpo)
		return &r, nil
	}
	kept := r
	if k.Largest > 0 && len(r.Cuerpo) > k.Largest {
		kept = doneButLong(r)
	}
	texto, err := json.Marshal(kept)
	if err != nil {
		return nil, err
	}
	err = k.Store.Crear(ctx, "respuesta-http/"+nombre, texto, compras.VidaDeEnvio)
	if errors.Is(err, compras.ErrYaCambio) {
		valores, err := k.Store.Leer(ctx, "respuesta-http/"+nombre)
		if err != nil || valores[0].Version == "" {
			slog.WarnContext(ctx, "no se pudo leer la primera respuesta", "error", err)
			return &r, nil
		}
		var primera respondida
		return &primera, json.Unmarshal(valores[0].Texto, &primera)
	}
	if err == nil {
		err = k.Quota.Charge(ctx, usuario, len(texto)/keptPerKey)
	}
	if err != nil { // it was done, and a repetition does it no second time: that its answer may differ is worth no error
		slog.WarnContext(ctx, "no se pudo guardar una respuesta", "error", err)
	}
	return &r, nil
}

// freed is how the mark of a key is written that came with a body of this hash, and may be asked with it again at once.
func freed(cuerpo string) string { return `"` + cuerpo + ` libre"` }

// release frees the key. Where that fails, a repetition of the request waits for esperaDelPrimero.
func release(ctx context.Context, almacen compras.Almacen, nombre, cuerpo string) {
	valores, err := almacen.Leer(ctx, "envio-http/"+nombre)
	if err == nil && valores[0].Version != "" {
		err = almacen.Reemplazar(ctx, "envio-http/"+nombre, valores[0].Version, []byte(freed(cuerpo)), compras.VidaDeEnvio)
	}
	if err != nil && !errors.Is(err, compras.ErrYaCambio) {
		slog.WarnContext(ctx, "no se pudo soltar una clave", "error", err)
	}
}

// doneButLong is the answer to a repetition where the first answer was too long to be kept: it says only that it was done.
func doneButLong(r respondida) respondida {
	p := rest.ProblemaDe(errores.Nuevo(errores.Conflicto,
		"Lo pedido con esta Idempotency-Key ya se hizo y se respondió %d. La respuesta, de %d bytes, era demasiado larga para guardarla: lea cómo quedó.", r.Estado, len(r.Cuerpo)))
	texto, _ := json.Marshal(p) // texts and a number
	return respondida{Estado: p.Status, Cabeceras: map[string]string{"Content-Type": "application/problem+json"}, Cuerpo: texto}
}

// grabadora holds an answer back.
type grabadora struct {
	http.ResponseWriter
	estado int
	cuerpo bytes.Buffer
}

func (g *grabadora) WriteHeader(estado int)      { g.estado = estado }
func (g *grabadora) Write(b []byte) (int, error) { return g.cuerpo.Write(b) }

func (g *grabadora) respondida() respondida {
	r := respondida{Estado: g.estado, Cuerpo: g.cuerpo.Bytes(), Cabeceras: map[string]string{}}
	for _, k := range lasQueVuelven {
		if v := g.Header().Get(k); v != "" {
			r.Cabeceras[k] = v
		}
	}
	return r
}
