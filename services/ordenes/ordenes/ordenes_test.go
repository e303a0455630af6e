package ordenes_test

import (
	"errors"
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/services/ordenes/ordenes"
)

func TestCreateOrden(t *testing.T) {
	for name, c := range map[string]struct {
		open      int
		cancelled bool
		kind      contracts.MessageType
		motivo    string
	}{
		"the first":               {0, false, contracts.OrdenCreada, ""},
		"the last that may be":    {99, false, contracts.OrdenCreada, ""},
		"one too many":            {100, false, contracts.OrdenRechazada, "El cliente ya tiene 100 órdenes abiertas; puede tener a lo sumo 100."},
		"its rollback came first": {0, true, contracts.OrdenRechazada, "La orden ya se había cancelado."},
	} {
		if r := ordenes.Create(c.open, 100, c.cancelled); r.Tipo != c.kind || r.Motivo != c.motivo {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestCancelarOrden(t *testing.T) {
	for name, c := range map[string]struct {
		orden *ordenes.Orden
		kind  contracts.MessageType
	}{
		"none":       {nil, contracts.OrdenCancelada},
		"open":       {&ordenes.Orden{Estado: contracts.EstadoOrdenCreada}, contracts.OrdenCancelada},
		"cancelled":  {&ordenes.Orden{Estado: contracts.EstadoOrdenCancelada}, contracts.OrdenCancelada},
		"dispatched": {&ordenes.Orden{Estado: contracts.EstadoOrdenDespachada}, contracts.OrdenDespachada},
	} {
		if r := ordenes.Cancelar(c.orden); r.Tipo != c.kind || (r.Motivo != "") != (c.kind == contracts.OrdenDespachada) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestDespachar(t *testing.T) {
	for estado, becomes := range map[contracts.EstadoOrden]ordenes.Despacho{
		contracts.EstadoOrdenCreada: ordenes.CanDespachar, contracts.EstadoOrdenDespachada: ordenes.AlreadyDispatched, contracts.EstadoOrdenCancelada: ordenes.CannotDespachar,
	} {
		if d := ordenes.Despachar(estado); d != becomes {
			t.Errorf("%s: %v", estado, d)
		}
	}
}

func TestValidateOrden(t *testing.T) {
	const id = "01938f5e-7c1a-7000-8000-000000000001"
	one := []contracts.Linea{{IDProducto: "1", Cantidad: 1}}
	for name, c := range map[string]struct {
		kind   contracts.MessageType
		data   contracts.DatosComandoOrden
		fields []string
	}{
		"well": {contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: id, IDUsuario: "ana", Productos: one}, nil},
		"with a price": {contracts.CrearOrden, contracts.DatosComandoOrden{
			IDCompra: id, IDUsuario: "ana", Productos: one, Moneda: "COP", Total: 7 * int64(one[0].Cantidad), Precios: []contracts.PrecioFijado{{IDProducto: one[0].IDProducto, Precio: 7}},
		}, nil},
		"with a total that is not the sum": {contracts.CrearOrden, contracts.DatosComandoOrden{
			IDCompra: id, IDUsuario: "ana", Productos: one, Moneda: "COP", Total: 1, Precios: []contracts.PrecioFijado{{IDProducto: one[0].IDProducto, Precio: 7}},
		}, []string{"total"}},
		"with a code":          {contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: id, IDUsuario: "ana", Productos: one, Codigo: contracts.NewCodigo()}, nil},
		"with what no code is": {contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: id, IDUsuario: "ana", Productos: one, Codigo: "a\x00"}, []string{"codigo"}},
		"nothing":              {contracts.CrearOrden, contracts.DatosComandoOrden{}, []string{"id_compra", "id_usuario", "productos"}},
		"a rollback":           {contracts.CancelarOrden, contracts.DatosComandoOrden{IDCompra: id}, nil},
		"of no purchase":       {contracts.CancelarOrden, contracts.DatosComandoOrden{}, []string{"id_compra"}},
	} {
		var fields []string
		var v *contracts.ValidationError
		if errors.As(ordenes.Validate(c.kind, c.data), &v) {
			for _, e := range v.Errores {
				fields = append(fields, e.Field)
			}
		}
		if !slices.Equal(fields, c.fields) {
			t.Errorf("%s: %v", name, fields)
		}
	}
}
