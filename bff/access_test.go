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

	"entregas/bff/graph/public"
	"entregas/bff/identity"
	"entregas/contracts"
)

const (
	anasCompra    = "01938f5e-7c1a-7000-8000-000000000001"
	nobodysCompra = "01938f5e-7c1a-7000-8000-00000000ffff"
)

// callers are the columns of the table accesses. The purchase in these tests is the purchase of the customer ana.
var callers = []string{"nobody", "forged", "no role", "ana", "eva", "operador"}

func (p gate) who(t *testing.T, name string) []string {
	t.Helper()
	switch name {
	case "nobody":
		return nobody
	case "forged":
		return []string{"Authorization", "Bearer e30.e30.e30"}
	case "no role":
		return p.as(t, "ana")
	case "operador":
		return p.as(t, "oti", identity.Operador)
	default:
		return p.as(t, name, identity.Cliente)
	}
}

type permission struct {
	operation, variant string // of the contract
	path, body         string
	estado             contracts.Estado // of the purchase, if the status depends on it
	estados            [6]int
}

// accesses is the table of permissions. Each row has an operation, and the status that each of callers gets, in the order of
// callers.
var accesses = []permission{
	{"listarProductos", "", "GET /api/productos?buscar=cafe", "", "", [6]int{200, 401, 200, 200, 200, 200}},
	{"leerProducto", "", "GET /api/productos/1", "", "", [6]int{200, 401, 200, 200, 200, 200}},
	{"listarTiendas", "", "GET /api/tiendas", "", "", [6]int{200, 401, 200, 200, 200, 200}},
	{"reponerProducto", "", "POST /api/productos/1/reposicion", `{"cantidad":1}`, "", [6]int{401, 401, 403, 403, 403, 200}},
	{"cambiarPrecio", "", "POST /api/productos/1/precio", `{"precio":3200000}`, "", [6]int{401, 401, 403, 403, 403, 200}},
	{"listarPrecios", "", "GET /api/productos/1/precios", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"crearCompra", "for ana", "POST /api/compras", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, "", [6]int{401, 401, 403, 202, 403, 202}},
	{"crearCompra", "for oneself", "POST /api/compras", `{"productos":[{"id_producto":"1","cantidad":1}]}`, "", [6]int{401, 401, 403, 202, 202, 400}},
	{"listarCompras", "", "GET /api/compras", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerCompra", "", "GET /api/compras/" + anasCompra, "", "", [6]int{401, 401, 403, 200, 404, 200}},
	{"leerCompra", "of nobody", "GET /api/compras/" + nobodysCompra, "", "", [6]int{401, 401, 403, 404, 404, 404}},
	{"seguirCompra", "", "GET /api/compras/" + anasCompra + "/eventos", "", contracts.EstadoCancelada, [6]int{401, 401, 403, 200, 404, 200}},
	{"listarComprasDeUsuario", "", "GET /api/usuarios/ana/compras", "", "", [6]int{401, 401, 403, 200, 404, 200}},
	{"cancelarCompra", "", "POST /api/compras/" + anasCompra + "/cancelacion", "", contracts.EstadoConfirmada, [6]int{401, 401, 403, 202, 404, 202}},
	{"decidirCompra", "", "POST /api/compras/" + anasCompra + "/aprobacion", `{"aprobada":true}`, contracts.EstadoPorAprobar, [6]int{401, 401, 403, 403, 403, 200}},
	{"reintentarCompra", "", "POST /api/compras/" + anasCompra + "/reintento", "", contracts.EstadoFallida, [6]int{401, 401, 403, 403, 403, 202}},
	{"leerMensajes", "", "GET /api/compras/" + anasCompra + "/mensajes", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerCorreo", "", "GET /api/usuarios/ana/correo", "", "", [6]int{401, 401, 403, 200, 404, 404}},
	{"guardarCorreo", "", "PUT /api/usuarios/ana/correo", `{"correo":"ana@ejemplo.com"}`, "", [6]int{401, 401, 403, 204, 404, 404}},
	{"borrarCorreo", "", "DELETE /api/usuarios/ana/correo", "", "", [6]int{401, 401, 403, 204, 404, 404}},
	{"borrarDatosDeUsuario", "", "POST /api/usuarios/ana/borrado", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerOrden", "", "GET /api/ordenes/" + idOrden, "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"despacharOrden", "", "POST /api/ordenes/" + idOrden + "/despacho", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"listarOrdenes", "", "GET /api/ordenes?domicilio=true", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"listarZonas", "", "GET /api/ordenes/zonas", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"despacharOrdenes", "", "POST /api/ordenes/despachos", `{"ids":["` + idOrden + `"]}`, "", [6]int{401, 401, 403, 403, 403, 200}},
	{"listarPorAprobar", "", "GET /api/compras/aprobaciones", "", contracts.EstadoPorAprobar, [6]int{401, 401, 403, 403, 403, 200}},
	{"decidirCompras", "", "POST /api/compras/aprobaciones", `{"decisiones":[{"id":"` + anasCompra + `","aprobada":true}]}`, contracts.EstadoPorAprobar, [6]int{401, 401, 403, 403, 403, 200}},
	{"leerPendientes", "", "GET /api/operacion/pendientes", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerResumen", "", "GET /api/operacion/resumen", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerSalud", "", "GET /api/operacion/salud", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerColas", "", "GET /api/operacion/colas", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerBalance", "", "GET /api/operacion/balance", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerBalance", "filtered", "GET /api/operacion/balance?buscar=cafe&bajas=true&despues=1", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"listarMovimientos", "", "GET /api/productos/1/movimientos?tipo=CORRECCION&limite=10&despues=7", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"corregirProducto", "", "POST /api/productos/1/correccion", `{"cantidad":-1,"motivo":"roto"}`, "", [6]int{401, 401, 403, 403, 403, 200}},
	{"cambiarUmbral", "", "POST /api/productos/1/umbral", `{"umbral":3}`, "", [6]int{401, 401, 403, 403, 403, 200}},
	{"importarExistencias", "", "POST /api/productos/importacion", `{"csv":"id_producto,cantidad\n1,1"}`, "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerAuditoria", "", "GET /api/auditoria", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"listarMensajesMuertos", "", "GET /api/mensajes-muertos", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"listarMensajesMuertos", "filtered", "GET /api/mensajes-muertos?tema=comandos-orden&motivo=falta&desde=2026-01-31T08:00:00Z&descartados=true", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"leerMensajeMuerto", "", "GET /api/mensajes-muertos/" + deadID, "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"devolverMensajes", "", "POST /api/mensajes-muertos/devolucion", `{"ids":["7:1"]}`, "", [6]int{401, 401, 403, 403, 403, 200}},
	{"descartarMensaje", "", "POST /api/mensajes-muertos/" + deadID + "/descarte", `{"motivo":"ya"}`, "", [6]int{401, 401, 403, 403, 403, 202}},
	{"devolverMensaje", "", "POST /api/mensajes-muertos/" + deadID + "/devolucion", "", "", [6]int{401, 401, 403, 403, 403, 202}},
	{"apartarMensaje", "", "POST /api/mensajes-muertos/" + deadID + "/apartado", "", "", [6]int{401, 401, 403, 403, 403, 202}},
	{"avisarDeProducto", "", "POST /api/productos/1/avisame", `{"cantidad":2}`, "", [6]int{401, 401, 403, 200, 200, 200}},
	{"noAvisarDeProducto", "", "DELETE /api/productos/1/avisame", "", "", [6]int{401, 401, 403, 204, 204, 204}},
	{"listarAvisosDeExistencias", "", "GET /api/avisos/existencias", "", "", [6]int{401, 401, 403, 200, 200, 200}},
	{"listarDirecciones", "", "GET /api/avisos/direcciones", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"crearDireccion", "", "POST /api/avisos/direcciones", `{"url":"https://example.com/"}`, "", [6]int{401, 401, 403, 403, 403, 201}},
	{"cambiarDireccion", "", "PATCH /api/avisos/direcciones/" + idDireccion, `{"activa":false}`, "", [6]int{401, 401, 403, 403, 403, 200}},
	{"borrarDireccion", "", "DELETE /api/avisos/direcciones/" + idDireccion, "", "", [6]int{401, 401, 403, 403, 403, 204}},
	{"renovarSecreto", "", "POST /api/avisos/direcciones/" + idDireccion + "/secreto", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"probarDireccion", "", "POST /api/avisos/direcciones/" + idDireccion + "/prueba", "", "", [6]int{401, 401, 403, 403, 403, 202}},
	{"listarEntregas", "", "GET /api/avisos/entregas", "", "", [6]int{401, 401, 403, 403, 403, 200}},
	{"reenviarEntrega", "", "POST /api/avisos/entregas/" + idEntrega + "/reenvio", "", "", [6]int{401, 401, 403, 403, 403, 202}},
}

func (p gate) withAnasCompra(t *testing.T, estado contracts.Estado) {
	t.Helper()
	body := `{"id":"` + anasCompra + `","id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}]}`
	if r := p.do(t, http.MethodPost, "/api/compras", body); r.Code != http.StatusAccepted {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	if estado != "" {
		p.manager.Advance(anasCompra, estado)
	}
}

// Each caller calls every operation of the contract. A refusal says why and changes nothing.
func TestAccess(t *testing.T) {
	table := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "operation\t"+strings.Join(callers, "\t"))
	for _, a := range accesses {
		row := strings.TrimSpace(a.operation + " " + a.variant)
		for i, name := range callers {
			p := newGate(t)
			p.withAnasCompra(t, a.estado)
			verb, path, _ := strings.Cut(a.path, " ")
			earlier := p.manager.Compras()
			r := p.do(t, verb, path, a.body, p.who(t, name)...)
			if r.Code != a.estados[i] {
				t.Errorf("%s by %s: got %d %s, want %d", row, name, r.Code, r.Body, a.estados[i])
			}
			row += fmt.Sprintf("\t%d", r.Code)
			if r.Code < http.StatusBadRequest {
				continue
			}
			if said := problem(t, r); said.Detail == "" {
				t.Errorf("%s by %s: the refusal gives no reason", row, name)
			}
			if after := p.manager.Compras(); len(after) != len(earlier) || after[0].Estado != earlier[0].Estado {
				t.Errorf("%s by %s: refused, but something changed", row, name)
			}
		}
		_, _ = fmt.Fprintln(table, row)
	}
	_ = table.Flush()
}

// The table accesses has every operation of the contract, with the roles of the contract.
func TestTableIsTheContract(t *testing.T) {
	for _, path := range document.Paths.Map() {
		for verb, op := range path.Operations() {
			i := slices.IndexFunc(accesses, func(a permission) bool { return a.operation == op.OperationID })
			if i < 0 {
				t.Errorf("the table has no row for %s %s", verb, op.OperationID)
				continue
			}
			opened := op.Security != nil && len(*op.Security) == 0
			operadoresOnly := op.Security != nil && len(*op.Security) == 1 && slices.Equal((*op.Security)[0]["oidc"], []string{"operador"})
			a := accesses[i]
			if opened != (a.estados[0] == http.StatusOK) || operadoresOnly != (a.estados[3] == http.StatusForbidden) {
				t.Errorf("%s: the contract says open %v, operators only %v; the table has %v", op.OperationID, opened, operadoresOnly, a.estados)
			}
		}
	}
}

// unreadable is the status for a purchase that the caller may not read, by whether gestor-compra is down. Then nobody knows that a purchase
// does not exist.
var unreadable = map[bool]int{false: http.StatusNotFound, true: http.StatusServiceUnavailable}

// A purchase of another customer and a purchase that does not exist have the same answer, byte for byte except for the id. That holds also
// while gestor-compra is down: then the read model knows the first and not the second.
func TestWhatIsAnothersDoesNotExist(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, "")
	eva := p.as(t, "eva", identity.Cliente)
	for _, down := range []bool{false, true} {
		for _, path := range []string{"GET /api/compras/%s", "GET /api/compras/%s/eventos", "POST /api/compras/%s/cancelacion"} {
			verb, r, _ := strings.Cut(path, " ")
			foreign, none := p.do(t, verb, fmt.Sprintf(r, anasCompra), "", eva...), p.do(t, verb, fmt.Sprintf(r, nobodysCompra), "", eva...)
			if foreign.Code != unreadable[down] || none.Code != foreign.Code || strings.ReplaceAll(foreign.Body.String(), anasCompra, nobodysCompra) != none.Body.String() {
				t.Errorf("%s, gestor-compra down %v: %s and %s", path, down, foreign.Body, none.Body)
			}
		}
		p.manager.GoDown()
	}
	if r := p.do(t, http.MethodPost, "/api/compras", `{"id":"`+anasCompra+`","productos":[{"id_producto":"1","cantidad":9}]}`, eva...); r.Code != 409 || strings.Contains(r.Body.String(), "ana") {
		t.Errorf("id of another purchase: got %d %s", r.Code, r.Body)
	}
}

type graphQLAccess struct {
	query string
	codes [6]string // of the first error, for each of callers
}

// graphQLAccesses is the table of permissions for the fields of GraphQL, as accesses is for REST.
var graphQLAccesses = []graphQLAccess{
	{`{productos{id}}`, [6]string{"", "401", "", "", "", ""}},
	{`{compra(id:"` + anasCompra + `"){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "no-encontrado", ""}},
	{`{misCompras(idUsuario:"ana"){compras{id}}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "no-encontrado", ""}},
	{`{compras{compras{id}}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`{balance{diferencia} colas{broker} mensajesMuertos{id registro} resumen{confirmadas p90} salud{servicios{servicio estado detalle} trazas tableros}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`{compra(id:"` + anasCompra + `"){mensajes{comando}}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "no-encontrado", ""}},
	{`{auditoria{actos{id}}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{reponer(idProducto:"1",cantidad:1){cantidad}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{cambiarPrecio(idProducto:"1",precio:3200000){precio moneda}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`{precios(idProducto:"1"){precios{precio moneda desde} siguiente}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{borrarDatos(idUsuario:"ana"){compras ordenes abiertas quedan}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`{correo(idUsuario:"ana"){correo disponible}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "no-encontrado", "no-encontrado"}},
	{`mutation{guardarCorreo(idUsuario:"ana",correo:"ana@ejemplo.com")}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "no-encontrado", "no-encontrado"}},
	{`mutation{borrarCorreo(idUsuario:"ana")}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "no-encontrado", "no-encontrado"}},
	{`mutation{despachar(idOrden:"` + idOrden + `"){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`{ordenes{ordenes{id}} zonas{zona} porAprobar{compras{compra{id}}} pendientes{porAprobar}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{despacharOrdenes(ids:["` + idOrden + `"]){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{decidirCompras(decisiones:[{id:"` + anasCompra + `",aprobada:true}]){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{devolverMensaje(id:"` + deadID + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`{movimientos(idProducto:"1"){producto{umbral corregido nombre} movimientos{numero sujeto}}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{corregir(idProducto:"1",cantidad:-1,motivo:"roto"){cantidad}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{cambiarUmbral(idProducto:"1",umbral:3){umbral}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{importar(csv:"id_producto,cantidad",ensayo:true){lineas efectos{linea}}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`{mensajeMuerto(id:"` + deadID + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{devolverMensajes(ids:["7:1"]){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{descartarMensaje(id:"` + deadID + `",motivo:"ya"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{apartarMensaje(id:"` + deadID + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`{avisosDeExistencias{idProducto cantidad avisadoEn}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "", ""}},
	{`mutation{avisame(idProducto:"1",cantidad:2){idProducto}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "", ""}},
	{`mutation{noMeAvise(idProducto:"1")}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "", ""}},
	{`{direcciones{id} entregas{siguiente}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{crearDireccion(url:"https://example.com/"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{cambiarDireccion(id:"` + idDireccion + `",activa:true){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{borrarDireccion(id:"` + idDireccion + `")}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{renovarSecreto(id:"` + idDireccion + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{probarDireccion(id:"` + idDireccion + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{reenviarEntrega(id:"` + idEntrega + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{reintentar(id:"` + anasCompra + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", "conflicto"}},
	{`mutation{aprobar(id:"` + anasCompra + `",aprobada:true){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`mutation{cancelar(id:"` + anasCompra + `"){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "no-encontrado", ""}},
	{`mutation{comprar(compra:{idUsuario:"ana",productos:[{idProducto:"1",cantidad:1}]}){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "sin-permiso", ""}},
	{`{tiendas{id nombre direccion ciudad}}`, [6]string{"", "401", "", "", "", ""}},
	{`{producto(id:"1"){id}}`, [6]string{"", "401", "", "", "", ""}},
	{`{compra(id:"` + nobodysCompra + `"){estado}}`, [6]string{"no-autenticado", "401", "sin-permiso", "no-encontrado", "no-encontrado", "no-encontrado"}},
	{`{misCompras{compras{id}}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "", ""}},
	{`{orden(id:"` + idOrden + `"){id}}`, [6]string{"no-autenticado", "401", "sin-permiso", "sin-permiso", "sin-permiso", ""}},
	{`subscription{cambios(id:"` + anasCompra + `"){numero}}`, [6]string{"no-autenticado", "401", "sin-permiso", "", "no-encontrado", ""}},
}

// GraphQL has the same permissions as REST.
func TestAccessByGraphQL(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, contracts.EstadoPorAprobar)
	for _, c := range graphQLAccesses {
		for i, name := range callers {
			r := p.graphql(t, c.query, p.who(t, name)...)
			code := ""
			if len(r.Errors) > 0 {
				code = r.Errors[0].Extensions.Code
			}
			if r.estado == http.StatusUnauthorized {
				code = "401"
			}
			if code != c.codes[i] {
				t.Errorf("%s by %s: got %q %+v, want %q", c.query, name, code, r, c.codes[i])
			}
		}
	}
}

// The table graphQLAccesses has a row for every root field of the GraphQL schema.
func TestTableIsTheSchema(t *testing.T) {
	var asked strings.Builder
	for _, c := range graphQLAccesses {
		asked.WriteString(c.query)
	}
	schema := public.NewExecutableSchema(public.Config{}).Schema()
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, field := range root.Fields {
			if !strings.HasPrefix(field.Name, "__") && !regexp.MustCompile(`[{ ]`+field.Name+`[({]`).MatchString(asked.String()) {
				t.Errorf("the table has no row for %s.%s", root.Name, field.Name)
			}
		}
	}
}

// graphQLResponse is an answer of /graphql.
type graphQLResponse struct {
	estado int
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions struct {
			Code    string
			Errores []contracts.InvalidField
			Ver     string
		}
	}
}

func (p gate) graphql(t *testing.T, query string, headers ...string) graphQLResponse {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	r := p.do(t, http.MethodPost, "/graphql", string(body), append([]string{"Content-Type", "application/json"}, headers...)...)
	said := graphQLResponse{estado: r.Code}
	if err := json.Unmarshal(r.Body.Bytes(), &said); err != nil {
		t.Fatalf("%d %s: %v", r.Code, r.Body, err)
	}
	return said
}
