package contracts_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"entregas/contracts"
)

func TestCheckEnvelope(t *testing.T) {
	type envelope = contracts.Message[contracts.DatosComandoProducto]
	for _, c := range []struct {
		name   string
		change func(m *envelope)
		named  string // the field that the error names; "" for no error
	}{
		{"ours", func(*envelope) {}, ""},
		{"an id that is no UUID", func(m *envelope) { m.ID = "a b\x00\n/?é" }, ""},
		{"an id of 300 characters", func(m *envelope) { m.ID = strings.Repeat("ñ", 300) }, "id"},
		{"no version, no sender", func(m *envelope) { m.Specversion, m.ServiceName, m.Datacontenttype = "", "", "" }, ""},
		{"a long type", func(m *envelope) { m.Type = contracts.MessageType(strings.Repeat("x", 101)) }, "type"},
		{"a type with a control character", func(m *envelope) { m.Type = "a\x01" }, "type"},
		{"a long sender", func(m *envelope) { m.ServiceName = strings.Repeat("x", 101) }, "service_name"},
		{"a long version", func(m *envelope) { m.Specversion = strings.Repeat("1", 101) }, "specversion"},
		{"a long content type", func(m *envelope) { m.Datacontenttype = strings.Repeat("x", 101) }, "datacontenttype"},
		{"before 1970", func(m *envelope) { m.Time = -1 }, "time"},
		{"after all times", func(m *envelope) { m.Ingestion = math.MaxInt64 }, "ingestion"},
		{"a clock that is years ahead", func(m *envelope) { m.Time += 20 * 365 * 24 * 3600 * 1000 }, ""},
		{"a trace that is none", func(m *envelope) { m.Traceparent = strings.Repeat("x", 9999) }, ""},
	} {
		m := contracts.NewMessage("test", contracts.LiberarReserva, "", contracts.DatosComandoProducto{})
		c.change(&m)
		err := m.CheckEnvelope()
		if (err == nil) != (c.named == "") || err != nil && !strings.HasPrefix(err.Error(), c.named+": ") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Validate refuses the swapped ids of a purchase and its customer, for each form of the customer's id.
func TestSwappedIDsDoNotPass(t *testing.T) {
	const early, late = "01938f5e-7c1a-7000-8000-000000000001", "01a21000-0000-7000-8000-000000000001"
	v4 := uuid.NewString()
	for _, c := range []struct {
		compra, usuario string
		good, evident   bool // evident: Swapped reports it too
	}{
		{late, "ana", true, false},
		{v4, "ana", true, false},
		{"ana", late, false, false}, // refused for its form
		{"ana", v4, false, false},
		{late, v4, true, false},
		{v4, late, false, true},
		{uuid.NewString(), v4, false, false}, // the form does not tell
		{late, early, true, false},
		{early, late, false, true},
		{late, late, true, false},
	} {
		s := contracts.SolicitudCompra{ID: c.compra, IDUsuario: c.usuario, Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 1}}}
		if err := s.Validate(); (err == nil) != c.good {
			t.Errorf("%s of %s: %v", c.compra, c.usuario, err)
		}
		if contracts.Swapped(c.compra, c.usuario) != c.evident {
			t.Errorf("%s of %s: evident is %v", c.compra, c.usuario, !c.evident)
		}
	}
}

func TestFaltantesThatCanBe(t *testing.T) {
	one := contracts.Faltante{IDProducto: "1", Solicitada: 2, Disponible: 1}
	many := make([]contracts.Faltante, 101)
	for i := range many {
		many[i] = contracts.Faltante{IDProducto: fmt.Sprint(i), Solicitada: 1}
	}
	for _, c := range []struct {
		name      string
		faltantes []contracts.Faltante
		good      bool
	}{
		{"none", nil, true},
		{"one", []contracts.Faltante{one}, true},
		{"of each line", many[:100], true},
		{"more than lines", many, false},
		{"one twice", []contracts.Faltante{one, one}, false},
		{"of no product", []contracts.Faltante{{Solicitada: 2}}, false},
		{"enough of it", []contracts.Faltante{{IDProducto: "1", Solicitada: 2, Disponible: 2}}, false},
		{"asked and there changed places", []contracts.Faltante{{IDProducto: "1", Solicitada: 1, Disponible: 2}}, false},
		{"less than none", []contracts.Faltante{{IDProducto: "1", Solicitada: 2, Disponible: -1}}, false},
		{"too many asked", []contracts.Faltante{{IDProducto: "1", Solicitada: contracts.MaxCantidad + 1}}, false},
	} {
		var v contracts.Validator
		v.Faltantes("faltantes", c.faltantes)
		if (v.Error() == nil) != c.good {
			t.Errorf("%s: %v", c.name, v.Error())
		}
	}
}

func TestEventoCompraValidate(t *testing.T) {
	type event = contracts.DatosEventoCompra
	good := func() event {
		return event{
			IDCompra: oneCompra, Codigo: "00000000", Numero: 2, Estado: "RECHAZADA", IDUsuario: "ana", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}},
			Motivo: "No hay.\nLo sentimos.", Faltantes: []contracts.Faltante{{IDProducto: "1", Solicitada: 2}},
			Historia: []contracts.Hecho{{Numero: 1, Paso: "RECIBIDA", Tipo: "CrearCompra"}, {Numero: 2, Paso: "RECHAZADA", Tipo: "InventarioInsuficiente"}},
		}
	}
	for _, c := range []struct {
		name   string
		change func(e *event)
		named  string
	}{
		{"good", func(*event) {}, ""},
		{"no id", func(e *event) { e.IDCompra = "" }, "id_compra"},
		{"of before codes", func(e *event) { e.Codigo = "" }, ""},
		{"another code", func(e *event) { e.Codigo = "00000001" }, "codigo"},
		{"a code with a hyphen", func(e *event) { e.Codigo = "0000-0000" }, "codigo"},
		{"no customer", func(e *event) { e.IDUsuario = "" }, "id_usuario"},
		{"the ids changed places", func(e *event) {
			e.IDCompra, e.IDUsuario = uuid.NewString(), uuid.Must(uuid.NewV7()).String()
		}, "id_compra"},
		{"an id of before the rule", func(e *event) { e.IDCompra, e.IDUsuario = uuid.NewString(), uuid.NewString() }, ""},
		{"no state", func(e *event) { e.Estado = "VENDIDA" }, "estado"},
		{"no lines", func(e *event) { e.Productos = nil }, "productos"},
		{"a long reason", func(e *event) { e.Motivo = strings.Repeat("x", contracts.MaxDetail+1) }, "motivo"},
		{"a reason that cannot be shown", func(e *event) { e.Motivo = "a\x00" }, "motivo"},
		{"nothing is missing", func(e *event) { e.Faltantes[0].Disponible = 2 }, "faltantes[0].disponible"},
		{"an order that is none", func(e *event) { e.IDOrden = "A-17" }, "id_orden"},
		{"never", func(e *event) { e.CreadaEn = math.MaxInt64 }, "creada_en"},
		{"before all times", func(e *event) { e.ActualizadaEn = -1 }, "actualizada_en"},
		{"no history", func(e *event) { e.Historia = nil }, "numero"},
		{"another number", func(e *event) { e.Numero = 1 }, "numero"},
		{"history backwards", func(e *event) { e.Historia[0].Numero = 2 }, "historia[1].numero"},
		{"a step without a name", func(e *event) { e.Historia[0].Paso = "" }, "historia[0].paso"},
		{"a step at no time", func(e *event) { e.Historia[1].En = math.MaxInt64 }, "historia[1].en"},
		{"long words", func(e *event) { e.Historia[1].Detalle = strings.Repeat("x", contracts.MaxDetail+1) }, "historia[1].detalle"},
		{"a long cause", func(e *event) { e.Historia[1].Tipo = strings.Repeat("x", 65) }, "historia[1].tipo"},
		{"a customer and an operator", func(e *event) {
			e.Autores = []contracts.Autor{{Numero: 1, Sujeto: "ana", Rol: "cliente"}, {Numero: 2, Sujeto: "oti", Rol: "operador"}}
		}, ""},
		{"an author of nothing", func(e *event) { e.Autores = []contracts.Autor{{Numero: 3, Sujeto: "ana", Rol: "cliente"}} }, "autores[0].numero"},
		{"two authors of one thing", func(e *event) {
			e.Autores = []contracts.Autor{{Numero: 2, Sujeto: "ana", Rol: "cliente"}, {Numero: 2, Sujeto: "oti", Rol: "operador"}}
		}, "autores[1].numero"},
		{"an author without a name", func(e *event) { e.Autores = []contracts.Autor{{Numero: 1, Rol: "cliente"}} }, "autores[0].sujeto"},
		{"an author with a line break", func(e *event) { e.Autores = []contracts.Autor{{Numero: 1, Sujeto: "a\nb", Rol: "cliente"}} }, "autores[0].sujeto"},
		{"an author in no role", func(e *event) { e.Autores = []contracts.Autor{{Numero: 1, Sujeto: "ana", Rol: "dueña"}} }, "autores[0].rol"},
		{"an author without a role", func(e *event) { e.Autores = []contracts.Autor{{Numero: 1, Sujeto: "ana"}} }, "autores[0].rol"},
		{"authors without end", func(e *event) { e.Autores = make([]contracts.Autor, 3) }, "autores"},
		{"a price", func(e *event) {
			e.Moneda, e.Total, e.Precios = "COP", 14, []contracts.PrecioFijado{{IDProducto: "1", Precio: 7}}
		}, ""},
		{"a total that is not the sum", func(e *event) {
			e.Moneda, e.Total, e.Precios = "COP", 15, []contracts.PrecioFijado{{IDProducto: "1", Precio: 7}}
		}, "total"},
		{"a total of nothing", func(e *event) { e.Total = 7 }, "moneda"},
		{"history without end", func(e *event) { e.Historia = make([]contracts.Hecho, contracts.MaxHistory+1) }, "historia"},
	} {
		e := good()
		c.change(&e)
		err := e.Validate()
		if (err == nil) != (c.named == "") || err != nil && !strings.Contains("; "+err.Error(), "; "+c.named+": ") {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil {
			continue
		}
		if again := e.Compra().Event(); !slices.Equal(again.Autores, e.Autores) {
			t.Errorf("%s: the authors %v became %v", c.name, e.Autores, again.Autores)
		}
		if _, err := json.Marshal(e.Compra()); err != nil {
			t.Errorf("%s: it cannot be shown: %v", c.name, err)
		}
	}
}

// Beginning returns the fields that can be read of a record that is cut, or of a text that is no record.
func TestBeginning(t *testing.T) {
	type data = contracts.DatosEventoOrden
	m := contracts.NewMessage("ordenes", contracts.OrdenCreada, "", data{IDCompra: oneCompra, RespondeA: "CrearOrden", IDOrden: oneCompra, Motivo: "x"})
	whole, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m.Data = data{IDCompra: oneCompra}
	untilID := strings.Index(string(whole), oneCompra) + len(oneCompra) + 1
	for _, c := range []struct {
		name, text string
		want       contracts.Message[data]
	}{
		{"the whole", string(whole), m},
		{"cut in data", string(whole[:len(whole)-10]), m},
		{"cut after the purchase", string(whole[:untilID]), m},
		{"the fields in another order", `{"data":{"motivo":"x","faltantes":[{"a":[1]}],"id_compra":"` + oneCompra + `"},"type":"X","id":"1"}`,
			contracts.Message[data]{ID: "1", Type: "X", Data: data{IDCompra: oneCompra}}},
		{"cut in the purchase", string(whole[:untilID-3]), func() contracts.Message[data] { m := m; m.Data = data{}; return m }()},
		{"of another topic", `{"id":"1","surprise":{"id":"2"},"type":"X","data":{}}`, contracts.Message[data]{ID: "1", Type: "X"}},
		{"with other types", `{"id":7,"type":"X","time":"yesterday","data":[]}`, contracts.Message[data]{Type: "X"}},
		{"a long id", `{"id":"` + strings.Repeat("ñ", 300) + `"}`, contracts.Message[data]{ID: strings.Repeat("ñ", 254) + "…"}},
		{"a long purchase", `{"data":{"id_compra":"` + strings.Repeat("x", 65) + `"}}`, contracts.Message[data]{}},
		{"a list", `[1]`, contracts.Message[data]{}},
		{"nothing", ``, contracts.Message[data]{}},
	} {
		if got := contracts.Beginning[data]([]byte(c.text)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestCut(t *testing.T) {
	for text, cut := range map[string]string{"": "", "abc": "abc", "abcd": "ab…", "ñññ": "ñññ", "ññññ": "ññ…"} {
		if got := contracts.Cut(text, 3); got != cut {
			t.Errorf("%q: %q", text, got)
		}
	}
}
