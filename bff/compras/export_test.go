package compras

import "time"

// Reloj sets the clock.
func (s *Servicio) Reloj(ahora func() time.Time) { s.estado.ahora = ahora }
