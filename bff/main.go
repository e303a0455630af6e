// Command bff is the public door: REST, GraphQL and live streams over the services behind it.
package main

import (
	"context"
	"io"
	"net/http"

	"github.com/gorilla/mux"

	"entregas/services/bff/compras"
	"entregas/services/bff/dapr"
	v1 "entregas/services/bff/graph/v1"
	"entregas/services/bff/mensajes"
	"entregas/services/bff/rest"
	"entregas/services/bff/vivo"
	"entregas/services/internal/arranque"
	"entregas/services/internal/pubsub"
)

const servicio = "bff"

type config struct {
	arranque.Config
}

func main() {
	var cfg config
	arranque.Main(servicio, &cfg, &cfg.Config, func(ctx context.Context) error { return run(ctx, cfg) })
}

func run(ctx context.Context, cfg config) error {
	sidecar, err := cfg.Sidecar(ctx)
	if err != nil {
		return err
	}
	defer sidecar.Close()
	publicador := pubsub.NuevoPublicador(sidecar, servicio)
	rutas := cfg.Rutas(nil)
	montar(ctx, rutas, piezas{
		gestor:    dapr.Gestor{Servicio: dapr.NuevoServicio("gestor-compra", cfg.DaprHTTP)},
		productos: dapr.Productos{Servicio: dapr.NuevoServicio("admin-productos", cfg.DaprHTTP)},
		ordenes:   dapr.Ordenes{Servicio: dapr.NuevoServicio("ordenes", cfg.DaprHTTP)},
		comandos:  dapr.Comandos{Publicador: publicador},
		almacen:   dapr.Almacen{Sidecar: sidecar},
		receptor:  pubsub.NuevoReceptor(rutas, publicador, pubsub.NuevosIntentos(sidecar)),
	})
	return cfg.Servir(ctx, rutas)
}

// piezas is what the program stands on.
type piezas struct {
	gestor    compras.Dueno
	productos rest.Productos
	ordenes   rest.Ordenes
	comandos  compras.Comandos
	almacen   compras.Almacen
	receptor  *pubsub.Receptor
}

// montar adds everything that is served to rutas. Streams end when ctx does.
func montar(ctx context.Context, rutas *mux.Router, p piezas) {
	nucleo := compras.Nuevo(p.gestor, p.comandos, p.almacen)
	avisos := vivo.NuevosAvisos()
	enVivo := vivo.NuevoServidor(ctx, nucleo, avisos)
	rest.Servidor{Compras: nucleo, Decisiones: nucleo, Productos: p.productos, Ordenes: p.ordenes, EnVivo: enVivo}.Registrar(rutas)
	rutas.Handle("/v1", v1.Nuevo(nucleo)).Methods(http.MethodPost)
	rutas.HandleFunc("/stream", enVivo.Todas).Methods(http.MethodGet)
	rutas.HandleFunc("/", portada).Methods(http.MethodGet)
	mensajes.Recibir(p.receptor, nucleo, avisos)
}

// portada says where things are.
func portada(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, `Entregas de los Alpes

  GET  /api/productos               lo que se puede comprar
  POST /api/compras                 comprar: {"id_usuario": "ana", "productos": [{"id_producto": "1", "cantidad": 2}], "domicilio": true}
  GET  /api/compras/{id}            una compra con su historia
  GET  /api/compras/{id}/eventos    lo mismo, en vivo
  POST /api/compras/{id}/cancelacion   cancelarla
  POST /api/compras/{id}/aprobacion    decidir sobre la que espera: {"aprobada": true}
  GET  /api/usuarios/{id}/compras   las compras de un usuario
  POST /api/productos/{id}/reposicion  reponer: {"cantidad": 10}
  GET  /api/ordenes/{id}            una orden
  POST /api/ordenes/{id}/despacho   despacharla
  GET  /stream                      los cambios de todas las compras, en vivo
  POST /v1                          GraphQL del sistema anterior
`)
}
