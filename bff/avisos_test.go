package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"entregas/bff/comprastest"
	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/api/avisos"
	"entregas/internal/errs"
	"entregas/internal/rest"
)

const (
	idDireccion = "01938f5e-7c1a-7000-8000-0000000000c1"
	idEntrega   = "01938f5e-7c1a-7000-8000-0000000000e1"
	secreto     = contracts.SecretoPrefix + "c2VjcmV0"
)

// notices has one address and one delivery to it. It keeps the wishes of each customer.
type notices struct {
	acts   *comprastest.Acts
	wishes *sync.Map
}

// ListarActosDeAvisos implements avisos.ServerInterface.
func (n notices) ListarActosDeAvisos(w http.ResponseWriter, r *http.Request, params avisos.ListarActosDeAvisosParams) {
	n.acts.Serve(w, r, contracts.ActosQuery(params))
}

// ListarDeseos implements avisos.ServerInterface.
func (n notices) ListarDeseos(w http.ResponseWriter, _ *http.Request, id string) {
	list := []contracts.Deseo{}
	if one, found := n.wishes.Load(id); found {
		list = append(list, one.(contracts.Deseo))
	}
	rest.Write(w, http.StatusOK, list)
}

// CrearDeseo implements avisos.ServerInterface. A customer has one wish.
func (n notices) CrearDeseo(w http.ResponseWriter, r *http.Request, id, producto string) {
	requested, err := rest.Read[contracts.NuevoDeseo](w, r)
	one := contracts.Deseo{IDProducto: producto, Cantidad: requested.Cantidad, PedidoEn: time.Now()}
	if err == nil {
		n.wishes.Store(id, one)
	}
	rest.Answer(w, r, http.StatusOK, one, err)
}

// BorrarDeseo implements avisos.ServerInterface.
func (n notices) BorrarDeseo(w http.ResponseWriter, _ *http.Request, id, _ string, p avisos.BorrarDeseoParams) {
	if one, _ := n.wishes.Load(id); p.AvisadoEn != nil && one.(contracts.Deseo).AvisadoEn == nil {
		w.WriteHeader(http.StatusNoContent) // it waits still
		return
	}
	n.wishes.Delete(id)
	w.WriteHeader(http.StatusNoContent)
}

// BorrarDatosDeAvisos implements avisos.ServerInterface.
func (n notices) BorrarDatosDeAvisos(w http.ResponseWriter, _ *http.Request, id string) {
	var part contracts.ParteBorrada
	if _, found := n.wishes.LoadAndDelete(id); found {
		part.Borradas = 1
	}
	rest.Write(w, http.StatusOK, part)
}

// A wish is the caller's own: nobody else sees it or takes it back.
func TestAWishIsTheCallersOwn(t *testing.T) {
	p := newGate(t)
	ana, eva := p.as(t, "ana", identity.Cliente), p.as(t, "eva", identity.Cliente)
	if r := p.do(t, http.MethodPost, "/api/productos/1/avisame", `{"cantidad":2}`, ana...); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), `"cantidad":2`) {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	p.do(t, http.MethodDelete, "/api/productos/1/avisame", "", eva...)
	for name, c := range map[string]struct {
		who  []string
		want bool
	}{"ana": {ana, true}, "eva": {eva, false}, "an operator": {p.as(t, "oti", identity.Operador), false}} {
		if r := p.do(t, http.MethodGet, "/api/avisos/existencias", "", c.who...); r.Code != http.StatusOK || strings.Contains(r.Body.String(), "id_producto") != c.want {
			t.Errorf("%s sees %d %s", name, r.Code, r.Body)
		}
	}
	const stale = "2026-01-31T08:00:00.123Z"
	for path, want := range map[string]int{"?avisado_en=" + stale: http.StatusNoContent, "?avisado_en=ayer": http.StatusBadRequest} {
		if r := p.do(t, http.MethodDelete, "/api/productos/1/avisame"+path, "", ana...); r.Code != want {
			t.Errorf("%s: %d %s", path, r.Code, r.Body)
		}
	}
	p.ask(t, "/graphql", `mutation{noMeAvise(idProducto:"1",avisadoEn:"`+stale+`")}`, nil, ana...)
	if r := p.do(t, http.MethodGet, "/api/avisos/existencias", "", ana...); !strings.Contains(r.Body.String(), "id_producto") {
		t.Errorf("the notice of a wish of before removed the newer one: %s", r.Body)
	}
	p.do(t, http.MethodDelete, "/api/productos/1/avisame", "", ana...)
	if r := p.do(t, http.MethodGet, "/api/avisos/existencias", "", ana...); strings.TrimSpace(r.Body.String()) != "[]" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

func oneDireccion(id string) (contracts.DireccionDeAviso, error) {
	d := contracts.DireccionDeAviso{ID: id, URL: "https://example.com/", Estados: []contracts.Estado{}, Activa: true, CreadaEn: time.Now(), ActualizadaEn: time.Now()}
	if id != idDireccion {
		return d, errs.New(errs.NotFound, "No existe la dirección %s.", id)
	}
	return d, nil
}

func oneEntrega(id string) contracts.EntregaDeAviso {
	return contracts.EntregaDeAviso{ID: id, Canal: contracts.CanalWebhook, IDDireccion: idDireccion, URL: "https://example.com/", Evento: "msg_1", Tipo: contracts.PruebaDeAviso, Estado: contracts.EntregaPendiente, CreadaEn: time.Now(), ActualizadaEn: time.Now()}
}

// ListarDirecciones implements avisos.ServerInterface.
func (notices) ListarDirecciones(w http.ResponseWriter, r *http.Request) {
	d, err := oneDireccion(idDireccion)
	rest.Answer(w, r, http.StatusOK, []contracts.DireccionDeAviso{d}, err)
}

// CrearDireccion implements avisos.ServerInterface.
func (notices) CrearDireccion(w http.ResponseWriter, r *http.Request) {
	_, err := rest.Read[contracts.NuevaDireccion](w, r)
	d, _ := oneDireccion(idDireccion)
	d.Secreto = secreto
	rest.Answer(w, r, http.StatusCreated, d, err)
}

// CambiarDireccion implements avisos.ServerInterface.
func (notices) CambiarDireccion(w http.ResponseWriter, r *http.Request, id string) {
	d, err := oneDireccion(id)
	rest.Answer(w, r, http.StatusOK, d, err)
}

// BorrarDireccion implements avisos.ServerInterface.
func (notices) BorrarDireccion(w http.ResponseWriter, _ *http.Request, _ string) {
	w.WriteHeader(http.StatusNoContent)
}

// RenovarSecreto implements avisos.ServerInterface.
func (notices) RenovarSecreto(w http.ResponseWriter, r *http.Request, id string) {
	d, err := oneDireccion(id)
	d.Secreto = secreto
	rest.Answer(w, r, http.StatusOK, d, err)
}

// ProbarDireccion implements avisos.ServerInterface.
func (notices) ProbarDireccion(w http.ResponseWriter, r *http.Request, id string) {
	_, err := oneDireccion(id)
	rest.Answer(w, r, http.StatusAccepted, oneEntrega(idEntrega), err)
}

// ListarEntregas implements avisos.ServerInterface.
func (notices) ListarEntregas(w http.ResponseWriter, _ *http.Request, _ avisos.ListarEntregasParams) {
	rest.Write(w, http.StatusOK, contracts.PaginaDeEntregas{Entregas: []contracts.EntregaDeAviso{oneEntrega(idEntrega)}})
}

// ReenviarEntrega implements avisos.ServerInterface.
func (notices) ReenviarEntrega(w http.ResponseWriter, r *http.Request, id string) {
	if id != idEntrega {
		rest.WriteError(w, r, errs.New(errs.NotFound, "No existe la entrega %s.", id))
		return
	}
	rest.Write(w, http.StatusAccepted, oneEntrega(id))
}

// LeerCorreo implements avisos.ServerInterface.
func (notices) LeerCorreo(w http.ResponseWriter, _ *http.Request, _ string) {
	rest.Write(w, http.StatusOK, contracts.CorreoDeUsuario{Correo: "ana@ejemplo.com", Disponible: true})
}

// GuardarCorreo implements avisos.ServerInterface.
func (notices) GuardarCorreo(w http.ResponseWriter, _ *http.Request, _ string) {
	w.WriteHeader(http.StatusNoContent)
}

// BorrarCorreo implements avisos.ServerInterface.
func (notices) BorrarCorreo(w http.ResponseWriter, _ *http.Request, _ string) {
	w.WriteHeader(http.StatusNoContent)
}

// A secret is shown once: no store of the bff keeps it, and the answer to a repeated key says so.
func TestASecretIsNotKept(t *testing.T) {
	for name, ask := range map[string]func(p gate) (int, string){
		"REST": func(p gate) (int, string) {
			r := p.do(t, http.MethodPost, "/api/avisos/direcciones", `{"url":"https://example.com/"}`, "Idempotency-Key", "k")
			return r.Code, r.Body.String()
		},
		"GraphQL": func(p gate) (int, string) {
			r := p.do(t, http.MethodPost, "/graphql", `{"query":"mutation{crearDireccion(url:\"https://example.com/\"){secreto}}"}`, "Idempotency-Key", "k")
			return r.Code, r.Body.String()
		},
	} {
		p := newGate(t)
		if _, body := ask(p); !strings.Contains(body, secreto) {
			t.Fatalf("%s: %s", name, body)
		}
		code, body := ask(p)
		if code != http.StatusConflict || strings.Contains(body, secreto) || !strings.Contains(body, "renuévelo") {
			t.Errorf("%s, again: %d %s", name, code, body)
		}
		for _, key := range p.store.Keys("") {
			values, err := p.store.Load(t.Context(), key)
			if err != nil || strings.Contains(string(values[0].Text), "c2VjcmV0") {
				t.Errorf("%s: the store has the secret under %s, %v", name, key, err)
			}
		}
	}
	if got := newGate(t).do(t, http.MethodPost, "/api/avisos/direcciones", `{"url":"https://example.com/"}`).Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control of a secret: %q", got)
	}
}

// The filters of the list are checked before avisos is asked.
func TestTheFilterOfDeliveries(t *testing.T) {
	for query, field := range map[string]string{
		"limite=0": "limite", "limite=101": "limite", "limite=a": "limite", "estado=REGALADA": "estado", "id_direccion=x": "id_direccion", "id_compra=x": "id_compra", "despues=x": "despues",
	} {
		r := newGate(t).do(t, http.MethodGet, "/api/avisos/entregas?"+query, "")
		if p := problem(t, r); r.Code != http.StatusBadRequest || len(p.Errores) == 0 || p.Errores[0].Field != field {
			t.Errorf("%s: %d %s", query, r.Code, r.Body)
		}
	}
	if r := newGate(t).do(t, http.MethodGet, "/api/avisos/entregas?estado=MUERTA&id_compra="+strings.ToUpper(anasCompra)+"&limite=100", ""); r.Code != http.StatusOK {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}
