package compras

import "time"

// Clock sets the clock of s.
func (s *Service) Clock(now func() time.Time) { s.state.now = now }
