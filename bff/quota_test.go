package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"entregas/bff/compras"
	"entregas/bff/edge"
	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/errs"
)

// The Idempotency-Keys of a subject are bounded over all replicas, in the header and as an argument. A repetition is still answered
// alike, and other subjects keep their own quota.
func TestQuota(t *testing.T) {
	const most = 5
	p := newGate(t, func(c *config) { c.MaxKeys = most })
	ana := p.as(t, "ana", identity.Cliente)
	buy := func(key string, who ...string) (int, string, string) {
		r := p.do(t, http.MethodPost, "/api/compras", `{"productos":[{"id_producto":"1","cantidad":1}]}`, append([]string{"Idempotency-Key", key, "Content-Type", "application/json"}, who...)...)
		return r.Code, r.Body.String(), r.Header().Get("Retry-After")
	}
	first := ""
	for i := range most {
		code, body, _ := buy(fmt.Sprint("k", i), ana...)
		if code != http.StatusAccepted {
			t.Fatalf("key %d: %d %s", i, code, body)
		}
		if i == 0 {
			first = body
		}
	}
	if code, body, wait := buy("one more", ana...); code != http.StatusTooManyRequests || !strings.Contains(body, "urn:entregas:problema:cuota") || !strings.Contains(body, "Idempotency-Key") || len(wait) < 5 {
		t.Errorf("one more: %d %s, Retry-After %s", code, body, wait)
	}
	if code, body, _ := buy("k0", ana...); code != http.StatusAccepted || body != first {
		t.Errorf("the first again: %d %s", code, body)
	}
	if code, body, _ := buy("one more", p.as(t, "eva", identity.Cliente)...); code != http.StatusAccepted {
		t.Errorf("another subject: %d %s", code, body)
	}
	mutation := func(arguments string, headers ...string) string {
		r := p.graphql(t, `mutation{comprar(compra:{productos:[{idProducto:"1",cantidad:1}]}`+arguments+`){id}}`, append(headers, ana...)...)
		if len(r.Errors) == 0 {
			return ""
		}
		return r.Errors[0].Extensions.Code
	}
	for _, c := range []struct{ name, code, want string }{
		{"by the header in GraphQL", mutation("", "Idempotency-Key", "g"), "cuota"},
		{"as an argument", mutation(`,clave:"a"`), "cuota"},
		{"without a key", mutation(""), ""},
	} {
		if c.code != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.code, c.want)
		}
	}
}

// A mutation writes a row for each of its fields. Under one Idempotency-Key each field but the first counts as a key.
func TestQuotaOfManyFields(t *testing.T) {
	p := newGate(t, func(c *config) { c.MaxKeys = 5 })
	ana := p.as(t, "ana", identity.Cliente)
	var fields strings.Builder
	for i := range 20 {
		fmt.Fprintf(&fields, `a%d:comprar(compra:{productos:[{idProducto:"1",cantidad:1}]}){id}`, i)
	}
	r := p.graphql(t, "mutation{"+fields.String()+"}", append([]string{"Idempotency-Key", "k"}, ana...)...)
	for _, e := range r.Errors {
		if e.Extensions.Code != string(errs.Quota) {
			t.Errorf("%+v", e)
		}
	}
	if rows := len(p.store.Keys(compras.SubmissionPrefix)); rows != 5 || len(r.Errors) != 15 {
		t.Errorf("%d rows, %d fields refused", rows, len(r.Errors))
	}
}

// Replicas that draw at the same time give out no more keys than the quota. A key is free again after its day.
func TestQuotaOfManyReplicas(t *testing.T) {
	const most, replicas, each = 500, 4, 200
	p := newGate(t)
	now := time.Date(2026, 11, 26, 1, 59, 0, 0, time.UTC)
	var mu sync.Mutex
	taken := 0
	var all sync.WaitGroup
	for range replicas {
		q := edge.QuotaAt(p.store, most, func() time.Time { return now })
		all.Go(func() {
			for range each {
				err := q.Take(t.Context(), "ana", 1)
				mu.Lock()
				if err == nil {
					taken++
				} else if errs.Of(err) != errs.Quota {
					t.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if taken != most {
		t.Errorf("%d keys were given out of %d", taken, most)
	}
	for _, c := range []struct {
		after time.Duration
		free  bool
	}{{compras.SubmissionTTL, false}, {compras.SubmissionTTL + time.Hour, true}} {
		q := edge.QuotaAt(p.store, most, func() time.Time { return now.Add(c.after) })
		if err := q.Take(t.Context(), "ana", 1); (err == nil) != c.free {
			t.Errorf("after %s: %v", c.after, err)
		}
	}
}

// An Idempotency-Key on a query has no effect and takes no room. On a mutation it has.
func TestKeysOfWhatChangesNothing(t *testing.T) {
	p := newGate(t)
	for _, query := range []string{"{productos{id}}", "query{a:productos{nombre}}", "{no{hay}}", "{", "subscription{cambios(id:\"x\"){numero}}"} {
		p.graphql(t, query, "Idempotency-Key", "k")
	}
	if keys := p.store.Keys(""); len(keys) != 0 {
		t.Errorf("kept %v", keys)
	}
	body, _ := json.Marshal(map[string]string{"query": `query a{productos{id}} mutation b{despachar(idOrden:"` + idOrden + `"){id}}`, "operationName": "b"})
	r := p.do(t, http.MethodPost, "/graphql", string(body), "Content-Type", "application/json", "Idempotency-Key", "k")
	if keys := p.store.Keys("reply-http/"); r.Code != http.StatusOK || len(keys) != 1 {
		t.Errorf("of a mutation: %d %s, kept %v", r.Code, r.Body, keys)
	}
}

// For an answer that is too long, the store keeps only the fact that the request was done. A shorter answer counts by its length.
func TestLongAnswersUnderAKey(t *testing.T) {
	aliases := func(n int) string {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, "a_long_alias_of_one_field_%d:id ", i)
		}
		return `mutation{despachar(idOrden:"` + idOrden + `"){` + s.String() + `}}`
	}
	p := newGate(t, func(c *config) { c.MaxKept, c.MaxKeys = 10_000, 4 })
	send := func(query, key string) (int, string) {
		body, _ := json.Marshal(map[string]string{"query": query})
		r := p.do(t, http.MethodPost, "/graphql", string(body), "Content-Type", "application/json", "Idempotency-Key", key)
		return r.Code, r.Body.String()
	}
	code, body := send(aliases(300), "long")
	if code != http.StatusOK || len(body) < 10_000 {
		t.Fatalf("%d %s", code, body)
	}
	if code, body := send(aliases(300), "long"); code != http.StatusConflict || !strings.Contains(body, "ya se hizo") {
		t.Errorf("again: %d %.200s", code, body)
	}
	_, once := send(aliases(120), "whole") // some 8 kB, and in the store a third more: it counts as three
	if _, again := send(aliases(120), "whole"); again != once {
		t.Errorf("again: %.200s", again)
	}
	if code, body := send(aliases(1), "one more"); code != http.StatusTooManyRequests {
		t.Errorf("what is kept counts by its weight: %d %.200s", code, body)
	}
}

// The largest answers of mutations are kept whole.
func TestWhatMutationsAnswerIsKept(t *testing.T) {
	o := contracts.Orden{ID: idOrden, Pedido: contracts.Pedido{IDCompra: idOrden, IDUsuario: strings.Repeat("ñ", contracts.MaxIdentifier)}, Estado: contracts.EstadoOrdenDespachada}
	for range contracts.MaxLineas {
		o.Productos = append(o.Productos, contracts.Linea{IDProducto: strings.Repeat("<", contracts.MaxIdentifier), Cantidad: contracts.MaxCantidad})
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if limit := 64 << 10; len(text) > limit {
		t.Errorf("an order may have %d bytes, and %d are kept", len(text), limit)
	}
}

// A refusal by the middleware has the shape of GraphQL too.
func TestRefusalsOfGraphQLHaveItsShape(t *testing.T) {
	p := newGate(t, func(c *config) { c.PerSubject, c.Burst = 0.001, 4 })
	ana := p.as(t, "ana", identity.Cliente)
	body := func(n int) string {
		return fmt.Sprintf(`{"query":"mutation{comprar(compra:{productos:[{idProducto:\"1\",cantidad:%d}]}){id}}"}`, n)
	}
	for _, c := range []struct {
		status  int
		code    errs.Code
		body    string
		headers []string
	}{
		{401, errs.NoIdentity, body(1), []string{"Authorization", "Bearer no"}},
		{200, "", body(1), append([]string{"Idempotency-Key", "k"}, ana...)},
		{422, errs.OtherBody, body(2), append([]string{"Idempotency-Key", "k"}, ana...)},
		{400, errs.Invalid, body(1), append([]string{"Idempotency-Key", "ñ"}, ana...)},
		{413, errs.TooLarge, body(1) + strings.Repeat(" ", contracts.MaxRequestBody), append([]string{"Idempotency-Key", "l"}, ana...)},
		{429, errs.TooMany, body(1), ana},
	} {
		r := p.do(t, http.MethodPost, "/graphql", c.body, append([]string{"Content-Type", "application/json"}, c.headers...)...)
		var said graphQLResponse
		if err := json.Unmarshal(r.Body.Bytes(), &said); err != nil || r.Code != c.status || c.code != "" && (len(said.Errors) != 1 || said.Errors[0].Extensions.Code != string(c.code)) {
			t.Errorf("%s: %d %s", c.code, r.Code, r.Body)
		}
	}
}
