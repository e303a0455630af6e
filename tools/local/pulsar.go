package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"entregas/tools/local/setup"
)

func (in *Instance) pulsarAdminURL() string {
	return fmt.Sprintf("http://127.0.0.1:%d", in.port("PULSAR_ADMIN"))
}

func (in *Instance) pulsarAdmin() setup.Pulsar { return setup.Pulsar{URL: in.pulsarAdminURL()} }

// configurePulsar writes tools/pulsar/standalone.conf with this instance's ports.
func (in *Instance) configurePulsar() error {
	text, err := os.ReadFile(filepath.Join(in.Root, "tools", "pulsar", "standalone.conf"))
	if err != nil {
		return err
	}
	conf := strings.NewReplacer(
		"brokerServicePort=6650", fmt.Sprintf("brokerServicePort=%d", in.port("PULSAR")),
		"webServicePort=8080", fmt.Sprintf("webServicePort=%d", in.port("PULSAR_ADMIN")),
		"bookieId=127.0.0.1:3181", fmt.Sprintf("bookieId=127.0.0.1:%d", in.port("PULSAR_BOOKIE")),
	).Replace(string(text))
	// A client first connects to the address in its settings, and then to the address that the broker announces. With a proxy between
	// client and broker, the broker must announce the address of the proxy.
	if other := in.setting("PULSAR_ADVERTISED", ""); other != "" {
		conf = strings.Replace(conf, "advertisedAddress=127.0.0.1\n", "", 1) + "\nadvertisedListeners=proxy:pulsar://" + other + "\ninternalListenerName=proxy\n"
	}
	return setup.Write(in.path("run", "standalone.conf"), conf)
}
