package v1

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"entregas/contracts"
	"entregas/services/bff/compras"
	"entregas/services/bff/graph/comun"
)

// What the earlier system answered to every purchase that it took.
const (
	mensajeTomada = "Procesando Mensaje"
	codigoTomada  = 203
)

// Compras is what is done with purchases here.
type Compras interface {
	Crear(ctx context.Context, s contracts.SolicitudCompra, claveIdempotencia string) (contracts.Aceptada, error)
	DeUsuario(ctx context.Context, usuario string, limite int, despues string, estados ...contracts.Estado) (compras.Pagina, error)
}

type raiz struct{ compras Compras }

func (r raiz) Query() QueryResolver       { return r }
func (r raiz) Mutation() MutationResolver { return r }

// CrearCompra implements MutationResolver.
func (r raiz) CrearCompra(ctx context.Context, idUsuario, productos, domicilio string) (Respuesta, error) {
	solicitud, err := leer(idUsuario, productos, domicilio)
	if err != nil {
		return Respuesta{}, err
	}
	if _, err := r.compras.Crear(ctx, solicitud, comun.ClaveDeCampo(ctx)); err != nil {
		return Respuesta{}, err
	}
	return Respuesta{Mensaje: mensajeTomada, Codigo: codigoTomada}, nil
}

// Compras implements QueryResolver.
func (r raiz) Compras(ctx context.Context, idUsuario string) ([]Compra, error) {
	pagina, err := r.compras.DeUsuario(ctx, idUsuario, compras.MaxPagina, "")
	lista := make([]Compra, len(pagina.Compras))
	for i, c := range pagina.Compras {
		lista[i] = Compra{IDUsuario: c.IDUsuario, Estado: string(c.Estado)}
	}
	return lista, err
}

// leer makes a purchase of the earlier system's texts. What is wrong is named as the arguments are.
func leer(idUsuario, productos, domicilio string) (contracts.SolicitudCompra, error) {
	var v contracts.Validador
	s := contracts.SolicitudCompra{IDUsuario: idUsuario}
	switch domicilio {
	case "True", "true":
		s.Domicilio = true
	case "False", "false":
	default:
		v.Falla("domicilio", `debe ser "True" o "False"`)
	}
	var lineas []string
	if productos != "" {
		lineas = strings.Split(productos, ",")
	}
	for i, linea := range lineas {
		if i == contracts.MaxLineas {
			v.Falla("productos", fmt.Sprintf("puede tener a lo sumo %d líneas", contracts.MaxLineas))
			break
		}
		id, cantidad, hay := strings.Cut(strings.TrimSpace(linea), ":")
		if !hay {
			v.Falla(fmt.Sprintf("productos[%d]", i), `debe ser "id:cantidad", por ejemplo "1:3"`)
			continue
		}
		n, err := strconv.Atoi(cantidad)
		if err != nil {
			v.Falla(fmt.Sprintf("productos[%d].cantidad", i), fmt.Sprintf("debe ser un número entero de 1 a %d", contracts.MaxCantidad))
			continue
		}
		s.Productos = append(s.Productos, contracts.Linea{IDProducto: id, Cantidad: n})
	}
	return s, v.Error()
}
