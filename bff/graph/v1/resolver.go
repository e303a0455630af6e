package v1

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"entregas/bff/compras"
	"entregas/bff/graph/common"
	"entregas/contracts"
)

// The answer of the earlier system to every purchase that it accepted.
const (
	messageTaken = "Procesando Mensaje"
	takenCode    = 203
)

// Compras has the operations of this interface.
type Compras interface {
	Create(ctx context.Context, s contracts.SolicitudCompra, idempotencyKey string) (contracts.Aceptada, error)
	OfUsuario(ctx context.Context, usuario string, limit int, after string, estados ...contracts.Estado) (compras.Page, error)
}

type root struct{ compras Compras }

func (r root) Query() QueryResolver       { return r }
func (r root) Mutation() MutationResolver { return r }

// CrearCompra implements MutationResolver.
func (r root) CrearCompra(ctx context.Context, idUsuario, productos, domicilio string) (Respuesta, error) {
	solicitud, err := read(idUsuario, productos, domicilio)
	if err != nil {
		return Respuesta{}, err
	}
	if _, err := r.compras.Create(ctx, solicitud, common.FieldKey(ctx)); err != nil {
		return Respuesta{}, err
	}
	return Respuesta{Mensaje: messageTaken, Codigo: takenCode}, nil
}

// Compras implements QueryResolver.
func (r root) Compras(ctx context.Context, idUsuario string) ([]Compra, error) {
	page, err := r.compras.OfUsuario(ctx, idUsuario, compras.MaxPage, "")
	list := make([]Compra, len(page.Compras))
	for i, c := range page.Compras {
		list[i] = Compra{IDUsuario: c.IDUsuario, Estado: string(c.Estado)}
	}
	return list, err
}

// read returns the purchase that the texts of the earlier system describe. Its error Invalid has the names of the arguments.
func read(idUsuario, productos, domicilio string) (contracts.SolicitudCompra, error) {
	var v contracts.Validator
	s := contracts.SolicitudCompra{IDUsuario: idUsuario}
	switch domicilio {
	case "True", "true":
		s.Domicilio = true
	case "False", "false":
	default:
		v.Fail("domicilio", `debe ser "True" o "False"`)
	}
	var lineas []string
	if productos != "" {
		lineas = strings.Split(productos, ",")
	}
	for i, linea := range lineas {
		if i == contracts.MaxLineas {
			v.Fail("productos", fmt.Sprintf("puede tener a lo sumo %d líneas", contracts.MaxLineas))
			break
		}
		id, cantidad, found := strings.Cut(strings.TrimSpace(linea), ":")
		if !found {
			v.Fail(fmt.Sprintf("productos[%d]", i), `debe ser "id:cantidad", por ejemplo "1:3"`)
			continue
		}
		n, err := strconv.Atoi(cantidad)
		if err != nil {
			v.Fail(fmt.Sprintf("productos[%d].cantidad", i), fmt.Sprintf("debe ser un número entero de 1 a %d", contracts.MaxCantidad))
			continue
		}
		s.Productos = append(s.Productos, contracts.Linea{IDProducto: id, Cantidad: n})
	}
	return s, v.Error()
}
