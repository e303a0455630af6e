package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"entregas/tools/local/preparar"
)

func (in *Instancia) urlPulsarAdmin() string {
	return fmt.Sprintf("http://127.0.0.1:%d", in.puerto("PULSAR_ADMIN"))
}

func (in *Instancia) pulsarAdmin() preparar.Pulsar { return preparar.Pulsar{URL: in.urlPulsarAdmin()} }

// confPulsar is the committed broker configuration with this instance's ports.
func (in *Instancia) confPulsar() error {
	texto, err := os.ReadFile(filepath.Join(in.Raiz, "tools", "pulsar", "standalone.conf"))
	if err != nil {
		return err
	}
	conf := strings.NewReplacer(
		"brokerServicePort=6650", fmt.Sprintf("brokerServicePort=%d", in.puerto("PULSAR")),
		"webServicePort=8080", fmt.Sprintf("webServicePort=%d", in.puerto("PULSAR_ADMIN")),
		"bookieId=127.0.0.1:3181", fmt.Sprintf("bookieId=127.0.0.1:%d", in.puerto("PULSAR_BOOKIE")),
	).Replace(string(texto))
	// A client may come back to the address that the broker announces: a proxy between them has the broker announce the proxy's address.
	if otra := in.ajuste("PULSAR_ADVERTISED", ""); otra != "" {
		conf = strings.Replace(conf, "advertisedAddress=127.0.0.1\n", "", 1) + "\nadvertisedListeners=unico:pulsar://" + otra + "\ninternalListenerName=unico\n"
	}
	return preparar.Escribir(in.ruta("run", "standalone.conf"), conf)
}
