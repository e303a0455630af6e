package ordenes_test

import (
	"errors"
	"slices"
	"testing"

	"entregas/contracts"
	"entregas/services/ordenes/ordenes"
)

func TestCrear(t *testing.T) {
	for nombre, c := range map[string]struct {
		abiertas  int
		cancelada bool
		tipo      contracts.Tipo
		motivo    string
	}{
		"the first":               {0, false, contracts.OrdenCreada, ""},
		"the last that may be":    {99, false, contracts.OrdenCreada, ""},
		"one too many":            {100, false, contracts.OrdenRechazada, "El cliente ya tiene 100 órdenes abiertas; puede tener a lo sumo 100."},
		"its rollback came first": {0, true, contracts.OrdenRechazada, "La orden ya se había cancelado."},
	} {
		if r := ordenes.Crear(c.abiertas, 100, c.cancelada); r.Tipo != c.tipo || r.Motivo != c.motivo {
			t.Errorf("%s: %+v", nombre, r)
		}
	}
}

func TestCancelar(t *testing.T) {
	for nombre, c := range map[string]struct {
		orden *ordenes.Orden
		tipo  contracts.Tipo
	}{
		"none":       {nil, contracts.OrdenCancelada},
		"open":       {&ordenes.Orden{Estado: contracts.EstadoOrdenCreada}, contracts.OrdenCancelada},
		"cancelled":  {&ordenes.Orden{Estado: contracts.EstadoOrdenCancelada}, contracts.OrdenCancelada},
		"dispatched": {&ordenes.Orden{Estado: contracts.EstadoOrdenDespachada}, contracts.OrdenDespachada},
	} {
		if r := ordenes.Cancelar(c.orden); r.Tipo != c.tipo || (r.Motivo != "") != (c.tipo == contracts.OrdenDespachada) {
			t.Errorf("%s: %+v", nombre, r)
		}
	}
}

func TestDespachar(t *testing.T) {
	for estado, sera := range map[contracts.EstadoOrden]ordenes.Despacho{
		contracts.EstadoOrdenCreada: ordenes.SeDespacha, contracts.EstadoOrdenDespachada: ordenes.YaDespachada, contracts.EstadoOrdenCancelada: ordenes.NoSePuede,
	} {
		if d := ordenes.Despachar(estado); d != sera {
			t.Errorf("%s: %v", estado, d)
		}
	}
}

func TestValidar(t *testing.T) {
	const id = "01938f5e-7c1a-7000-8000-000000000001"
	una := []contracts.Linea{{IDProducto: "1", Cantidad: 1}}
	for nombre, c := range map[string]struct {
		tipo   contracts.Tipo
		datos  contracts.DatosComandoOrden
		campos []string
	}{
		"well":           {contracts.CrearOrden, contracts.DatosComandoOrden{IDCompra: id, IDUsuario: "ana", Productos: una}, nil},
		"nothing":        {contracts.CrearOrden, contracts.DatosComandoOrden{}, []string{"id_compra", "id_usuario", "productos"}},
		"a rollback":     {contracts.CancelarOrden, contracts.DatosComandoOrden{IDCompra: id}, nil},
		"of no purchase": {contracts.CancelarOrden, contracts.DatosComandoOrden{}, []string{"id_compra"}},
	} {
		var campos []string
		var v *contracts.ErrorDeValidacion
		if errors.As(ordenes.Validar(c.tipo, c.datos), &v) {
			for _, e := range v.Errores {
				campos = append(campos, e.Campo)
			}
		}
		if !slices.Equal(campos, c.campos) {
			t.Errorf("%s: %v", nombre, campos)
		}
	}
}
