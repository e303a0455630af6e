package rest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"entregas/bff/csvfile"
	"entregas/contracts"
	"entregas/internal/rest"
)

// comprasColumns are the columns of a file of purchases, with the value of each.
var comprasColumns = []struct {
	name  string
	value func(contracts.Compra) string
}{
	{"id", func(c contracts.Compra) string { return c.ID }},
	{"codigo", func(c contracts.Compra) string { return contracts.FormatCodigo(c.Codigo) }},
	{"estado", func(c contracts.Compra) string { return string(c.Estado) }},
	{"id_usuario", func(c contracts.Compra) string { return c.IDUsuario }},
	{"unidades", func(c contracts.Compra) string { return strconv.Itoa(c.Unidades()) }},
	{"productos", lines},
	{"domicilio", func(c contracts.Compra) string { return strconv.FormatBool(c.Domicilio) }},
	{"tienda", func(c contracts.Compra) string { return c.Tienda }},
	{"creada_en", func(c contracts.Compra) string { return contracts.FormatInstant(c.CreadaEn) }},
	{"actualizada_en", func(c contracts.Compra) string { return contracts.FormatInstant(c.ActualizadaEn) }},
	{"id_orden", func(c contracts.Compra) string { return c.IDOrden }},
	{"motivo", func(c contracts.Compra) string { return c.Motivo }},
	{"moneda", func(c contracts.Compra) string { return c.Moneda }},
	{"total", total},
}

// total returns what a purchase costs, in minor units; nothing where it has no price.
func total(c contracts.Compra) string {
	if c.None() {
		return ""
	}
	return strconv.FormatInt(c.Total, 10)
}

// lines returns the lines of a purchase in one text: "2 × 1; 3 × 7" are 2 units of the product 1 and 3 of the product 7.
func lines(c contracts.Compra) string {
	parts := make([]string, len(c.Productos))
	for i, l := range c.Productos {
		parts[i] = strconv.Itoa(l.Cantidad) + " × " + l.IDProducto
	}
	return strings.Join(parts, "; ")
}

// comprasFile answers a file of all purchases that q asks for.
func (s Server) comprasFile(w http.ResponseWriter, r *http.Request, q contracts.ComprasQuery) {
	names, row := make([]string, len(comprasColumns)), make([]string, len(comprasColumns))
	for i, column := range comprasColumns {
		names[i] = column.name
	}
	f := csvfile.New(w, "compras-"+time.Now().UTC().Format("20060102-150405")+".csv", names...)
	err := s.Gate.EachCompra(r.Context(), q, func(c contracts.Compra) error {
		for i, column := range comprasColumns {
			row[i] = column.value(c)
		}
		return f.Write(row...)
	})
	if err := f.Close(r.Context(), err); err != nil {
		rest.WriteError(w, r, err)
	}
}
