package compras

import "time"

// Clock sets the clock.
func (s *Service) Clock(now func() time.Time) { s.state.now = now }
