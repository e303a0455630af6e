package contracts

// Faltantes lists the lines of which there is less than is wanted, in the order of the lines. A product that
// existencias does not have is unknown: it is missing, 0 available.
func Faltantes(lineas []Linea, existencias map[string]int) []Faltante {
	var missing []Faltante
	for _, l := range lineas {
		if found := existencias[l.IDProducto]; found < l.Cantidad {
			missing = append(missing, Faltante{IDProducto: l.IDProducto, Solicitada: l.Cantidad, Disponible: found})
		}
	}
	return missing
}
