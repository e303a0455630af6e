package rest

// Resultado is the result of a request about many things for one of them: its state after the request, or the problem.
type Resultado struct {
	ID       string   `json:"id"`
	Estado   string   `json:"estado,omitempty"`
	Problema *Problem `json:"problema,omitempty"`
}
