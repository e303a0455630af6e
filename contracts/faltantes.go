package contracts

// Faltantes returns the lines with less stock than their quantity, in the order of the lines. A product that existencias does not have is
// missing, with 0 available.
func Faltantes(lineas []Linea, existencias map[string]int) []Faltante {
	var missing []Faltante
	for _, l := range lineas {
		if found := existencias[l.IDProducto]; found < l.Cantidad {
			missing = append(missing, Faltante{IDProducto: l.IDProducto, Solicitada: l.Cantidad, Disponible: found})
		}
	}
	return missing
}
