package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"entregas/contracts"
)

const (
	oneCompra = "01938f5e-7c1a-7000-8000-000000000001"
	oneOrden  = "01938f5e-8a02-7000-8000-00000000000a"
	oneRecord = "01938f5e-7c1b-7000-8000-0000000000ff"
	oneTrace  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

var (
	accepted  = time.Date(2024, 12, 4, 3, 12, 47, 258e6, time.UTC).UnixMilli()
	lineas    = []contracts.Linea{{IDProducto: "1", Cantidad: 2}, {IDProducto: "14", Cantidad: 1}}
	faltantes = []contracts.Faltante{{IDProducto: "14", Solicitada: 1, Disponible: 0}}
	precios   = []contracts.PrecioFijado{{IDProducto: "1", Precio: 3_200_000}, {IDProducto: "14", Precio: 17_900_000}}
	direccion = contracts.Direccion{Destinatario: "Ana Peña", Calle: "Calle 5 # 6-70", Ciudad: "Bogotá", Telefono: "+57 300 0000000"}
)

const total = 2*3_200_000 + 17_900_000

// examples has the data of an example of each message.
var examples = map[contracts.MessageType]any{
	contracts.CrearCompra:    contracts.DatosComandoGestorCompra{IDCompra: oneCompra, IDUsuario: "ana", Productos: lineas, Domicilio: true, Direccion: direccion, Sujeto: "ana", Rol: contracts.RolCliente},
	contracts.CancelarCompra: contracts.DatosComandoGestorCompra{IDCompra: oneCompra, IDUsuario: "ana", Motivo: "Me equivoqué de talla.", Sujeto: "ana", Rol: contracts.RolCliente},

	contracts.ValidarInventario:            contracts.DatosComandoInventario{IDCompra: oneCompra, Productos: lineas, AceptadaEn: accepted},
	contracts.CancelarValidacionInventario: contracts.DatosComandoInventario{IDCompra: oneCompra, Productos: lineas},
	contracts.InventarioValidado:           contracts.DatosEventoInventario{IDCompra: oneCompra, RespondeA: "ValidarInventario", Moneda: "COP", Total: total, Precios: precios},
	contracts.InventarioInsuficiente:       contracts.DatosEventoInventario{IDCompra: oneCompra, RespondeA: "ValidarInventario", Faltantes: faltantes},
	contracts.TotalExcedido:                contracts.DatosEventoInventario{IDCompra: oneCompra, RespondeA: "ValidarInventario"},
	contracts.ValidacionCancelada:          contracts.DatosEventoInventario{IDCompra: oneCompra, RespondeA: "CancelarValidacionInventario"},

	contracts.ReservarProducto:    contracts.DatosComandoProducto{IDCompra: oneCompra, Productos: lineas},
	contracts.LiberarReserva:      contracts.DatosComandoProducto{IDCompra: oneCompra, Productos: lineas},
	contracts.DespacharReserva:    contracts.DatosComandoProducto{IDCompra: oneCompra, Productos: lineas},
	contracts.ProductosReservados: contracts.DatosEventoProductos{IDCompra: oneCompra, RespondeA: "ReservarProducto"},
	contracts.ReservaRechazada:    contracts.DatosEventoProductos{IDCompra: oneCompra, RespondeA: "ReservarProducto", Faltantes: faltantes, Motivo: "No hay existencias suficientes: del producto 14 se pidieron 1 y hay 0."},
	contracts.ReservaLiberada:     contracts.DatosEventoProductos{IDCompra: oneCompra, RespondeA: "LiberarReserva"},
	contracts.ReservaDespachada:   contracts.DatosEventoProductos{IDCompra: oneCompra, RespondeA: "DespacharReserva"},

	contracts.CrearOrden:      contracts.DatosComandoOrden{IDCompra: oneCompra, IDUsuario: "ana", Productos: lineas, Domicilio: true, Direccion: direccion, Moneda: "COP", Total: total, Precios: precios, Codigo: "00000000"},
	contracts.CancelarOrden:   contracts.DatosComandoOrden{IDCompra: oneCompra, IDUsuario: "ana", Productos: lineas, Domicilio: true},
	contracts.OrdenCreada:     contracts.DatosEventoOrden{IDCompra: oneCompra, RespondeA: "CrearOrden", IDOrden: oneOrden},
	contracts.OrdenRechazada:  contracts.DatosEventoOrden{IDCompra: oneCompra, RespondeA: "CrearOrden", Motivo: "La orden ya se había cancelado."},
	contracts.OrdenCancelada:  contracts.DatosEventoOrden{IDCompra: oneCompra, RespondeA: "CancelarOrden", IDOrden: oneOrden},
	contracts.OrdenDespachada: contracts.DatosEventoOrden{IDCompra: oneCompra, IDOrden: oneOrden, Sujeto: "oti", Rol: contracts.RolOperador},

	contracts.CompraActualizada: contracts.DatosEventoCompra{
		IDCompra: oneCompra, Numero: 3, Estado: string(contracts.EstadoProductosValidos), IDUsuario: "ana", Productos: lineas, CreadaEn: accepted, ActualizadaEn: accepted + 90,
		Historia: []contracts.Hecho{
			{Numero: 1, Paso: string(contracts.EstadoRecibida), Tipo: "CrearCompra", En: accepted, Detalle: "Recibimos su compra."},
			{Numero: 2, Paso: string(contracts.EstadoIniciada), Tipo: "ValidarInventario", En: accepted + 20, Detalle: "Empezamos a prepararla."},
			{Numero: 3, Paso: string(contracts.EstadoProductosValidos), Tipo: "InventarioValidado", En: accepted + 90, Detalle: "Hay existencias de todo."},
		},
		Autores: []contracts.Autor{{Numero: 1, Sujeto: "ana", Rol: contracts.RolCliente}}, Codigo: "00000000", Moneda: "COP", Total: total, Precios: precios,
	},
}

// examplesOf returns the examples of a message, as a JSON array for asyncapi.yaml. The payload is the JSON that daprd makes an Avro record of.
func examplesOf(kind contracts.MessageType) (string, error) {
	data, found := examples[kind]
	if !found {
		return "", fmt.Errorf("there is no example of %s: edit contracts/internal/topics/examples.go", kind)
	}
	filled := reflect.New(reflect.TypeOf(data))
	filled.Elem().Set(reflect.ValueOf(data))
	contracts.FillLists(filled.Interface())
	m := contracts.Message[any]{
		ID: oneRecord, Time: accepted, Ingestion: accepted, Specversion: "1.0", Type: kind, Datacontenttype: "application/json",
		ServiceName: contracts.TopicOf(kind).Sender, Traceparent: oneTrace, Data: filled.Elem().Interface(),
	}
	all, err := json.Marshal([]any{object{"name": string(kind), "payload": m}})
	return string(all), err
}
