package client

import (
	"fmt"
	"os"
)

// Env holds the addresses of a running system, as `local env` prints them.
type Env struct {
	BFF, Manager, Admin, Ordenes, Monitor string // base addresses of the HTTP interfaces
	ProductosDSN, ManagerDSN, OrdenesDSN  string
	PulsarAdmin, PulsarURL                string
	Instance, Root                        string // the name of the instance, and the folder of the project
	AppToken                              string // the token that the services require
	Issuer, IssuerKey                     string // the development issuer, and the file of its secret
	Scraped                               string // what Prometheus reads: job/app=url, separated by commas
	Collector                             string // where the programs send their traces; empty where they send none
}

// FromEnv reads the addresses from the environment. It returns an error when BFF_URL is empty.
func FromEnv() (Env, error) { return envFrom(os.Getenv) }

func envFrom(value func(name string) string) (Env, error) {
	e := Env{
		BFF: value("BFF_URL"), Manager: value("GESTOR_URL"), Admin: value("ADMIN_URL"),
		Ordenes: value("ORDENES_URL"), Monitor: value("MONITOR_URL"),
		ProductosDSN: value("DSN_PRODUCTOS"), ManagerDSN: value("DSN_GESTOR_COMPRA"), OrdenesDSN: value("DSN_ORDENES"),
		PulsarAdmin: value("PULSAR_ADMIN"), PulsarURL: value("PULSAR_URL"),
		Instance: value("INSTANCIA"), Root: value("PROJECT_ROOT"), AppToken: value("APP_API_TOKEN"),
		Issuer: value("OIDC_ISSUER"), IssuerKey: value("OIDC_DEVELOPMENT_KEY_FILE"),
		Scraped:   value("SCRAPED"),
		Collector: value("OTEL_EXPORTER_OTLP_ENDPOINT"),
	}
	if e.BFF == "" {
		return e, fmt.Errorf("BFF_URL is empty: start the system with make up, and pass its addresses with: env $(.local/bin/local env) …")
	}
	return e, e.remember()
}
