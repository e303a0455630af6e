package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/vektah/gqlparser/v2/ast"

	"entregas/contracts"
	"entregas/services/bff/graph/publico"
	"entregas/services/bff/identidad"
)

const (
	deAna   = "01938f5e-7c1a-7000-8000-000000000001"
	deNadie = "01938f5e-7c1a-7000-8000-00000000ffff"
)

// quienes ask: each column of the table. ana owns the purchase.
var quienes = []string{"nadie", "falso", "sin rol", "ana", "eva", "operador"}

func (p puerta) quien(t *testing.T, nombre string) []string {
	t.Helper()
	switch nombre {
	case "nadie":
		return nadie
	case "falso":
		return []string{"Authorization", "Bearer e30.e30.e30"}
	case "sin rol":
		return p.como(t, "ana")
	case "operador":
		return p.como(t, "oti", identidad.Operador)
	default:
		return p.como(t, nombre, identidad.Cliente)
	}
}

type permiso struct {
	operacion, variante string // of the contract
	ruta, cuerpo        string
	estado              contracts.Estado // in which the purchase is, where it matters
	estados             [6]int
}

// accesos is who may do what: the status for each of quienes, in their order.
var accesos = []permiso{
	{"listarProductos", "", "GET /api/productos?buscar=cafe", "", "", [6]int{200, 401, 200, 200, 200, 200}},
	{"leerProducto", "", "GET /api/productos/1", "", "", [6]int{200, 401, 200, 200, 200, 200}},
	{"reponerProducto", "", "POST /api/productos/1/reposicion", `{"cantidad":1}`, "", [6]int{401, 401, 403, 403, 403, 200}},
	{"crearCompra", "for ana", "POST /api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, "", [6]int{401, 401, 403, 202, 403, 202}},
	{"crearCompra", "for oneself", "POST /api/compras", `{"productos":[{"id_producto":"1","cantidad":1}]}`, "", [6]int{401, 401, 403, 202, 202, 400}},
	{"listarCompras", "", "GET /api/compras", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerCompra", "", "GET /api/compras/" + deAna, "", "", [6]int{401, 401, 403, 200, 404, 200}},
	{"leerCompra", "of nobody", "GET /api/compras/" + deNadie, "", "", [6]int{401, 401, 403, 404, 404, 404}},
	{"seguirCompra", "", "GET /api/compras/" + deAna + "/eventos", "", contracts.EstadoCancelada, [6]int{401, 401, 403, 200, 404, 200}},
	{"listarComprasDeUsuario", "", "GET /api/usuarios/ana/compras", "", "", [6]int{401, 401, 403, 200, 404, 200}},
	{"cancelarCompra", "", "POST /api/compras/" + deAna + "/cancelacion", "", contracts.EstadoConfirmada, [6]int{401, 401, 403, 202, 404, 202}},
	{"decidirCompra", "", "POST /api/compras/" + deAna + "/aprobacion", `{"aprobada":true}`, contracts.EstadoPorAprobar, [6]int{401, 401, 403, 403, 403, 200}},
	{"reintentarCompra", "", "POST /api/compras/" + deAna + "/reintento", "", contracts.EstadoFallida, [6]int{401, 401, 403, 403, 403, 202}},
	{"leerMensajes", "", "GET /api/compras/" + deAna + "/mensajes", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerOrden", "", "GET /api/ordenes/" + idOrden, "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"despacharOrden", "", "POST /api/ordenes/" + idOrden + "/despacho", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerResumen", "", "GET /api/operacion/resumen", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerColas", "", "GET /api/operacion/colas", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerBalance", "", "GET /api/operacion/balance", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"listarMensajesMuertos", "", "GET /api/mensajes-muertos", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"reponerMensaje", "", "POST /api/mensajes-muertos/" + idMuerto + "/reposicion", "", "", [6]int{401, 401, 403, 403, 403, 202}},
	{"apartarMensaje", "", "POST /api/mensajes-muertos/" + idMuerto + "/apartado", "", "", [6]int{401, 401, 403, 403, 403, 202}},
}

func (p puerta) conLaDeAna(t *testing.T, estado contracts.Estado) {
	t.Helper()
	cuerpo := `{"id":"` + deAna + `","id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}]}`
	if r := p.pedir(t, http.MethodPost, "/api/compras", cuerpo); r.Code != http.StatusAccepted {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	if estado != "" {
		p.gestor.Avanzar(deAna, estado)
	}
}

// Every operation of the contract, asked by everybody. What is refused says why, and does nothing.
func TestAcceso(t *testing.T) {
	tabla := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tabla, "operación\t"+strings.Join(quienes, "\t"))
	for _, a := range accesos {
		fila := strings.TrimSpace(a.operacion + " " + a.variante)
		for i, nombre := range quienes {
			p := nuevaPuerta(t)
			p.conLaDeAna(t, a.estado)
			verbo, ruta, _ := strings.Cut(a.ruta, " ")
			antes := p.gestor.Compras()
			r := p.pedir(t, verbo, ruta, a.cuerpo, p.quien(t, nombre)...)
			if r.Code != a.estados[i] {
				t.Errorf("%s por %s: %d %s, quiero %d", fila, nombre, r.Code, r.Body, a.estados[i])
			}
			fila += fmt.Sprintf("\t%d", r.Code)
			if r.Code < http.StatusBadRequest {
				continue
			}
			if dicho := problema(t, r); dicho.Detail == "" {
				t.Errorf("%s por %s: sin decir por qué", fila, nombre)
			}
			if despues := p.gestor.Compras(); len(despues) != len(antes) || despues[0].Estado != antes[0].Estado {
				t.Errorf("%s por %s: se negó y algo cambió", fila, nombre)
			}
		}
		_, _ = fmt.Fprintln(tabla, fila)
	}
	_ = tabla.Flush()
}

// The table has every operation of the contract, and says of each what the contract says.
func TestLaTablaEsElContrato(t *testing.T) {
	for _, ruta := range documento.Paths.Map() {
		for verbo, op := range ruta.Operations() {
			i := slices.IndexFunc(accesos, func(a permiso) bool { return a.operacion == op.OperationID })
			if i < 0 {
				t.Errorf("nadie pregunta por %s %s", verbo, op.OperationID)
				continue
			}
			abierta := op.Security != nil && len(*op.Security) == 0
			soloOperadores := op.Security != nil && len(*op.Security) == 1 && slices.Equal((*op.Security)[0]["oidc"], []string{"operador"})
			a := accesos[i]
			if abierta != (a.estados[0] == http.StatusOK) || soloOperadores != (a.estados[3] == http.StatusForbidden) {
				t.Errorf("%s: el contrato dice abierta %v, solo operadores %v; la tabla, %v", op.OperationID, abierta, soloOperadores, a.estados)
			}
		}
	}
}

// A stranger's purchase and one that there is not are answered alike, byte for byte but for the id.
func TestLoAjenoNoExiste(t *testing.T) {
	p := nuevaPuerta(t)
	p.conLaDeAna(t, "")
	eva := p.como(t, "eva", identidad.Cliente)
	for _, ruta := range []string{"GET /api/compras/%s", "GET /api/compras/%s/eventos", "POST /api/compras/%s/cancelacion"} {
		verbo, r, _ := strings.Cut(ruta, " ")
		ajena, ninguna := p.pedir(t, verbo, fmt.Sprintf(r, deAna), "", eva...), p.pedir(t, verbo, fmt.Sprintf(r, deNadie), "", eva...)
		if ajena.Code != 404 || strings.ReplaceAll(ajena.Body.String(), deAna, deNadie) != ninguna.Body.String() {
			t.Errorf("%s: %s y %s", ruta, ajena.Body, ninguna.Body)
		}
	}
	p.gestor.Caer() // also from the read model
	if r := p.pedir(t, http.MethodGet, "/api/compras/"+deAna, "", eva...); r.Code != 404 {
		t.Errorf("con gestor-compra caído: %d %s", r.Code, r.Body)
	}
	if r := p.pedir(t, http.MethodPost, "/api/compras", `{"id":"`+deAna+`","productos":[{"id_producto":"1","cantidad":9}]}`, eva...); r.Code != 409 || strings.Contains(r.Body.String(), "ana") {
		t.Errorf("con el id de otra: %d %s", r.Code, r.Body)
	}
}

type accesoGraphQL struct {
	consulta string
	codigos  [6]string // of the first error, for each of quienes
}

// accesosGraphQL is the table again, for GraphQL's fields.
var accesosGraphQL = []accesoGraphQL{
	{`{productos{id}}`, [6]string{"", "401", "", "", "", ""}},
	{`{compra(id:"` + deAna + `"){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "no-encontrado", ""}},
	{`{misCompras(idUsuario:"ana"){compras{id}}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "no-encontrado", ""}},
	{`{compras{compras{id}}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`{balance{diferencia} colas{broker} mensajesMuertos{id registro} resumen{confirmadas}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`{compra(id:"` + deAna + `"){mensajes{comando}}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "no-encontrado", ""}},
	{`mutation{reponer(idProducto:"1",cantidad:1){cantidad}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{despachar(idOrden:"` + idOrden + `"){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{reponerMensaje(id:"` + idMuerto + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{apartarMensaje(id:"` + idMuerto + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{reintentar(id:"` + deAna + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", "conflicto"}},
	{`mutation{aprobar(id:"` + deAna + `",aprobada:true){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{cancelar(id:"` + deAna + `"){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "no-encontrado", ""}},
	{`mutation{comprar(compra:{idUsuario:"ana",productos:[{idProducto:"1",cantidad:1}]}){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "sin-permiso", ""}},
	{`{producto(id:"1"){id}}`, [6]string{"", "401", "", "", "", ""}},
	{`{compra(id:"` + deNadie + `"){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "no-encontrado", "no-encontrado", "no-encontrado"}},
	{`{misCompras{compras{id}}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "", ""}},
	{`{orden(id:"` + idOrden + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`subscription{cambios(id:"` + deAna + `"){numero}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "no-encontrado", ""}},
}

// GraphQL asks at the same door.
func TestAccesoPorGraphQL(t *testing.T) {
	p := nuevaPuerta(t)
	p.conLaDeAna(t, contracts.EstadoPorAprobar)
	for _, c := range accesosGraphQL {
		for i, nombre := range quienes {
			r := p.graphql(t, c.consulta, p.quien(t, nombre)...)
			codigo := ""
			if len(r.Errors) > 0 {
				codigo = r.Errors[0].Extensions.Code
			}
			if r.estado == http.StatusUnauthorized {
				codigo = "401"
			}
			if codigo != c.codigos[i] {
				t.Errorf("%s por %s: %q %+v, quiero %q", c.consulta, nombre, codigo, r, c.codigos[i])
			}
		}
	}
}

// The table has every field of the schema's roots.
func TestLaTablaEsElEsquema(t *testing.T) {
	var preguntado strings.Builder
	for _, c := range accesosGraphQL {
		preguntado.WriteString(c.consulta)
	}
	esquema := publico.NewExecutableSchema(publico.Config{}).Schema()
	for _, raiz := range []*ast.Definition{esquema.Query, esquema.Mutation, esquema.Subscription} {
		for _, campo := range raiz.Fields {
			if !strings.HasPrefix(campo.Name, "__") && !regexp.MustCompile(`[{ ]`+campo.Name+`[({]`).MatchString(preguntado.String()) {
				t.Errorf("nadie pregunta por %s.%s", raiz.Name, campo.Name)
			}
		}
	}
}

// respuestaGraphQL is what a GraphQL client reads.
type respuestaGraphQL struct {
	estado int
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions struct {
			Code    string
			Errores []contracts.CampoInvalido
			Ver     string
		}
	}
}

func (p puerta) graphql(t *testing.T, consulta string, cabeceras ...string) respuestaGraphQL {
	t.Helper()
	cuerpo, err := json.Marshal(map[string]string{"query": consulta})
	if err != nil {
		t.Fatal(err)
	}
	r := p.pedir(t, http.MethodPost, "/graphql", string(cuerpo), append([]string{"Content-Type", "application/json"}, cabeceras...)...)
	dicho := respuestaGraphQL{estado: r.Code}
	if err := json.Unmarshal(r.Body.Bytes(), &dicho); err != nil {
		t.Fatalf("%d %s: %v", r.Code, r.Body, err)
	}
	return dicho
}
