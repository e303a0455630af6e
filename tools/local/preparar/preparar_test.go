package preparar

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

const componentes = "../../../components"

// The subscriptions that are made are those that components/suscripciones.yaml declares; the one that lives as long as its
// reader (pubsub-vivo) is nobody's to make.
func TestLasSuscripcionesSonLasDeclaradas(t *testing.T) {
	f, err := os.Open(filepath.Join(componentes, "suscripciones.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	declaradas := map[string]string{}
	for d := yaml.NewDecoder(f); ; {
		var s struct {
			Spec   struct{ Pubsubname, Topic string }
			Scopes []string
		}
		if err := d.Decode(&s); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if s.Spec.Pubsubname != "pubsub-vivo" {
			declaradas[s.Spec.Topic] = strings.Join(s.Scopes, ",")
		}
	}
	for tema, lector := range Suscripciones {
		if declaradas[tema] != lector {
			t.Errorf("%s lo lee %q, suscripciones.yaml dice %q", tema, lector, declaradas[tema])
		}
	}
	if len(declaradas) != len(Suscripciones) {
		t.Errorf("suscripciones.yaml declara %v", declaradas)
	}
}

func TestCopiarComponentesDejaSoloLasDireccionesNuevas(t *testing.T) {
	destino := t.TempDir()
	if err := Escribir(filepath.Join(destino, "de-antes.yaml"), "lo que una versión anterior tenía"); err != nil {
		t.Fatal(err)
	}
	cambiar := strings.NewReplacer("127.0.0.1:6650", "pulsar:6650", "127.0.0.1:5432", "postgres:5432", ".local/up/pgpass", "/secretos/pgpass").Replace
	if err := CopiarComponentes(componentes, destino, cambiar, "{{.ID}}:50002"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(destino, "de-antes.yaml")); !os.IsNotExist(err) {
		t.Error("queda un componente que ya no existe")
	}
	antes := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(filepath.Join(destino, "pubsub.yaml"), antes, antes); err != nil {
		t.Fatal(err)
	}
	if err := CopiarComponentes(componentes, destino, cambiar, "{{.ID}}:50002"); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(filepath.Join(destino, "pubsub.yaml")); err != nil || !i.ModTime().Equal(antes) {
		t.Errorf("escribió otra vez lo que no cambió: %v", err)
	}
	for archivo, dice := range map[string]string{
		"pubsub.yaml": "value: pulsar:6650", "pubsub-vivo.yaml": "value: pulsar:6650",
		"estado.yaml": "postgres://dapr@postgres:5432/dapr?sslmode=disable&passfile=/secretos/pgpass", "config/configuracion.yaml": "{{.ID}}:50002",
	} {
		texto, err := os.ReadFile(filepath.Join(destino, archivo))
		if err != nil || !strings.Contains(string(texto), dice) || strings.Contains(string(texto), "127.0.0.1") {
			t.Errorf("%s: %v: no dice %s, o todavía nombra 127.0.0.1", archivo, err, dice)
		}
	}
}

func TestUnTokenVaEnCadaPedidoYElRolRecibePermiso(t *testing.T) {
	var pedidos []string
	broker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pedidos = append(pedidos, r.Method+" "+r.URL.Path)
		if r.Header.Get("Authorization") != "Bearer abc" {
			w.WriteHeader(http.StatusUnauthorized)
		} else if r.Method == http.MethodGet { // no schema is registered yet
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer broker.Close()
	if err := (Pulsar{URL: broker.URL, Token: "abc", Rol: "entregas"}).CrearTopicos(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(pedidos, "POST /admin/v2/namespaces/public/default/permissions/entregas") {
		t.Errorf("nadie dio permiso al rol: %v", pedidos)
	}
	if err := (Pulsar{URL: broker.URL}).CrearTopicos(context.Background()); err == nil {
		t.Error("sin token no debía aceptar")
	}
}

func TestUnRolSinClaveNoSeCrea(t *testing.T) {
	for _, clave := range []string{"", "a'b", `a\b`} {
		if err := crearRol(context.Background(), nil, "ordenes", clave); err == nil {
			t.Errorf("aceptó la clave %q", clave)
		}
	}
}
