package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/internal/app"
	"entregas/internal/databasetest"
	common "entregas/internal/rest"
	"entregas/internal/resttest"
	"entregas/services/avisos/postgres"
	"entregas/services/avisos/rest"
	"entregas/services/avisos/webhook"
)

type service struct {
	routes     *mux.Router
	woken      int
	mailsWoken int
	store      *postgres.Store
}

func newService(t *testing.T) *service {
	s := &service{routes: app.Config{}.Routes(nil)}
	store, sender := postgres.New(databasetest.New(t, postgres.Migrations)), webhook.NewSender(webhook.Options{})
	s.store = store
	rest.ServeRoutes(s.routes, store, store, store, rest.Webhooks{CheckURL: sender.CheckURL, NewSecreto: webhook.NewSecreto, Wake: func() { s.woken++ }},
		rest.Mail{Correos: store, Wake: func() { s.mailsWoken++ }})
	return s
}

func (s *service) do(t *testing.T, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	s.routes.ServeHTTP(w, request)
	return w
}

func read[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return v
}

func TestItServesItsDocument(t *testing.T) {
	s := &service{routes: mux.NewRouter()}
	rest.ServeRoutes(s.routes, nil, nil, nil, rest.Webhooks{}, rest.Mail{})
	resttest.Serves(t, s.routes, "avisos")
}

func TestTheLifeOfAnAddress(t *testing.T) {
	s := newService(t)
	w := s.do(t, http.MethodPost, "/direcciones", `{"url":"https://example.com/","descripcion":"ERP\nBogotá 👩‍👧","estados":["CONFIRMADA"]}`)
	d := read[contracts.DireccionDeAviso](t, w)
	if w.Code != http.StatusCreated || !strings.HasPrefix(d.Secreto, "whsec_") || !d.Activa || len(d.Estados) != 1 {
		t.Fatalf("%d %+v", w.Code, d)
	}
	if w := s.do(t, http.MethodGet, "/direcciones", ""); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "whsec") || !strings.Contains(w.Body.String(), d.ID) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = s.do(t, http.MethodPost, "/direcciones/"+d.ID+"/secreto", "")
	if renewed := read[contracts.DireccionDeAviso](t, w); w.Code != http.StatusOK || renewed.Secreto == d.Secreto || !strings.HasPrefix(renewed.Secreto, "whsec_") {
		t.Errorf("%d %+v", w.Code, renewed)
	}
	w = s.do(t, http.MethodPost, "/direcciones/"+d.ID+"/prueba", "")
	e := read[contracts.EntregaDeAviso](t, w)
	if w.Code != http.StatusAccepted || e.Tipo != "prueba" || e.Estado != contracts.EntregaPendiente || s.woken != 1 {
		t.Errorf("%d %+v, woken %d times", w.Code, e, s.woken)
	}
	if w := s.do(t, http.MethodPost, "/entregas/"+e.ID+"/reenvio", ""); w.Code != http.StatusAccepted || s.woken != 2 {
		t.Errorf("%d %s, woken %d times", w.Code, w.Body, s.woken)
	}
	if w := s.do(t, http.MethodPatch, "/direcciones/"+d.ID, `{"activa":false}`); w.Code != http.StatusOK || read[contracts.DireccionDeAviso](t, w).Activa {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.do(t, http.MethodPost, "/entregas/"+e.ID+"/reenvio", ""); w.Code != http.StatusConflict {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	page := read[contracts.PaginaDeEntregas](t, s.do(t, http.MethodGet, "/entregas?limite=1&estado=PENDIENTE&id_direccion="+d.ID, ""))
	if len(page.Entregas) != 1 || page.Siguiente != "" {
		t.Errorf("%+v", page)
	}
	for range 2 {
		if w := s.do(t, http.MethodDelete, "/direcciones/"+d.ID, ""); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := s.do(t, http.MethodPost, "/direcciones/"+d.ID+"/prueba", ""); w.Code != http.StatusNotFound {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	acts := read[contracts.PaginaDeActos](t, s.do(t, http.MethodGet, "/actos?limite=2&tipo=aviso&id="+d.ID, ""))
	if len(acts.Actos) != 2 || acts.Siguiente == "" || acts.Actos[0].Detalle != "Borró la dirección https://example.com/" {
		t.Errorf("%+v", acts)
	}
	if w := s.do(t, http.MethodGet, "/actos?tipo=robo", ""); w.Code != http.StatusBadRequest || read[common.Problem](t, w).Errores[0].Field != "tipo" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Each refusal names its field.
func TestBadInput(t *testing.T) {
	s := newService(t)
	const some = "01938f5e-7c1a-7000-8000-000000000001"
	for _, c := range []struct{ method, path, body, field string }{
		{"POST", "/direcciones", `{"descripcion":"a"}`, "url"},
		{"POST", "/direcciones", `{"url":null}`, "url"},
		{"POST", "/direcciones", `{"url":7}`, "url"},
		{"POST", "/direcciones", `{"url":"https://10.0.0.1/"}`, "url"},
		{"POST", "/direcciones", `{"url":"https://example.com/\u0000"}`, "url"},
		{"POST", "/direcciones", `{"url":"https://exámple.com/"}`, "url"},
		{"POST", "/direcciones", `{"url":"https://example.com/` + strings.Repeat("a", contracts.MaxURL) + `"}`, "url"},
		{"POST", "/direcciones", `{"url":"https://example.com/","descripcion":"\u0007"}`, "descripcion"},
		{"POST", "/direcciones", `{"url":"https://example.com/","descripcion":"` + strings.Repeat("ñ", contracts.MaxDescripcion+1) + `"}`, "descripcion"},
		{"POST", "/direcciones", `{"url":"https://example.com/","estados":["REGALADA"]}`, "estados[0]"},
		{"POST", "/direcciones", `{"url":"https://example.com/","estados":["RECIBIDA","RECIBIDA"]}`, "estados[1]"},
		{"POST", "/direcciones", `{"url":"https://example.com/","estados":"RECIBIDA"}`, "estados"},
		{"POST", "/direcciones", `{"url":"https://example.com/","secreto":"x"}`, "secreto"},
		{"PATCH", "/direcciones/" + some, `{}`, "activa"},
		{"PATCH", "/direcciones/" + some, `{"activa":"true"}`, "activa"},
		{"PATCH", "/direcciones/x", `{"activa":true}`, "id"},
		{"DELETE", "/direcciones/x", "", "id"},
		{"POST", "/direcciones/x/prueba", "", "id"},
		{"POST", "/direcciones/x/secreto", "", "id"},
		{"POST", "/entregas/x/reenvio", "", "id"},
		{"POST", "/usuarios/ana/deseos/1", `{"cantidad":0}`, "cantidad"},
		{"POST", "/usuarios/ana/deseos/1", `{"cantidad":1000001}`, "cantidad"},
		{"POST", "/usuarios/ana/deseos/1", `{"cantidad":"2"}`, "cantidad"},
		{"POST", "/usuarios/ana/deseos/1", `{"cantidad":1,"nombre":"x"}`, "nombre"},
		{"POST", "/usuarios/ana/deseos/a%09b", `{"cantidad":1}`, "producto"},
		{"DELETE", "/usuarios/ana/deseos/" + strings.Repeat("a", contracts.MaxIdentifier+1), "", "producto"},
		{"GET", "/usuarios/%20/deseos", "", "id"},
		{"POST", "/usuarios/%07/borrado", "", "id"},
		{"GET", "/usuarios/%07/correo", "", "id"},
		{"DELETE", "/usuarios/%20/correo", "", "id"},
		{"PUT", "/usuarios/%07/correo", `{"correo":"ana@ejemplo.com"}`, "id"},
		{"PUT", "/usuarios/ana/correo", `{}`, "correo"},
		{"PUT", "/usuarios/ana/correo", `{"correo":null}`, "correo"},
		{"PUT", "/usuarios/ana/correo", `{"correo":7}`, "correo"},
		{"PUT", "/usuarios/ana/correo", `{"correo":"ana@ejemplo.com","nombre":"Ana"}`, "nombre"},
		{"PUT", "/usuarios/ana/correo", `{"correo":"ana@ejemplo.com\r\nBcc: eva@ejemplo.com"}`, "correo"},
		{"PUT", "/usuarios/ana/correo", `{"correo":"` + strings.Repeat("a", 100_000) + `@ejemplo.com"}`, "correo"},
		{"GET", "/entregas?canal=PALOMA", "", "canal"},
		{"GET", "/entregas?limite=0", "", "limite"},
		{"GET", "/entregas?limite=101", "", "limite"},
		{"GET", "/entregas?limite=x", "", "limite"},
		{"GET", "/entregas?despues=x", "", "despues"},
		{"GET", "/entregas?estado=REGALADA", "", "estado"},
		{"GET", "/entregas?id_direccion=x", "", "id_direccion"},
		{"GET", "/entregas?id_compra=x", "", "id_compra"},
	} {
		w := s.do(t, c.method, c.path, c.body)
		p := read[common.Problem](t, w)
		if w.Code != http.StatusBadRequest || len(p.Errores) == 0 || p.Errores[0].Field != c.field {
			t.Errorf("%s %s %s: %d %s; want field %s", c.method, c.path, c.body, w.Code, w.Body, c.field)
		}
	}
	for _, path := range []string{"/direcciones/" + some + "/prueba", "/direcciones/" + some + "/secreto", "/entregas/" + some + "/reenvio"} {
		if w := s.do(t, http.MethodPost, path, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestTheLifeOfAWish(t *testing.T) {
	s := newService(t)
	for range 2 { // the same again changes nothing
		w := s.do(t, http.MethodPost, "/usuarios/ana/deseos/1", `{"cantidad":2}`)
		if one := read[contracts.Deseo](t, w); w.Code != http.StatusOK || one.IDProducto != "1" || one.Cantidad != 2 || one.AvisadoEn != nil || one.PedidoEn.IsZero() {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if list := read[[]contracts.Deseo](t, s.do(t, http.MethodGet, "/usuarios/ana/deseos", "")); len(list) != 1 {
		t.Errorf("%+v", list)
	}
	for range 2 {
		if w := s.do(t, http.MethodDelete, "/usuarios/ana/deseos/1", ""); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := s.do(t, http.MethodGet, "/usuarios/ana/deseos", ""); strings.TrimSpace(w.Body.String()) != "[]" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	s.do(t, http.MethodPost, "/usuarios/ana/deseos/1", `{"cantidad":2}`)
	for _, want := range []int{1, 0} {
		if part := read[contracts.ParteBorrada](t, s.do(t, http.MethodPost, "/usuarios/ana/borrado", "")); part != (contracts.ParteBorrada{Borradas: want}) {
			t.Errorf("erased %+v, want %d", part, want)
		}
	}
}

// A customer gives an address, changes it and takes it back. Where no mail is sent, no address is taken, and one can still be deleted.
func TestTheLifeOfAMailAddress(t *testing.T) {
	s := newService(t)
	const path = "/usuarios/ana/correo"
	now := func() contracts.CorreoDeUsuario {
		return read[contracts.CorreoDeUsuario](t, s.do(t, http.MethodGet, path, ""))
	}
	if got := now(); got != (contracts.CorreoDeUsuario{Disponible: true}) {
		t.Errorf("%+v", got)
	}
	for _, address := range []string{"ana@ejemplo.com", "ana@otro.com", "ana@otro.com"} {
		if w := s.do(t, http.MethodPut, path, `{"correo":"`+address+`"}`); w.Code != http.StatusNoContent || now().Correo != address {
			t.Errorf("%d %s: %+v", w.Code, w.Body, now())
		}
	}
	off := &service{routes: app.Config{}.Routes(nil)}
	rest.ServeRoutes(off.routes, s.store, s.store, s.store, rest.Webhooks{}, rest.Mail{Correos: s.store})
	if w := off.do(t, http.MethodPut, path, `{"correo":"ana@ejemplo.com"}`); w.Code != http.StatusConflict {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := read[contracts.CorreoDeUsuario](t, off.do(t, http.MethodGet, path, "")); got != (contracts.CorreoDeUsuario{Correo: "ana@otro.com"}) {
		t.Errorf("%+v", got)
	}
	for range 2 {
		if w := off.do(t, http.MethodDelete, path, ""); w.Code != http.StatusNoContent || now().Correo != "" {
			t.Errorf("%d %s: %+v", w.Code, w.Body, now())
		}
	}
}
