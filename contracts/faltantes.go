package contracts

// Faltantes lists the lines of which there is less than is wanted, in the order of the lines. A product that
// existencias does not have is unknown: it is missing, 0 available.
func Faltantes(lineas []Linea, existencias map[string]int) []Faltante {
	var faltan []Faltante
	for _, l := range lineas {
		if hay := existencias[l.IDProducto]; hay < l.Cantidad {
			faltan = append(faltan, Faltante{IDProducto: l.IDProducto, Solicitada: l.Cantidad, Disponible: hay})
		}
	}
	return faltan
}
