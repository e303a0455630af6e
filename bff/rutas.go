package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"entregas/services/bff/acceso"
	"entregas/services/bff/borde"
	"entregas/services/bff/explorar"
	"entregas/services/bff/graph/comun"
	"entregas/services/bff/graph/publico"
	v1 "entregas/services/bff/graph/v1"
	"entregas/services/bff/identidad"
	"entregas/services/bff/memory"
	"entregas/services/bff/mensajes"
	"entregas/services/bff/paginas"
	"entregas/services/bff/rest"
	"entregas/services/bff/vivo"
	interno "entregas/services/internal/rest"
)

// montar adds everything that is served to rutas. Streams end when ctx does.
//
// Each request passes, in this order: the headers for browsers, its time limit, what its address has open, its caller and their
// rate, the memory that requests may hold, and whether it was answered before. What the program's own sidecar delivers passes
// none of it: p.receptor has routes of its own.
func montar(ctx context.Context, rutas *mux.Router, cfg config, p piezas) error {
	limites := borde.NuevosLimites(borde.Ritmo{PorSegundo: cfg.PorSujeto, DeGolpe: cfg.DeGolpe},
		borde.Ritmo{PorSegundo: cfg.PorDireccion, DeGolpe: cfg.DireccionGolpe},
		borde.Open{Connections: cfg.MaxConnectionsPerAddress, Streams: cfg.MaxStreamsPerAddress}, cfg.Proxies)
	pool := memory.New(memory.Limits{Total: cfg.InFlight, Answer: cfg.MaxAnswer, Waiting: waitForRoom})
	introspeccion := cfg.Introspeccion && cfg.desarrollo()
	puerta := acceso.Puerta{Nucleo: p.nucleo, Operacion: p.operacion, Almacen: p.productos, Bodega: p.ordenes, Monitor: p.monitor}
	avisos := vivo.NuevosAvisos()
	enVivo := vivo.NuevoServidor(ctx, puerta, avisos)

	deLasPaginas := rutas.NewRoute().Subrouter()
	deLasPaginas.Use(borde.Cabeceras, borde.Plazo(cfg.Plazo), limites.LimitOpen)
	paginas.Registrar(deLasPaginas)

	paraTodos := rutas.NewRoute().Subrouter() // for any caller
	paraTodos.Use(borde.Cabeceras, borde.Plazo(cfg.Plazo), limites.LimitOpen, limites.PorDireccion, limites.Bounded(pool), borde.SameOrigin(cfg.Origenes))
	confiado, err := emisorDe(cfg, paraTodos, p.almacen)
	if err != nil {
		return err
	}
	sesiones := identidad.NuevasSesiones(confiado, p.almacen, cfg.MaxSessions)
	sesiones.Registrar(paraTodos)
	explorar.Docs(paraTodos)
	if cfg.GraphiQL {
		explorar.GraphiQL(paraTodos)
	}
	paraTodos.HandleFunc("/", portada).Methods(http.MethodGet)

	conQuien := rutas.NewRoute().Subrouter()
	conQuien.Use(borde.Cabeceras, borde.Plazo(cfg.Plazo), limites.LimitOpen, limites.Identificar(sesiones.Quien), limites.Bounded(pool), borde.Idempotencia(borde.Keys{
		Store: p.almacen, Quota: p.quota, Largest: cfg.MaxKept, Changes: comun.Changes,
	}))
	rest.Servidor{Puerta: puerta, EnVivo: enVivo}.Registrar(conQuien)
	sockets := comun.Sockets{Stop: ctx, Origins: cfg.Origenes, Identify: limites.Identify(confiado.Verificar)}
	conQuien.Handle("/graphql", publico.Nuevo(puerta, enVivo, pool, introspeccion, sockets)).Methods(http.MethodPost, http.MethodGet)
	if cfg.desarrollo() {
		paraTodos.Handle("/v1", v1.Nuevo(p.nucleo, pool, introspeccion)).Methods(http.MethodPost)
		paraTodos.HandleFunc("/stream", enVivo.Todas).Methods(http.MethodGet)
	} else {
		conQuien.Handle("/v1", v1.Nuevo(puerta, pool, introspeccion)).Methods(http.MethodPost)
		conQuien.Handle("/stream", interno.Ruta(func(w http.ResponseWriter, r *http.Request) error {
			if err := identidad.ExigirDe(r.Context(), identidad.Operador); err != nil {
				return err
			}
			enVivo.Todas(w, r)
			return nil
		})).Methods(http.MethodGet)
	}
	mensajes.Recibir(p.receptor, p.nucleo, avisos)
	return nil
}

// waitForRoom is how long a request waits while too much is in flight, before it is refused.
const waitForRoom = time.Second

// portada says where things are.
func portada(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, `Entregas de los Alpes

  GET  /docs                        la interfaz REST, para leer y probar
  GET  /graphiql                    la interfaz GraphQL (POST /graphql)
  GET  /entrar                      empezar una sesión

  GET  /api/productos?buscar=cafe   lo que se puede comprar

Con un token (Authorization: Bearer $(make -s token ROL=cliente USUARIO=ana)):

  POST /api/compras                 comprar: {"productos": [{"id_producto": "1", "cantidad": 2}], "domicilio": true}
  GET  /api/compras/{id}            una compra con su historia
  GET  /api/compras/{id}/eventos    lo mismo, en vivo
  POST /api/compras/{id}/cancelacion   cancelarla
  GET  /api/usuarios/{id}/compras   las compras de un usuario

Operadores (ROL=operador):

  GET  /api/compras                 las de todos: ?estado=POR_APROBAR&domicilio=true
  GET  /api/compras/{id}/mensajes   lo que su saga pidió y lo que le respondieron
  POST /api/compras/{id}/aprobacion    decidir sobre la que espera: {"aprobada": true}
  POST /api/compras/{id}/reintento  retomar una FALLIDA o una que no avanza
  GET  /api/ordenes/{id}            una orden
  POST /api/ordenes/{id}/despacho   despacharla
  POST /api/productos/{id}/reposicion  reponer: {"cantidad": 10}
  GET  /api/operacion/resumen       lo que pasa ahora; también /colas y /balance
  GET  /api/mensajes-muertos        los que nadie pudo atender; POST …/{id}/reposicion devuelve uno, …/{id}/apartado aparta uno ilegible

  GET  /stream                      los cambios de todas las compras, en vivo
  POST /v1                          GraphQL del sistema anterior
`)
}
