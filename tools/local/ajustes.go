package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// apps are the services by app-id, in the order in which dapr.yaml gives them ports.
var apps = []string{"bff", "gestor-compra", "admin-productos", "consolidador", "ordenes", "monitor"}

// replicas are the further copies of a service that `make start S=<app>-<n>` may start.
var replicas = map[string]int{"bff": 2, "gestor-compra": 2, "admin-productos": 5}

// puertosBase holds every port setting with the default that dapr.yaml and components/ carry literally.
// All are below 32768: above it the kernel may have lent the port to an outgoing connection.
var puertosBase = map[string]int{
	"BFF": 8888, "GESTOR_COMPRA": 5001, "ADMIN_PRODUCTOS": 5000, "CONSOLIDADOR": 5004, "ORDENES": 5040, "MONITOR": 5020,
	// The first sidecar's; the next service's is one more, a replica's 100 more.
	"SIDECAR_HTTP": 3500, "SIDECAR_GRPC": 4500, "SIDECAR_INTERNAL": 5600, "SIDECAR_METRICS": 7100,
	"POSTGRES": 5432, "PULSAR": 6650, "PULSAR_ADMIN": 8080, "PULSAR_BOOKIE": 3181,
	"PLACEMENT": 4005, "PLACEMENT_HEALTH": 4015, "PLACEMENT_METRICS": 4025, "PLACEMENT_RAFT": 4035,
	"SCHEDULER": 4006, "SCHEDULER_HEALTH": 4016, "SCHEDULER_METRICS": 4026, "SCHEDULER_ETCD": 4036, "SCHEDULER_ETCD_PEERS": 4046,
	"SUPERVISOR": 4010,
}

// instancias are the copies of the system that one clone may run, with the distance of each one's ports from those of local.env.
var instancias = map[string]int{"up": 0, "test": 10000, "caos": 20000}

// saltoReplica is the distance between the ports of a service and those of its next replica.
const saltoReplica = 100

// Instancia is one running copy of the system: `up` for daily work, `test` for `make test`, `caos` for what breaks or
// slows it on purpose. They share the tools; each has its own folder, data and ports.
type Instancia struct {
	Raiz, Nombre, Dir string
	ajustes           map[string]string
}

// abrir finds the project's root from the working directory and reads its settings.
func abrir(nombre string) (*Instancia, error) {
	if _, hay := instancias[nombre]; !hay {
		return nil, fmt.Errorf("instancia %q desconocida; hay: %s", nombre, strings.Join(slices.Sorted(maps.Keys(instancias)), " "))
	}
	raiz, err := os.Getwd()
	for err == nil && !existe(filepath.Join(raiz, "dapr.yaml")) {
		if raiz == "/" {
			return nil, fmt.Errorf("no encuentro dapr.yaml: ejecute este programa dentro del proyecto")
		}
		raiz = filepath.Dir(raiz)
	}
	if err != nil {
		return nil, err
	}
	in := &Instancia{Raiz: raiz, Nombre: nombre, Dir: filepath.Join(raiz, ".local", nombre)}
	in.ajustes, err = leerAjustes(filepath.Join(raiz, "local.env"))
	return in, err
}

// otrosAjustes are the settings that are neither a port nor an app's.
var otrosAjustes = []string{"PULSAR_MEM", "PULSAR_ADVERTISED", "POSTGRES_DSN", "BUILD_TAGS"}

// isSetting reports whether this program reads name. Of the names that begin with PORT_ leerAjustes refuses those that are no port.
func isSetting(name string) bool {
	ofApp := func(app string) bool { return strings.HasPrefix(name, "APP_"+enMayusculas(app)+"_") }
	return strings.HasPrefix(name, "PORT_") || slices.ContainsFunc(apps, ofApp) || slices.Contains(otrosAjustes, name)
}

// leerAjustes reads NAME=value lines; the real environment wins over the file.
func leerAjustes(ruta string) (map[string]string, error) {
	m := map[string]string{}
	f, err := os.Open(ruta)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	if err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			nombre, valor, ok := strings.Cut(strings.TrimSpace(s.Text()), "=")
			if ok && !strings.HasPrefix(nombre, "#") {
				m[strings.TrimSpace(nombre)] = strings.TrimSpace(valor)
			}
		}
		for name := range m {
			if !isSetting(name) {
				return nil, fmt.Errorf("local.env: there is no setting %s; CHANGELOG.md lists old and new names", name)
			}
		}
	}
	for _, e := range os.Environ() {
		nombre, valor, _ := strings.Cut(e, "=")
		if isSetting(nombre) {
			m[nombre] = valor
		}
	}
	for nombre := range m {
		p, esPuerto := strings.CutPrefix(nombre, "PORT_")
		if _, conocido := puertosBase[p]; esPuerto && !conocido {
			return nil, fmt.Errorf("ajuste %s desconocido; los puertos son: %s", nombre, strings.Join(slices.Sorted(maps.Keys(puertosBase)), " "))
		}
		if _, err := strconv.ParseUint(m[nombre], 10, 16); esPuerto && err != nil {
			return nil, fmt.Errorf("%s=%q no es un puerto", nombre, m[nombre])
		}
	}
	return m, nil
}

// ajuste is a setting's value, or otro where it is not set.
func (in *Instancia) ajuste(nombre, otro string) string {
	if v := in.ajustes[nombre]; v != "" {
		return v
	}
	return otro
}

// puerto is this instance's port of that name.
func (in *Instancia) puerto(nombre string) int {
	p, ok := puertosBase[nombre]
	if !ok {
		panic("puerto sin nombre: " + nombre)
	}
	p, _ = strconv.Atoi(in.ajuste("PORT_"+nombre, strconv.Itoa(p)))
	return p + instancias[in.Nombre]
}

// entornoDe gives an app's own settings: APP_GESTOR_COMPRA_MAX_IN_FLIGHT=8 is MAX_IN_FLIGHT=8 to gestor-compra and its replicas.
func (in *Instancia) entornoDe(app string) map[string]string {
	m := map[string]string{}
	for nombre, valor := range in.ajustes {
		if suyo, ok := strings.CutPrefix(nombre, "APP_"+enMayusculas(app)+"_"); ok {
			m[suyo] = valor
		}
	}
	return m
}

// dirServicios is where the services' programs are. Those with build tags (BUILD_TAGS) have a folder of their own: what
// everybody runs never has them.
func (in *Instancia) dirServicios() string {
	if e := in.ajuste("BUILD_TAGS", ""); e != "" {
		return in.compartida("bin-" + strings.ReplaceAll(e, ",", "-"))
	}
	return in.compartida("bin")
}

func enMayusculas(app string) string { return strings.ToUpper(strings.ReplaceAll(app, "-", "_")) }

// dsnPropio is the administrator's DSN of the user's own PostgreSQL. Only the daily instance ever touches that one.
func (in *Instancia) dsnPropio() string {
	if in.Nombre != "up" {
		return ""
	}
	return in.ajuste("POSTGRES_DSN", "")
}

var conPuerto = regexp.MustCompile(`(Port: |127\.0\.0\.1:|localhost:)(\d+)\b`)

// traducir puts this instance's ports, folder and PostgreSQL in a committed file's text, which carries the daily defaults.
func (in *Instancia) traducir(texto string) string {
	nuevo := map[string]int{}
	for nombre, base := range puertosBase {
		nuevo[strconv.Itoa(base)] = in.puerto(nombre)
		if strings.HasPrefix(nombre, "SIDECAR_") {
			for i := range apps {
				nuevo[strconv.Itoa(base+i)] = in.puerto(nombre) + i
			}
		}
	}
	texto = conPuerto.ReplaceAllStringFunc(texto, func(s string) string {
		g := conPuerto.FindStringSubmatch(s)
		switch p, ok := nuevo[g[2]]; {
		case g[2] == strconv.Itoa(puertosBase["POSTGRES"]):
			return in.direccionPostgres()
		case g[2] == strconv.Itoa(puertosBase["PULSAR"]):
			return in.ajuste("PULSAR_ADVERTISED", "127.0.0.1:"+strconv.Itoa(in.puerto("PULSAR"))) // the way to it, where somebody stands between
		case ok:
			return g[1] + strconv.Itoa(p)
		}
		return s
	})
	return strings.ReplaceAll(texto, ".local/up/", ".local/"+in.Nombre+"/")
}

func (in *Instancia) ruta(partes ...string) string {
	return filepath.Join(append([]string{in.Dir}, partes...)...)
}

// compartida is a path in the folder of what all instances use.
func (in *Instancia) compartida(partes ...string) string {
	return filepath.Join(append([]string{in.Raiz, ".local"}, partes...)...)
}

func existe(ruta string) bool {
	_, err := os.Stat(ruta)
	return err == nil
}
