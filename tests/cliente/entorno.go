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
	Instancia, Raiz, Local                    string // which copy of the system, the project's folder, the `local` program
}

// DelEntorno reads the addresses from the environment. It fails when there are none: nothing is up, or nobody said where.
func DelEntorno() (Entorno, error) {
	e := Entorno{
		BFF: os.Getenv("BFF_URL"), Gestor: os.Getenv("GESTOR_URL"), Admin: os.Getenv("ADMIN_URL"),
		Ordenes: os.Getenv("ORDENES_URL"), Monitor: os.Getenv("MONITOR_URL"),
		DSNProductos: os.Getenv("DSN_PRODUCTOS"), DSNGestorCompra: os.Getenv("DSN_GESTOR_COMPRA"), DSNOrdenes: os.Getenv("DSN_ORDENES"),
		PulsarAdmin: os.Getenv("PULSAR_ADMIN"), PulsarURL: os.Getenv("PULSAR_URL"),
		Instancia: os.Getenv("INSTANCIA"), Raiz: os.Getenv("RAIZ"), Local: os.Getenv("LOCAL_BIN"),
	}
	if e.BFF == "" {
		return e, fmt.Errorf("falta BFF_URL: arranque el sistema con make up y dé las direcciones con: env $(.local/bin/local env) …")
	}
	return e, nil
}
