package cliente

import (
	"fmt"
	"os"
)

// Entorno holds the addresses of a running system, as `local env` prints them.
type Entorno struct {
	BFF, Gestor, Admin, Ordenes, Monitor      string // base addresses of HTTP interfaces
	DSNProductos, DSNGestorCompra, DSNOrdenes string
	PulsarAdmin, PulsarURL                    string
	Instancia, Raiz                           string // which copy of the system, and the project's folder
	TokenApp                                  string // what the services want to hear
	Emisor, ClaveEmisor                       string // the development issuer, and the file with its key
}

// DelEntorno reads the addresses from the environment. It fails when there are none: nothing is up, or nobody said where.
func DelEntorno() (Entorno, error) { return entornoDe(os.Getenv) }

func entornoDe(valor func(nombre string) string) (Entorno, error) {
	e := Entorno{
		BFF: valor("BFF_URL"), Gestor: valor("GESTOR_URL"), Admin: valor("ADMIN_URL"),
		Ordenes: valor("ORDENES_URL"), Monitor: valor("MONITOR_URL"),
		DSNProductos: valor("DSN_PRODUCTOS"), DSNGestorCompra: valor("DSN_GESTOR_COMPRA"), DSNOrdenes: valor("DSN_ORDENES"),
		PulsarAdmin: valor("PULSAR_ADMIN"), PulsarURL: valor("PULSAR_URL"),
		Instancia: valor("INSTANCIA"), Raiz: valor("PROJECT_ROOT"), TokenApp: valor("APP_API_TOKEN"),
		Emisor: valor("OIDC_ISSUER"), ClaveEmisor: valor("OIDC_DEVELOPMENT_KEY_FILE"),
	}
	if e.BFF == "" {
		return e, fmt.Errorf("falta BFF_URL: arranque el sistema con make up y dé las direcciones con: env $(.local/bin/local env) …")
	}
	return e, e.recordar()
}
