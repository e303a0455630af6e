package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"entregas/contracts"
	"entregas/services/internal/errores"
	"entregas/services/internal/pubsub"
	"entregas/services/internal/pubsubtest"
	"entregas/services/internal/registro"
)

type datos = contracts.DatosComandoProducto

const tema = contracts.ComandosProducto

var unMensaje = contracts.NuevoMensaje("prueba", contracts.ReservarProducto, "", datos{IDCompra: "c", Productos: []contracts.Linea{{IDProducto: "1", Cantidad: 2}}})

// programa is a program with one handler.
type programa struct {
	rutas    *mux.Router
	broker   pubsubtest.Broker
	intentos pubsubtest.Intentos
}

func nuevoPrograma(atender func(ctx context.Context, m contracts.Mensaje[datos]) error) *programa {
	p := &programa{rutas: mux.NewRouter()}
	publicador := pubsub.NuevoPublicador(&p.broker, "prueba")
	pubsub.Recibir(pubsub.NuevoReceptor(p.rutas, publicador, &p.intentos), tema, atender)
	return p
}

func (p *programa) muertos(t *testing.T) int {
	return len(pubsubtest.Publicados(t, &p.broker, tema.MensajesMuertos()))
}

// What a handler returns decides: docs/adr/trouble-is-not-a-bad-message.md.
func TestLoQueUnHandlerDevuelveDecide(t *testing.T) {
	casos := []struct {
		nombre   string
		devuelve error
		entregas int // how often it is delivered
		estado   string
		muertos  int
		intentos string
	}{
		{"handled", nil, 1, "SUCCESS", 0, ""},
		{"makes no sense", errores.Nuevo(errores.MensajeMalo, "no lo conozco"), 1, "SUCCESS", 1, "1"},
		{"invalid data", &contracts.ErrorDeValidacion{Errores: []contracts.CampoInvalido{{Campo: "cantidad", Detalle: "es 0"}}}, 1, "SUCCESS", 1, "1"},
		{"infrastructure, for ever", context.DeadlineExceeded, 50, "RETRY", 0, ""},
		{"the broker is down, for ever", fmt.Errorf("publicar: %w", status.Error(codes.Unavailable, "sin broker")), 50, "RETRY", 0, ""},
		{"unexpected, the ninth time", errors.New("¿qué es esto?"), 9, "RETRY", 0, ""},
		{"unexpected, the tenth time", errors.New("¿qué es esto?"), 10, "SUCCESS", 1, "10"},
	}
	for _, c := range casos {
		t.Run(c.nombre, func(t *testing.T) {
			p := nuevoPrograma(func(context.Context, contracts.Mensaje[datos]) error { return c.devuelve })
			var estado string
			for range c.entregas {
				estado = pubsubtest.Entregar(t, p.rutas, tema, unMensaje)
			}
			if estado != c.estado || p.muertos(t) != c.muertos {
				t.Fatalf("responde %s y hay %d mensajes muertos; se esperaba %s y %d", estado, p.muertos(t), c.estado, c.muertos)
			}
			if c.muertos == 0 {
				return
			}
			apartado := pubsubtest.Publicados(t, &p.broker, tema.MensajesMuertos())[0]
			if apartado.ID != unMensaje.ID || apartado.Data.Productos[0] != unMensaje.Data.Productos[0] {
				t.Errorf("el mensaje muerto es otro: %+v", apartado)
			}
			if m := p.broker.Metadatos(string(tema) + "-dlq")[0]; m["motivo"] != c.devuelve.Error() || m["intentos"] != c.intentos || m["origen"] != "prueba" {
				t.Errorf("el mensaje muerto dice %v", m)
			}
		})
	}
}

func TestUnPanicoSeCuentaComoLoInesperado(t *testing.T) {
	p := nuevoPrograma(func(context.Context, contracts.Mensaje[datos]) error { panic("índice fuera de rango") })
	for intento := 1; intento <= pubsub.MaxIntentos; intento++ {
		estado := pubsubtest.Entregar(t, p.rutas, tema, unMensaje)
		if (estado == "SUCCESS") != (intento == pubsub.MaxIntentos) {
			t.Fatalf("intento %d: %s", intento, estado)
		}
	}
	if p.muertos(t) != 1 {
		t.Fatal("no quedó como mensaje muerto")
	}
}

func TestLosIntentosSonDeCadaRegistro(t *testing.T) {
	p := nuevoPrograma(func(context.Context, contracts.Mensaje[datos]) error { return errors.New("inesperado") })
	for n := range 2 * pubsub.MaxIntentos {
		otro := unMensaje
		otro.ID = fmt.Sprint("registro ", n)
		if estado := pubsubtest.Entregar(t, p.rutas, tema, otro); estado != "RETRY" {
			t.Fatal("se cuentan juntos los intentos de registros distintos")
		}
	}
}

func TestLoIlegibleEsUnMensajeMuerto(t *testing.T) {
	for nombre, registro := range map[string]string{
		"not JSON":         `{`,
		"not its topic's":  `{"id":"1","type":"X","sorpresa":1}`,
		"nothing in it":    `{}`,
		"an empty payload": ``,
	} {
		t.Run(nombre, func(t *testing.T) {
			p := nuevoPrograma(func(context.Context, contracts.Mensaje[datos]) error { t.Error("llegó al handler"); return nil })
			estado := pubsubtest.EntregarTexto(t, p.rutas, "/mensajes/"+string(tema), []byte(registro))
			if estado != "SUCCESS" || len(p.broker.Metadatos(string(tema)+"-dlq")) != 1 {
				t.Fatalf("responde %s, mensajes muertos: %v", estado, p.broker.Metadatos(string(tema)+"-dlq"))
			}
		})
	}
}

// Failure prevented: a message is acked that is in neither topic.
func TestSinDondeApartarloNoSePierde(t *testing.T) {
	p := nuevoPrograma(func(context.Context, contracts.Mensaje[datos]) error {
		return errores.Nuevo(errores.MensajeMalo, "malo")
	})
	p.broker.Fallar(errors.New("el broker no responde"))
	if estado := pubsubtest.Entregar(t, p.rutas, tema, unMensaje); estado != "RETRY" {
		t.Fatalf("responde %s", estado)
	}
	p.broker.Fallar(nil)
	if estado := pubsubtest.Entregar(t, p.rutas, tema, unMensaje); estado != "SUCCESS" || p.muertos(t) != 1 {
		t.Fatalf("responde %s, con %d muertos", estado, p.muertos(t))
	}
}

func TestSinPoderContarSeReintenta(t *testing.T) {
	p := nuevoPrograma(func(context.Context, contracts.Mensaje[datos]) error { return errors.New("inesperado") })
	p.intentos.Fallar(errors.New("la base no responde"))
	for range 3 * pubsub.MaxIntentos {
		if estado := pubsubtest.Entregar(t, p.rutas, tema, unMensaje); estado != "RETRY" {
			t.Fatalf("responde %s", estado)
		}
	}
}

// The log says by id_compra what became of a purchase's messages: the handler's words, that a message was given back, that one
// was set aside.
func TestElRegistroDiceDeQueCompraEs(t *testing.T) {
	for nombre, devuelve := range map[string]error{"handled": nil, "given back": context.DeadlineExceeded, "set aside": errores.Nuevo(errores.MensajeMalo, "malo")} {
		t.Run(nombre, func(t *testing.T) {
			var salida strings.Builder
			antes := slog.Default()
			slog.SetDefault(registro.Nuevo(&salida, "prueba", "INFO"))
			t.Cleanup(func() { slog.SetDefault(antes) })
			p := nuevoPrograma(func(ctx context.Context, _ contracts.Mensaje[datos]) error {
				slog.InfoContext(ctx, "llegó")
				return devuelve
			})
			pubsubtest.Entregar(t, p.rutas, tema, unMensaje)
			for linea := range strings.Lines(salida.String()) {
				if !strings.Contains(linea, `"id_compra":"c"`) {
					t.Error(linea)
				}
			}
		})
	}
}

func TestLaTrazaVaConElMensaje(t *testing.T) {
	const traza = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var broker pubsubtest.Broker
	publicador := pubsub.NuevoPublicador(&broker, "prueba")
	p := nuevoPrograma(func(ctx context.Context, m contracts.Mensaje[datos]) error {
		return pubsub.Publicar(ctx, publicador, contracts.EventosProductos, contracts.ProductosReservados, m.Data.IDCompra, contracts.DatosEventoProductos{})
	})
	ida := unMensaje
	ida.Traceparent = traza
	pubsubtest.Entregar(t, p.rutas, tema, ida)
	vuelta := pubsubtest.Publicados(t, &broker, contracts.EventosProductos)
	if len(vuelta) != 1 || vuelta[0].Traceparent != traza || vuelta[0].ServiceName != "prueba" {
		t.Fatalf("publicado: %+v", vuelta)
	}
	if m := broker.Metadatos(string(contracts.EventosProductos)); m[0]["partitionKey"] != "c" {
		t.Errorf("sin clave de orden: %v", m)
	}
	if registro.Traza(context.Background()) != "" {
		t.Error("traza de la nada")
	}
}
