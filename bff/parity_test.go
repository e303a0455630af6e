package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"entregas/bff/graph/public"
	"entregas/bff/identity"
	"entregas/contracts"
	"entregas/internal/errs"
)

// operation is an operation of both REST and GraphQL.
type operation struct {
	rest, field string // its name in openapi.yaml, and among the mutations
	path        string // with %s for the id; before it the method, if it is not POST
	query       string // with the variables id, those of the body, and key where the mutation has it
	id, body    string // a valid id and a valid body
	state       contracts.Estado
	another     string // another valid body
}

var operations = []operation{
	{"crearCompra", "comprar", "/api/compras", `mutation($id:ID,$id_usuario:String,$productos:[LineaPedida!]!,$domicilio:Boolean=false,
		$direccion:DireccionPedida,$tienda:String,$clave:String){
		comprar(compra:{id:$id,idUsuario:$id_usuario,productos:$productos,domicilio:$domicilio,direccion:$direccion,tienda:$tienda},clave:$clave){id}}`,
		"", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":1}]}`, "", `{"id_usuario":"ana","productos":[{"id_producto":"1","cantidad":2}]}`},
	{"cancelarCompra", "cancelar", "/api/compras/%s/cancelacion", `mutation($id:ID!,$motivo:String){cancelar(id:$id,motivo:$motivo){id}}`,
		anasCompra, `{"motivo":"a"}`, contracts.EstadoIniciada, `{"motivo":"b"}`},
	{"decidirCompra", "aprobar", "/api/compras/%s/aprobacion", `mutation($id:ID!,$aprobada:Boolean!,$motivo:String){aprobar(id:$id,aprobada:$aprobada,motivo:$motivo){id}}`,
		anasCompra, `{"aprobada":true}`, contracts.EstadoPorAprobar, `{"aprobada":false}`},
	{"reintentarCompra", "reintentar", "/api/compras/%s/reintento", `mutation($id:ID!){reintentar(id:$id){id}}`, anasCompra, ``, contracts.EstadoFallida, ``},
	{"borrarDatosDeUsuario", "borrarDatos", "/api/usuarios/%s/borrado", `mutation($id:ID!){borrarDatos(idUsuario:$id){idUsuario}}`, "ana", ``, "", ``},
	{"guardarCorreo", "guardarCorreo", "PUT /api/usuarios/%s/correo", `mutation($id:ID!,$correo:String!){guardarCorreo(idUsuario:$id,correo:$correo)}`,
		"oti", `{"correo":"oti@ejemplo.com"}`, "", ``},
	{"borrarCorreo", "borrarCorreo", "DELETE /api/usuarios/%s/correo", `mutation($id:ID!){borrarCorreo(idUsuario:$id)}`, "oti", ``, "", ``},
	{"despacharOrden", "despachar", "/api/ordenes/%s/despacho", `mutation($id:ID!){despachar(idOrden:$id){id}}`, idOrden, ``, "", ``},
	{"despacharOrdenes", "despacharOrdenes", "/api/ordenes/despachos", `mutation($ids:[ID!]!){despacharOrdenes(ids:$ids){id}}`, "", `{"ids":["` + idOrden + `"]}`, "",
		`{"ids":["` + nobodysCompra + `"]}`},
	{"decidirCompras", "decidirCompras", "/api/compras/aprobaciones", `mutation($decisiones:[DecisionPedida!]!){decidirCompras(decisiones:$decisiones){id}}`,
		"", `{"decisiones":[{"id":"` + anasCompra + `","aprobada":true}]}`, contracts.EstadoPorAprobar, `{"decisiones":[{"id":"` + anasCompra + `","aprobada":false}]}`},
	{"reponerProducto", "reponer", "/api/productos/%s/reposicion", `mutation($id:ID!,$cantidad:Int!,$clave:String){reponer(idProducto:$id,cantidad:$cantidad,clave:$clave){id}}`,
		"1", `{"cantidad":5}`, "", `{"cantidad":6}`},
	{"cambiarPrecio", "cambiarPrecio", "/api/productos/%s/precio", `mutation($id:ID!,$precio:Importe!,$moneda:String,$motivo:String,$clave:String){
		cambiarPrecio(idProducto:$id,precio:$precio,moneda:$moneda,motivo:$motivo,clave:$clave){id}}`, "1", `{"precio":3200000}`, "", `{"precio":3200001}`},
	{"corregirProducto", "corregir", "/api/productos/%s/correccion", `mutation($id:ID!,$cantidad:Int!,$motivo:String!,$clave:String){
		corregir(idProducto:$id,cantidad:$cantidad,motivo:$motivo,clave:$clave){id}}`, "1", `{"cantidad":-5,"motivo":"a"}`, "", `{"cantidad":-6,"motivo":"a"}`},
	{"cambiarUmbral", "cambiarUmbral", "/api/productos/%s/umbral", `mutation($id:ID!,$umbral:Int!){cambiarUmbral(idProducto:$id,umbral:$umbral){idProducto}}`,
		"1", `{"umbral":5}`, "", `{"umbral":6}`},
	{"importarExistencias", "importar", "/api/productos/importacion", `mutation($csv:String!,$ensayo:Boolean=false,$clave:String){importar(csv:$csv,ensayo:$ensayo,clave:$clave){lineas}}`,
		"", `{"csv":"a\n"}`, "", `{"csv":"b\n"}`},
	{"apartarMensaje", "apartarMensaje", "/api/mensajes-muertos/%s/apartado", `mutation($id:ID!){apartarMensaje(id:$id){id}}`, deadID, ``, "", ``},
	{"devolverMensaje", "devolverMensaje", "/api/mensajes-muertos/%s/devolucion", `mutation($id:ID!){devolverMensaje(id:$id){id}}`, deadID, ``, "", ``},
	{"devolverMensajes", "devolverMensajes", "/api/mensajes-muertos/devolucion", `mutation($ids:[ID!]!){devolverMensajes(ids:$ids){id}}`, "", `{"ids":["7:1","7:2"]}`, "", `{"ids":["7:3"]}`},
	{"descartarMensaje", "descartarMensaje", "/api/mensajes-muertos/%s/descarte", `mutation($id:ID!,$motivo:String!){descartarMensaje(id:$id,motivo:$motivo){id}}`,
		deadID, `{"motivo":"a"}`, "", `{"motivo":"b"}`},
	{"avisarDeProducto", "avisame", "/api/productos/%s/avisame", `mutation($id:ID!,$cantidad:Int!){avisame(idProducto:$id,cantidad:$cantidad){idProducto}}`, "1", `{"cantidad":5}`, "", `{"cantidad":6}`},
	{"noAvisarDeProducto", "noMeAvise", "DELETE /api/productos/%s/avisame", `mutation($id:ID!){noMeAvise(idProducto:$id)}`, "1", ``, "", ``},
	{"crearDireccion", "crearDireccion", "/api/avisos/direcciones", `mutation($url:String!,$descripcion:String,$estados:[Estado!]){
		crearDireccion(url:$url,descripcion:$descripcion,estados:$estados){id}}`, "", `{"url":"https://example.com/"}`, "", ``},
	{"cambiarDireccion", "cambiarDireccion", "PATCH /api/avisos/direcciones/%s", `mutation($id:ID!,$activa:Boolean!){cambiarDireccion(id:$id,activa:$activa){id}}`, idDireccion, `{"activa":false}`, "", ``},
	{"borrarDireccion", "borrarDireccion", "DELETE /api/avisos/direcciones/%s", `mutation($id:ID!){borrarDireccion(id:$id)}`, idDireccion, ``, "", ``},
	{"renovarSecreto", "renovarSecreto", "/api/avisos/direcciones/%s/secreto", `mutation($id:ID!){renovarSecreto(id:$id){id}}`, idDireccion, ``, "", ``},
	{"probarDireccion", "probarDireccion", "/api/avisos/direcciones/%s/prueba", `mutation($id:ID!){probarDireccion(id:$id){id}}`, idDireccion, ``, "", ``},
	{"reenviarEntrega", "reenviarEntrega", "/api/avisos/entregas/%s/reenvio", `mutation($id:ID!){reenviarEntrega(id:$id){id}}`, idEntrega, ``, "", ``},
}

// method returns the method and the path of the operation in REST.
func (o operation) method() (method, path string) {
	if method, path, found := strings.Cut(o.path, " "); found {
		return method, path
	}
	return http.MethodPost, o.path
}

// verdict is the result of an input: no code where it is accepted, else the code of the error and the wrong field.
type verdict struct{ code, field string }

func (p gate) byREST(t *testing.T, o operation, id, body string, headers ...string) verdict {
	t.Helper()
	method, path := o.method()
	if strings.Contains(path, "%s") {
		path = fmt.Sprintf(path, strings.ReplaceAll(id, " ", "%20"))
	} else if id != "" {
		body = strings.Replace(body, "{", `{"id":"`+id+`",`, 1)
	}
	return verdictOf(t, p.do(t, method, path, body, headers...))
}

// byGraphQL sends the same input as variables.
func (p gate) byGraphQL(t *testing.T, o operation, id, body, key string, headers ...string) verdict {
	t.Helper()
	variables := map[string]json.RawMessage{}
	if body != "" {
		if err := json.Unmarshal([]byte(strings.ReplaceAll(body, "id_producto", "idProducto")), &variables); err != nil {
			t.Fatal(err)
		}
	}
	text := func(s string) json.RawMessage { return json.RawMessage(`"` + s + `"`) }
	if id != "" {
		variables["id"] = text(id)
	}
	if key != noKey {
		variables["clave"] = text(key)
	}
	request, err := json.Marshal(map[string]any{"query": o.query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return verdictOf(t, p.do(t, http.MethodPost, "/graphql", string(request), headers...))
}

const noKey = "\x00"

func verdictOf(t *testing.T, r *httptest.ResponseRecorder) verdict {
	t.Helper()
	var told struct {
		Type    string
		Errores []contracts.InvalidField
		Errors  []struct {
			Extensions struct {
				Code    string
				Errores []contracts.InvalidField
			}
		}
	}
	isList := r.Code == http.StatusOK && strings.HasPrefix(r.Body.String(), "[")
	if err := json.Unmarshal(r.Body.Bytes(), &told); err != nil && !isList {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	v, fields := verdict{code: strings.TrimPrefix(told.Type, "urn:entregas:problema:")}, told.Errores
	if len(told.Errors) > 0 {
		v.code, fields = told.Errors[0].Extensions.Code, told.Errors[0].Extensions.Errores
	}
	if (v.code == "") != (r.Code < http.StatusBadRequest && len(told.Errors) == 0) {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if len(fields) > 0 {
		v.field = strings.NewReplacer("idProducto", "id_producto", "idUsuario", "id_usuario").Replace(fields[0].Field)
	}
	return v
}

// REST and GraphQL accept the same inputs, and refuse the same ones with the same code and field.
func TestParity(t *testing.T) {
	line := func(product, quantity string) string {
		return `{"id_usuario":"ana","productos":[{"id_producto":"2","cantidad":1},{"id_producto":` + product + `,"cantidad":` + quantity + `}]}`
	}
	to := func(address string) string {
		return `{"id_usuario":"ana","domicilio":true,"productos":[{"id_producto":"1","cantidad":1}],"direccion":{"destinatario":` + address + `}}`
	}
	long := strings.Repeat("ñ", contracts.MaxMotivo)
	bad := string(errs.Invalid)
	for _, c := range []struct {
		operation, name string
		id, body        string // "" stands for the valid one
		code, field     string
	}{
		{"crearCompra", "an id in capitals", strings.ToUpper(nobodysCompra), "", "", ""},
		{"crearCompra", "an id that is none", "x", "", bad, "id"},
		{"crearCompra", "an id in braces", "{" + nobodysCompra + "}", "", bad, "id"},
		{"crearCompra", "joined emoji", "", line(`"👩\u200d👧"`, "1"), "", ""},
		{"crearCompra", "a product with a tab", "", line(`"a\tb"`, "1"), bad, "productos[1].id_producto"},
		{"crearCompra", "a product with NUL", "", line(`"a\u0000"`, "1"), bad, "productos[1].id_producto"},
		{"crearCompra", "a product of nothing", "", line(`""`, "1"), bad, "productos[1].id_producto"},
		{"crearCompra", "a product twice", "", line(`"2"`, "1"), bad, "productos[1].id_producto"},
		{"crearCompra", "a product that is a number", "", line(`3`, "1"), "", ""},
		{"crearCompra", "a product that is true", "", line(`true`, "1"), bad, "productos[1].id_producto"},
		{"crearCompra", "none of it", "", line(`"3"`, "0"), bad, "productos[1].cantidad"},
		{"crearCompra", "too many of it", "", line(`"3"`, "1000001"), bad, "productos[1].cantidad"},
		{"crearCompra", "a text for a number", "", line(`"3"`, `"2"`), bad, "productos[1].cantidad"},
		{"crearCompra", "a fraction", "", line(`"3"`, `1.5`), bad, "productos[1].cantidad"},
		{"crearCompra", "an exponent", "", line(`"3"`, `1e2`), bad, "productos[1].cantidad"},
		{"crearCompra", "no lines", "", `{"id_usuario":"ana","productos":[]}`, bad, "productos"},
		{"crearCompra", "a customer that is a number", "", `{"id_usuario":7,"productos":[{"id_producto":"1","cantidad":1}]}`, bad, "id_usuario"},
		{"crearCompra", "a customer with a line break", "", `{"id_usuario":"a\nb","productos":[{"id_producto":"1","cantidad":1}]}`, bad, "id_usuario"},
		{"crearCompra", "home delivery that is a text", "", `{"id_usuario":"ana","domicilio":"true","productos":[{"id_producto":"1","cantidad":1}]}`, bad, "domicilio"},
		{"crearCompra", "an address", "", to(`"Ana","calle":"Calle 1","ciudad":"Bogotá","telefono":"+57 (1) 555-0100"`), "", ""},
		{"crearCompra", "no address", "", `{"id_usuario":"ana","domicilio":true,"direccion":null,"tienda":null,"productos":[{"id_producto":"1","cantidad":1}]}`, "", ""},
		{"crearCompra", "an address with a tab", "", to(`"Ana\tB","calle":"Calle 1","ciudad":"Bogotá","telefono":"5550100"`), bad, "direccion.destinatario"},
		{"crearCompra", "a street that is too long", "", to(`"Ana","calle":"` + long + `","ciudad":"Bogotá","telefono":"5550100"`), bad, "direccion.calle"},
		{"crearCompra", "a city that is a number", "", to(`"Ana","calle":"Calle 1","ciudad":7,"telefono":"5550100"`), bad, "direccion.ciudad"},
		{"crearCompra", "a telephone number that is a word", "", to(`"Ana","calle":"Calle 1","ciudad":"Bogotá","telefono":"no tengo"`), bad, "direccion.telefono"},
		{"crearCompra", "no telephone number", "", to(`"Ana","calle":"Calle 1","ciudad":"Bogotá"`), bad, "direccion.telefono"},
		{"crearCompra", "an address with another field", "", to(`"Ana","calle":"Calle 1","ciudad":"Bogotá","telefono":"5550100","pais":"CO"`), bad, "direccion.pais"},
		{"crearCompra", "an address that is a text", "", `{"id_usuario":"ana","domicilio":true,"direccion":"Calle 1","productos":[{"id_producto":"1","cantidad":1}]}`, bad, "direccion"},
		{"crearCompra", "an address for pick-up", "", strings.Replace(to(`"Ana","calle":"Calle 1","ciudad":"Bogotá","telefono":"5550100"`), "true", "false", 1), bad, "direccion"},
		{"crearCompra", "a shop", "", `{"id_usuario":"ana","tienda":"chapinero","productos":[{"id_producto":"1","cantidad":1}]}`, "", ""},
		{"crearCompra", "a shop that there is not", "", `{"id_usuario":"ana","tienda":"luna","productos":[{"id_producto":"1","cantidad":1}]}`, bad, "tienda"},
		{"crearCompra", "a shop for home delivery", "", `{"id_usuario":"ana","tienda":"chapinero","domicilio":true,"productos":[{"id_producto":"1","cantidad":1}]}`, bad, "tienda"},
		{"cancelarCompra", "an id in capitals", strings.ToUpper(anasCompra), "", "", ""},
		{"cancelarCompra", "an id that is none", "x", "", bad, "id"},
		{"cancelarCompra", "one that there is not", nobodysCompra, "", string(errs.NotFound), ""},
		{"cancelarCompra", "a reason of two lines with emoji", "", `{"motivo":"Ya no.\n\tGracias\u00a0👩\u200d👧"}`, "", ""},
		{"cancelarCompra", "no reason", "", `{"motivo":null}`, "", ""},
		{"cancelarCompra", "a reason as long as may be", "", `{"motivo":"` + long + `"}`, "", ""},
		{"cancelarCompra", "a reason that is too long", "", `{"motivo":"` + long + `a"}`, bad, "motivo"},
		{"cancelarCompra", "a reason with a bell", "", `{"motivo":"no\u0007"}`, bad, "motivo"},
		{"cancelarCompra", "a reason that is a number", "", `{"motivo":7}`, bad, "motivo"},
		{"decidirCompra", "an id in capitals", strings.ToUpper(anasCompra), "", "", ""},
		{"decidirCompra", "an id that is none", "x", "", bad, "id"},
		{"decidirCompra", "a reason of two lines", "", `{"aprobada":true,"motivo":"sí\nsí"}`, "", ""},
		{"decidirCompra", "a reason with an escape", "", `{"aprobada":true,"motivo":"\u001b[31m"}`, bad, "motivo"},
		{"decidirCompra", "a decision that is a text", "", `{"aprobada":"true"}`, bad, "aprobada"},
		{"reintentarCompra", "an id in capitals", strings.ToUpper(anasCompra), "", "", ""},
		{"reintentarCompra", "an id that is none", "x", "", bad, "id"},
		{"reintentarCompra", "one that there is not", nobodysCompra, "", string(errs.NotFound), ""},
		{"borrarDatosDeUsuario", "a customer without purchases", "nadie", "", "", ""},
		{"borrarDatosDeUsuario", "a customer that is too long", strings.Repeat("a", contracts.MaxIdentifier+1), "", bad, "id"},
		{"despacharOrden", "an id in capitals", strings.ToUpper(idOrden), "", "", ""},
		{"despacharOrden", "an id that is none", "x", "", bad, "id"},
		{"despacharOrden", "one that there is not", nobodysCompra, "", string(errs.NotFound), ""},
		{"despacharOrdenes", "an id in capitals", "", `{"ids":["` + strings.ToUpper(idOrden) + `"]}`, "", ""},
		{"despacharOrdenes", "one that there is not", "", `{"ids":["` + nobodysCompra + `"]}`, "", ""},
		{"despacharOrdenes", "none", "", `{"ids":[]}`, bad, "ids"},
		{"despacharOrdenes", "too many", "", `{"ids":["` + strings.Repeat(nobodysCompra+`","`, contracts.MaxAtOnce) + `x"]}`, bad, "ids"},
		{"despacharOrdenes", "one twice", "", `{"ids":["` + nobodysCompra + `","` + strings.ToUpper(nobodysCompra) + `"]}`, bad, "ids[1]"},
		{"despacharOrdenes", "an id that is none", "", `{"ids":["` + nobodysCompra + `","x"]}`, bad, "ids[1]"},
		{"decidirCompras", "an id in capitals", "", `{"decisiones":[{"id":"` + strings.ToUpper(anasCompra) + `","aprobada":true}]}`, "", ""},
		{"decidirCompras", "none", "", `{"decisiones":[]}`, bad, "decisiones"},
		{"decidirCompras", "one twice", "", `{"decisiones":[{"id":"` + anasCompra + `","aprobada":true},{"id":"` + anasCompra + `","aprobada":false}]}`, bad, "decisiones[1].id"},
		{"decidirCompras", "an id that is none", "", `{"decisiones":[{"id":"x","aprobada":true}]}`, bad, "decisiones[0].id"},
		{"decidirCompras", "a reason with an escape", "", `{"decisiones":[{"id":"` + anasCompra + `","aprobada":true,"motivo":"\u001b"}]}`, bad, "decisiones[0].motivo"},
		{"decidirCompras", "no decision", "", `{"decisiones":[{"id":"` + anasCompra + `"}]}`, bad, "decisiones[0].aprobada"},
		{"reponerProducto", "a product that there is not", "no", "", string(errs.NotFound), ""},
		{"reponerProducto", "none of it", "", `{"cantidad":0}`, bad, "cantidad"},
		{"reponerProducto", "a text for a number", "", `{"cantidad":"2"}`, bad, "cantidad"},
		{"reponerProducto", "an exponent", "", `{"cantidad":1e2}`, bad, "cantidad"},
		{"cambiarPrecio", "a product that there is not", "no", "", string(errs.NotFound), ""},
		{"cambiarPrecio", "the highest", "", `{"precio":10000000000,"moneda":"USD","motivo":"Sube.\nPor el dólar"}`, "", ""},
		{"cambiarPrecio", "nothing", "", `{"precio":0}`, bad, "precio"},
		{"cambiarPrecio", "no price", "", `{"moneda":"COP"}`, bad, "precio"},
		{"cambiarPrecio", "less than nothing", "", `{"precio":-1}`, bad, "precio"},
		{"cambiarPrecio", "more than the highest", "", `{"precio":10000000001}`, bad, "precio"},
		{"cambiarPrecio", "more than an int64", "", `{"precio":9223372036854775808}`, bad, "precio"},
		{"cambiarPrecio", "a text for a number", "", `{"precio":"320"}`, bad, "precio"},
		{"cambiarPrecio", "a fraction", "", `{"precio":3.5}`, bad, "precio"},
		{"cambiarPrecio", "an exponent", "", `{"precio":1e2}`, bad, "precio"},
		{"cambiarPrecio", "a currency that there is not", "", `{"precio":1,"moneda":"cop"}`, bad, "moneda"},
		{"cambiarPrecio", "a currency that is a number", "", `{"precio":1,"moneda":170}`, bad, "moneda"},
		{"cambiarPrecio", "a reason with an escape", "", `{"precio":1,"motivo":"\u001b[31m"}`, bad, "motivo"},
		{"corregirProducto", "a product that there is not", "no", "", string(errs.NotFound), ""},
		{"corregirProducto", "more than there is", "", `{"cantidad":-501,"motivo":"a"}`, string(errs.Conflict), ""},
		{"corregirProducto", "nothing", "", `{"cantidad":0,"motivo":"a"}`, bad, "cantidad"},
		{"corregirProducto", "too much", "", `{"cantidad":-1000001,"motivo":"a"}`, bad, "cantidad"},
		{"corregirProducto", "more than an int64", "", `{"cantidad":-9223372036854775809,"motivo":"a"}`, bad, "cantidad"},
		{"corregirProducto", "no reason", "", `{"cantidad":1,"motivo":" "}`, bad, "motivo"},
		{"corregirProducto", "a reason with a bell", "", `{"cantidad":1,"motivo":"no\u0007"}`, bad, "motivo"},
		{"cambiarUmbral", "a product that there is not", "no", "", string(errs.NotFound), ""},
		{"cambiarUmbral", "less than nothing", "", `{"umbral":-1}`, bad, "umbral"},
		{"cambiarUmbral", "nothing", "", `{"umbral":0}`, "", ""},
		{"cambiarUmbral", "too much", "", `{"umbral":1000001}`, bad, "umbral"},
		{"cambiarUmbral", "none", "", `{}`, bad, "umbral"},
		{"importarExistencias", "a trial", "", `{"csv":"a","ensayo":true}`, "", ""},
		{"importarExistencias", "no file", "", `{"csv":" \n"}`, bad, "csv"},
		{"importarExistencias", "a file that is a number", "", `{"csv":7}`, bad, "csv"},
		{"importarExistencias", "a trial that is a text", "", `{"csv":"a","ensayo":"true"}`, bad, "ensayo"},
		{"avisarDeProducto", "a product that there is not", "no", "", string(errs.NotFound), ""},
		{"avisarDeProducto", "none of it", "", `{"cantidad":0}`, bad, "cantidad"},
		{"avisarDeProducto", "too many", "", `{"cantidad":1000001}`, bad, "cantidad"},
		{"avisarDeProducto", "more than an int64", "", `{"cantidad":9223372036854775808}`, bad, "cantidad"},
		{"avisarDeProducto", "a text for a number", "", `{"cantidad":"2"}`, bad, "cantidad"},
		{"avisarDeProducto", "no quantity", "", `{}`, bad, "cantidad"},
		{"noAvisarDeProducto", "an id that is too long", strings.Repeat("a", contracts.MaxIdentifier+1), "", bad, "id"},
		{"devolverMensaje", "one that there is not", "no", "", string(errs.NotFound), ""},
		{"devolverMensajes", "none", "", `{"ids":[]}`, bad, "ids"},
		{"devolverMensajes", "too many", "", `{"ids":["7:0"` + strings.Repeat(`,"7:1"`, contracts.MaxDevoluciones) + `]}`, bad, "ids"},
		{"devolverMensajes", "one twice", "", `{"ids":["7:1","7:2","7:1"]}`, bad, "ids[2]"},
		{"devolverMensajes", "the id of a record", "", `{"ids":["7:1","` + deadID + `"]}`, bad, "ids[1]"},
		{"devolverMensajes", "a number", "", `{"ids":[true]}`, bad, "ids[0]"},
		{"descartarMensaje", "one that there is not", "no", "", string(errs.NotFound), ""},
		{"descartarMensaje", "no reason", "", `{"motivo":" \n"}`, bad, "motivo"},
		{"descartarMensaje", "a reason with a bell", "", `{"motivo":"no\u0007"}`, bad, "motivo"},
		{"descartarMensaje", "a reason that is too long", "", `{"motivo":"` + long + `x"}`, bad, "motivo"},
		{"crearDireccion", "states", "", `{"url":"https://example.com/","descripcion":"ERP\n👩\u200d👧","estados":["CONFIRMADA"]}`, "", ""},
		{"crearDireccion", "an unknown state", "", `{"url":"https://example.com/","estados":["REGALADA"]}`, bad, "estados[0]"},
		{"crearDireccion", "a state twice", "", `{"url":"https://example.com/","estados":["RECIBIDA","RECIBIDA"]}`, bad, "estados[1]"},
		{"crearDireccion", "a URL of nothing", "", `{"url":""}`, bad, "url"},
		{"crearDireccion", "a URL with a space", "", `{"url":"https://example.com/ "}`, bad, "url"},
		{"crearDireccion", "a URL that is too long", "", `{"url":"https://example.com/` + strings.Repeat("a", contracts.MaxURL) + `"}`, bad, "url"},
		{"crearDireccion", "a description that is too long", "", `{"url":"https://example.com/","descripcion":"` + long + `"}`, bad, "descripcion"},
		{"cambiarDireccion", "an id in capitals", strings.ToUpper(idDireccion), "", "", ""},
		{"cambiarDireccion", "a text for a truth", "", `{"activa":"true"}`, bad, "activa"},
		{"guardarCorreo", "two addresses", "oti", `{"correo":"oti@ejemplo.com;eva@ejemplo.com"}`, bad, "correo"},
		{"guardarCorreo", "a break in it", "oti", `{"correo":"oti@ejemplo.com\r\nBcc: eva@ejemplo.com"}`, bad, "correo"},
		{"guardarCorreo", "another customer", "eva", `{"correo":"oti@ejemplo.com"}`, string(errs.NotFound), ""},
		{"borrarDireccion", "an id that is none", "x", "", bad, "id"},
		{"renovarSecreto", "one that there is not", nobodysCompra, "", string(errs.NotFound), ""},
		{"probarDireccion", "an id that is none", "x", "", bad, "id"},
		{"probarDireccion", "one that there is not", nobodysCompra, "", string(errs.NotFound), ""},
		{"reenviarEntrega", "an id that is none", "x", "", bad, "id"},
		{"reenviarEntrega", "one that there is not", nobodysCompra, "", string(errs.NotFound), ""},
	} {
		o := operations[slices.IndexFunc(operations, func(o operation) bool { return o.rest == c.operation })]
		id, body := o.id, o.body
		if c.id != "" {
			id = c.id
		}
		if c.body != "" {
			body = c.body
		}
		t.Run(c.operation+", "+c.name, func(t *testing.T) {
			p, q := newGate(t), newGate(t)
			p.withAnasCompra(t, o.state)
			q.withAnasCompra(t, o.state)
			want := verdict{c.code, c.field}
			if got := p.byREST(t, o, id, body); got != want {
				t.Errorf("REST says %+v, want %+v", got, want)
			}
			got := q.byGraphQL(t, o, id, body, noKey)
			if got.code == "GRAPHQL_VALIDATION_FAILED" && want.code == bad { // the schema refuses the input before our own rules
				got = want
			}
			if got != want {
				t.Errorf("GraphQL says %+v, want %+v", got, want)
			}
		})
	}
}

// For every operation a key in the header and a key in the argument follow the same rules, by REST and GraphQL.
func TestParityOfKeys(t *testing.T) {
	for _, o := range operations {
		method, _ := o.method()
		isPost := method == http.MethodPost // PATCH and DELETE have no key: a second one changes nothing
		fresh := func() gate {
			p := newGate(t)
			p.withAnasCompra(t, o.state)
			return p
		}
		for _, key := range []string{"", strings.Repeat("k", contracts.MaxKey+1), "clavé"} {
			want := verdict{string(errs.Invalid), "Idempotency-Key"}
			if isPost {
				if got := fresh().byREST(t, o, o.id, o.body, "Idempotency-Key", key); got != want {
					t.Errorf("%s with %.10q says %+v", o.rest, key, got)
				}
			}
			if got := fresh().byGraphQL(t, o, o.id, o.body, noKey, "Idempotency-Key", key); got != want {
				t.Errorf("%s with %.10q says %+v", o.field, key, got)
			}
			if want.field = "clave"; !strings.Contains(o.query, "$clave") {
				continue
			}
			if got := fresh().byGraphQL(t, o, o.id, o.body, key); got != want {
				t.Errorf("%s with clave %.10q says %+v", o.field, key, got)
			}
		}
		if o.another == "" {
			continue
		}
		used := verdict{string(errs.OtherBody), ""}
		for name, ask := range map[string]func(p gate, body string) verdict{
			"REST": func(p gate, body string) verdict { return p.byREST(t, o, o.id, body, "Idempotency-Key", "k k") },
			"GraphQL, header": func(p gate, body string) verdict {
				return p.byGraphQL(t, o, o.id, body, noKey, "Idempotency-Key", "k k")
			},
			"GraphQL, clave": func(p gate, body string) verdict { return p.byGraphQL(t, o, o.id, body, "k k") },
		} {
			if name == "GraphQL, clave" && (!strings.Contains(o.query, "$clave") || slices.Contains([]string{"reponerProducto", "cambiarPrecio", "corregirProducto", "importarExistencias"}, o.rest)) { // the service checks this key
				continue
			}
			p := fresh()
			for i, body := range []string{o.body, o.body, o.another} {
				if got := ask(p, body); got != [...]verdict{{}, {}, used}[i] {
					t.Errorf("%s by %s, time %d: %+v", o.rest, name, i+1, got)
				}
			}
		}
	}
}

// The table has every operation that writes, of OpenAPI and of the GraphQL schema.
func TestParityIsComplete(t *testing.T) {
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			if method != http.MethodGet && !slices.ContainsFunc(operations, func(o operation) bool { return o.rest == op.OperationID }) {
				t.Errorf("%s %s is not in the table", method, path)
			}
		}
	}
	for _, field := range public.NewExecutableSchema(public.Config{}).Schema().Mutation.Fields {
		i := slices.IndexFunc(operations, func(o operation) bool { return o.field == field.Name })
		if i < 0 {
			t.Errorf("mutation %s is not in the table", field.Name)
		} else if field.Arguments.ForName("clave") != nil && !strings.Contains(operations[i].query, "$clave") {
			t.Errorf("clave of %s is not in the table", field.Name)
		}
	}
}

// A type of GraphQL has the fields of the schema of openapi.yaml with the same content, and may have more.
func TestTypesOfGraphQLHaveTheFields(t *testing.T) {
	types := public.NewExecutableSchema(public.Config{}).Schema().Types
	for schema, name := range map[string]string{
		"SolicitudCompra": "CompraPedida", "Compra": "Compra", "Orden": "Orden", "Linea": "Linea", "Faltante": "Faltante", "Hecho": "Hecho",
		"Direccion": "Direccion", "Tienda": "Tienda", "DatosBorrados": "DatosBorrados", "Deseo": "Deseo", "Producto": "Producto", "PrecioFijado": "PrecioFijado", "Precio": "Precio", "PaginaDePrecios": "PaginaDePrecios", "MensajeDeSaga": "MensajeDeSaga",
	} {
		for field := range document.Components.Schemas[schema].Value.Properties {
			if inGraphQL := camelCase(field); types[name].Fields.ForName(inGraphQL) == nil {
				t.Errorf("%s has no field %s: edit bff/graph/public/schema.graphql, then make generate", name, inGraphQL)
			}
		}
	}
}

func camelCase(field string) string {
	words := strings.Split(field, "_")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

// An instant has the same form, to the millisecond, in every answer.
func TestInstants(t *testing.T) {
	p := newGate(t)
	p.withAnasCompra(t, contracts.EstadoCancelada)
	server := httptest.NewServer(p) // a recorder has no deadlines, which streams set
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/compras/"+anasCompra+"/eventos", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	auth := p.as(t, "ana", identity.Cliente)
	r.Header.Set(auth[0], auth[1])
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	live, err := io.ReadAll(res.Body) // it ends: the purchase is at its end
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{
		"live":    string(live),
		"REST":    p.do(t, http.MethodGet, "/api/compras/"+anasCompra, "").Body.String(),
		"a list":  p.do(t, http.MethodGet, "/api/usuarios/ana/compras", "").Body.String(),
		"GraphQL": string(p.graphql(t, `{compra(id:"`+anasCompra+`"){creada_en:creadaEn}}`).Data),
	}
	want := `"creada_en":"` + contracts.FormatInstant(p.manager.Compras()[0].CreadaEn) + `"`
	for where, text := range told {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say %s: %s", where, want, text)
		}
	}
}
