package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/pubsubtest"
)

// Through each door an operator sees who did each thing. A customer sees her own name, and of an operator only the role
// (docs/adr/who-did-it.md).
func TestNoDoorNamesAnOperatorToACustomer(t *testing.T) {
	p := newGate(t)
	ana, eli := p.as(t, "ana", identity.Cliente), p.as(t, "eli", identity.Operador)
	if r := p.do(t, http.MethodPost, "/api/compras", `{"id":"`+anasCompra+`","productos":[{"id_producto":"1","cantidad":2}]}`, ana...); r.Code != http.StatusAccepted {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	c := p.manager.AdvanceBy(contracts.Actor{Sujeto: "oti", Rol: contracts.RolOperador}, anasCompra, contracts.EstadoCancelada)
	if err := p.core.Register(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	graphQL := func(query string) string { return `{"query":"` + strings.ReplaceAll(query, `"`, `\"`) + `"}` }
	server := p.served(t)
	for _, down := range []bool{false, true} { // while gestor-compra is down, the read model answers
		if down {
			p.manager.GoDown()
		}
		for _, door := range []struct {
			path, body string
			operators  bool // the door is for operators, and for them only while gestor-compra answers
			accept     string
		}{
			{"GET /api/compras/" + anasCompra, "", false, ""},
			{"GET /api/usuarios/ana/compras", "", false, ""},
			{"GET /api/compras/" + anasCompra + "/eventos", "", false, ""},
			{"GET /api/compras", "", true, ""},
			{"POST /graphql", graphQL(`{compra(id:"` + anasCompra + `"){historia{sujeto rol}}}`), false, ""},
			{"POST /graphql", graphQL(`{misCompras(idUsuario:"ana"){compras{historia{sujeto rol}}}}`), false, ""},
			{"POST /graphql", graphQL(`{compras{compras{historia{sujeto rol}}}}`), true, ""},
			{"POST /graphql", graphQL(`subscription{cambios(id:"` + anasCompra + `"){compra{historia{sujeto rol}}}}`), false, "text/event-stream"},
		} {
			verb, path, _ := strings.Cut(door.path, " ")
			for _, who := range [][]string{ana, eli} {
				operador := &who[0] == &eli[0]
				if door.operators && (down || !operador) {
					continue
				}
				headers := who
				if door.accept != "" {
					headers = append([]string{"Accept", door.accept}, who...)
				}
				said := answerOf(t, verb, server+path, door.body, headers) // a stream ends, since the purchase can change no more
				if !strings.Contains(said, `"sujeto":"ana","rol":"cliente"`) || !strings.Contains(said, `"rol":"operador"`) {
					t.Errorf("%s %s by an operator %v, gestor-compra down %v: it lacks an author: %s", door.path, door.body, operador, down, said)
				}
				if strings.Contains(said, "oti") != operador {
					t.Errorf("%s %s by an operator %v, gestor-compra down %v: who did it is %s", door.path, door.body, operador, down, said)
				}
			}
		}
	}
	events := stream(t, server, "GET", "/stream", "") // open to anybody in development
	text, err := contracts.NewMessage("gestor-compra", contracts.CompraActualizada, "", c.Event()).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if said := pubsubtest.DeliverText(t, p, "/vivo/eventos-compra", text); said != "SUCCESS" {
		t.Fatal(said)
	}
	if said, _ := within(t, events); !strings.Contains(said, `"rol":"operador"`) || strings.Contains(said, "oti") {
		t.Errorf("/stream tells %s", said)
	}
}

// answerOf returns the whole body of an answer.
func answerOf(t *testing.T, verb, address, body string, headers []string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), verb, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each request goes to its service in the name of the caller, in the caller's higher role, and so does the command that a topic carries
// while gestor-compra is down.
func TestServicesLearnWhoAsks(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, contracts.EstadoIniciada)
	c := p.manager.Compras()[0]
	if err := p.core.Register(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	p.manager.GoDown()
	for _, who := range []struct {
		headers []string
		want    contracts.Actor
	}{
		{p.as(t, "ana", identity.Cliente), contracts.Actor{Sujeto: "ana", Rol: contracts.RolCliente}},
		{p.as(t, "María Ñ", identity.Cliente, identity.Operador), contracts.Actor{Sujeto: "María Ñ", Rol: contracts.RolOperador}},
	} {
		if r := p.do(t, http.MethodPost, "/api/compras/"+anasCompra+"/cancelacion", "", who.headers...); r.Code != http.StatusAccepted {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
		sent := pubsubtest.Published(t, p.broker, contracts.ComandosGestorCompra)
		if d := sent[len(sent)-1].Data; (contracts.Actor{Sujeto: d.Sujeto, Rol: d.Rol}) != who.want {
			t.Errorf("the command is of %q in the role %q, want %+v", d.Sujeto, d.Rol, who.want)
		}
	}
	p.manager.Respond(nil)
	for headers, want := range map[*[]string]contracts.Actor{
		new(p.as(t, "ana", identity.Cliente)):      {Sujeto: "ana", Rol: contracts.RolCliente},
		new(p.as(t, "María Ñ", identity.Operador)): {Sujeto: "María Ñ", Rol: contracts.RolOperador},
	} {
		if r := p.do(t, http.MethodPost, "/api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}]}`, *headers...); r.Code != http.StatusAccepted {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
		all := p.manager.Compras()
		if h := all[len(all)-1].Historia[0]; (contracts.Actor{Sujeto: h.Sujeto, Rol: h.Rol}) != want {
			t.Errorf("the purchase is taken from %q in the role %q, want %+v", h.Sujeto, h.Rol, want)
		}
	}
}
