package rest

// Resultado is the result of a request about many things for one of them: its state after the request, or the problem.
type Resultado struct {
	ID       string   `json:"id"`
	Estado   string   `json:"estado,omitempty"`
	Por      string   `json:"por,omitempty"` // who did it, where its owner tells: a request that comes second changes nothing
	Problema *Problem `json:"problema,omitempty"`
}
