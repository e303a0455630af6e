package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// suscripciones maps each topic to the service that reads it: the subscription's name is its app-id.
// Every topic has a dead letter topic, kept by the subscription `operador`.
var suscripciones = map[string]string{
	"comandos-gestor-compra": "gestor-compra",
	"comandos-inventario":    "consolidador",
	"eventos-inventario":     "gestor-compra",
	"comandos-producto":      "admin-productos",
	"eventos-productos":      "gestor-compra",
	"comandos-orden":         "ordenes",
	"eventos-orden":          "gestor-compra",
	"eventos-compra":         "bff",
}

// Less than the 30 days for which a service remembers a command: so no broker can still hold what an inbox forgot.
const retencion = `{"retentionTimeInMinutes": 10080, "retentionSizeInMB": 1024}`

var clienteHTTP = &http.Client{Timeout: 10 * time.Second}

func (in *Instancia) urlPulsarAdmin() string {
	return fmt.Sprintf("http://127.0.0.1:%d", in.puerto("PULSAR_ADMIN"))
}

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
	return os.WriteFile(in.ruta("run", "standalone.conf"), []byte(conf), 0o644)
}

// ordenPulsar is the command line of the broker with its bookie: what the distribution's own script would say.
func (in *Instancia) ordenPulsar() []string {
	memoria := in.ajuste("PULSAR_MEM", "512m")
	orden := []string{java(), "-Xms128m", "-Xmx" + memoria, "-XX:MaxDirectMemorySize=" + memoria, "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError",
		"-Djava.net.preferIPv4Stack=true", "--enable-native-access=ALL-UNNAMED",
		"-Dio.netty.tryReflectionSetAccessible=true", "-Dorg.apache.pulsar.shade.io.netty.tryReflectionSetAccessible=true",
		"-Dbookkeeper.metadata.bookie.drivers=org.apache.pulsar.metadata.bookkeeper.PulsarMetadataBookieDriver",
		"-Dbookkeeper.metadata.client.drivers=org.apache.pulsar.metadata.bookkeeper.PulsarMetadataClientDriver",
		"-Dpulsar.allocator.exit_on_oom=true", "-Dlog4j.shutdownHookEnabled=false", "-Dlog4j2.is.webapp=false",
		"-Dlog4j.configurationFile=" + filepath.Join(in.Raiz, "tools", "pulsar", "log4j2.xml")}
	for _, p := range []string{"java.base/java.io", "java.base/java.util.zip", "java.management/sun.management",
		"jdk.management/com.sun.management.internal", "java.base/java.nio", "java.base/jdk.internal.misc", "java.base/jdk.internal.platform"} {
		orden = append(orden, "--add-opens", p+"=ALL-UNNAMED")
	}
	if exec.Command(java(), "--sun-misc-unsafe-memory-access=allow", "-version").Run() == nil { // Java 23 or later asks for it
		orden = append(orden, "--sun-misc-unsafe-memory-access=allow")
	}
	return append(orden, "-cp", in.dirPulsar()+"/*", "org.apache.pulsar.PulsarStandaloneStarter",
		"--config", in.ruta("run", "standalone.conf"), "-nfw", "-nss",
		"--metadata-dir", in.ruta("datos", "pulsar", "metadata"), "--bookkeeper-dir", in.ruta("datos", "pulsar", "bookkeeper"),
		"--bookkeeper-port", fmt.Sprint(in.puerto("PULSAR_BOOKIE")))
}

// crearTopicos sets the namespace's policies, and makes topics and subscriptions before anybody publishes.
func (in *Instancia) crearTopicos() error {
	ns := "/admin/v2/namespaces/public/default"
	for _, p := range []struct{ metodo, ruta, cuerpo string }{
		{"POST", ns + "/schemaValidationEnforced", "true"},
		{"PUT", ns + "/schemaCompatibilityStrategy", `"FULL_TRANSITIVE"`},
		{"POST", ns + "/isAllowAutoUpdateSchema", "true"},
		{"POST", ns + "/retention", retencion},
	} {
		if err := in.pedirPulsar(p.metodo, p.ruta, p.cuerpo); err != nil {
			return err
		}
	}
	for topico, lector := range suscripciones {
		for _, t := range [][2]string{{topico, lector}, {topico + "-dlq", "operador"}} {
			ruta := "/admin/v2/persistent/public/default/" + t[0]
			if err := in.pedirPulsar("PUT", ruta, ""); err != nil {
				return err
			}
			if err := in.pedirPulsar("PUT", ruta+"/subscription/"+t[1], `{"ledgerId": -1, "entryId": -1}`); err != nil { // from the earliest message
				return err
			}
		}
	}
	return nil
}

// pedirPulsar sends one administrative request; what already exists (409) is as good as made.
func (in *Instancia) pedirPulsar(metodo, ruta, cuerpo string) error {
	req, err := http.NewRequest(metodo, in.urlPulsarAdmin()+ruta, bytes.NewBufferString(cuerpo))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	r, err := clienteHTTP.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode/100 == 2 || r.StatusCode == http.StatusConflict {
		return nil
	}
	texto, _ := io.ReadAll(io.LimitReader(r.Body, 500))
	return fmt.Errorf("Pulsar no aceptó %s %s: %s %s", metodo, ruta, r.Status, texto)
}
