package contracts

import "time"

// MaxDeseos is for how many products a customer may wait at once.
const MaxDeseos = 50

// NuevoDeseo is the request of a customer to be told once there are Cantidad units of a product.
type NuevoDeseo struct {
	Cantidad int `json:"cantidad"`
}

// Deseo is the wish of a customer to be told once there are Cantidad units of a product. AvisadoEn is nil while there are not, and Nombre is
// empty so long: it is the name of the product at AvisadoEn.
type Deseo struct {
	IDProducto string     `json:"id_producto"`
	Cantidad   int        `json:"cantidad"`
	Nombre     string     `json:"nombre,omitempty"`
	PedidoEn   time.Time  `json:"pedido_en"`
	AvisadoEn  *time.Time `json:"avisado_en,omitempty"`
}
