package contracts

import "slices"

// Actor is a person and the role in which the person acts. The zero Actor is the system itself, or a person that nobody named.
type Actor struct {
	Sujeto string // the subject of the person's token
	Rol    string // RolCliente or RolOperador
}

// The roles in which a person acts.
const (
	RolCliente  = "cliente"
	RolOperador = "operador"
)

// Person requires the subject and the role of a person. Both are empty where nobody says who it is: the sender is older than these
// fields, or has no persons.
func (v *Validator) Person(sujetoField, rolField string, a Actor) {
	if a == (Actor{}) {
		return
	}
	v.Identifier(sujetoField, a.Sujeto)
	if !slices.Contains([]string{RolCliente, RolOperador}, a.Rol) {
		v.Fail(rolField, "debe ser cliente u operador")
	}
}
