package client

import (
	"fmt"
	"os"
)

// Env holds the addresses of a running system, as `local env` prints them.
type Env struct {
	BFF, Manager, Admin, Ordenes, Monitor string // base addresses of HTTP interfaces
	ProductosDSN, ManagerDSN, OrdenesDSN  string
	PulsarAdmin, PulsarURL                string
	Instance, Root                        string // which copy of the system, and the project's folder
	AppToken                              string // what the services want to hear
	Issuer, IssuerKey                     string // the development issuer, and the file with its key
}

// FromEnv reads the addresses from the environment. It fails when there are none: nothing is up, or nobody said where.
func FromEnv() (Env, error) { return envFrom(os.Getenv) }

func envFrom(value func(name string) string) (Env, error) {
	e := Env{
		BFF: value("BFF_URL"), Manager: value("GESTOR_URL"), Admin: value("ADMIN_URL"),
		Ordenes: value("ORDENES_URL"), Monitor: value("MONITOR_URL"),
		ProductosDSN: value("DSN_PRODUCTOS"), ManagerDSN: value("DSN_GESTOR_COMPRA"), OrdenesDSN: value("DSN_ORDENES"),
		PulsarAdmin: value("PULSAR_ADMIN"), PulsarURL: value("PULSAR_URL"),
		Instance: value("INSTANCIA"), Root: value("PROJECT_ROOT"), AppToken: value("APP_API_TOKEN"),
		Issuer: value("OIDC_ISSUER"), IssuerKey: value("OIDC_DEVELOPMENT_KEY_FILE"),
	}
	if e.BFF == "" {
		return e, fmt.Errorf("falta BFF_URL: arranque el sistema con make up y dé las direcciones con: env $(.local/bin/local env) …")
	}
	return e, e.remember()
}
