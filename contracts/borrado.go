package contracts

// DatosBorrados is the result of the erasure of a customer's personal data, of all owners (docs/adr/erased-personal-data.md).
type DatosBorrados struct {
	IDUsuario string `json:"id_usuario"`
	Compras   int    `json:"compras"`  // purchases whose data this request erased
	Ordenes   int    `json:"ordenes"`  // orders whose data this request erased
	Deseos    int    `json:"deseos"`   // wishes that this request erased
	Correo    bool   `json:"correo"`   // this request erased an e-mail address and the mails to it
	Abiertas  int    `json:"abiertas"` // purchases that have not ended, and keep their data
	Quedan    int    `json:"quedan"`   // purchases that have ended and still have data: the same request erases more of them
}

// ParteBorrada is the part of an owner in an erasure: of its purchases, its orders, or its wishes.
type ParteBorrada struct {
	Borradas int  `json:"borradas"`
	Abiertas int  `json:"abiertas"`
	Quedan   int  `json:"quedan"`
	Correo   bool `json:"correo,omitempty"` // an e-mail address was erased
}

// The entry of the history of a purchase whose personal data was erased.
const (
	PasoBorrado              = "Borrado"
	BorrarDatos  MessageType = "BorrarDatos" // no message of a topic: the operation of an operator
	TextoBorrado             = "(texto borrado)"
)
