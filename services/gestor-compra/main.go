// Command gestor-compra takes purchases in and runs the saga of each.
package main

import (
	"context"
	"sync"
	"time"

	"github.com/dapr/durabletask-go/workflow"

	"entregas/services/gestor-compra/admision"
	"entregas/services/gestor-compra/compras"
	"entregas/services/gestor-compra/difusion"
	"entregas/services/gestor-compra/engine"
	"entregas/services/gestor-compra/mensajes"
	"entregas/services/gestor-compra/postgres"
	"entregas/services/gestor-compra/recepcion"
	"entregas/services/gestor-compra/reconciliacion"
	"entregas/services/gestor-compra/rest"
	"entregas/services/gestor-compra/saga"
	"entregas/services/internal/arranque"
	"entregas/services/internal/base"
	"entregas/services/internal/pubsub"
	"entregas/workflows/compra"
)

const servicio = "gestor-compra"

type config struct {
	arranque.Config
	BaseDatos         string        `conf:"env:DATABASE_URL,required,mask,help:address of database gestor_compra" unit:"URL"`
	Esquema           base.Esquema  `conf:"env:MIGRATIONS,default:apply,help:apply the migrations of the database; wait until a job applied them; or apply-and-exit as such a job"`
	Conexiones        int32         `conf:"env:MAX_DATABASE_CONNECTIONS,default:20,help:connections to the database that one replica may open" unit:"connections"`
	Cupo              int           `conf:"env:MAX_IN_FLIGHT,default:64,help:purchases in flight over all replicas; the others wait in the queue" unit:"purchases"`
	MaxPerCustomer    int           `conf:"env:MAX_IN_FLIGHT_PER_CUSTOMER,default:0,help:of the purchases in flight those of one customer; 0 is half of MAX_IN_FLIGHT" unit:"purchases"`
	MaxOpen           int           `conf:"env:MAX_OPEN_PER_CUSTOMER,default:100,help:purchases of one customer whose order has not left; a further one is refused; ordenes has MAX_OPEN_ORDENES" unit:"purchases"`
	VentajaDomicilio  time.Duration `conf:"env:DOMICILIO_ADVANTAGE,default:10m,help:how much older a purchase with home delivery counts in the queue"`
	Arriendo          time.Duration `conf:"env:START_LEASE,default:30s,help:how long a replica has to start the workflow of a purchase that it took from the queue; then another one takes it"`
	VueltaAdmision    time.Duration `conf:"env:ADMISSION_EVERY,default:1s,help:how often to look for purchases to start; a new one and a free place are looked at at once"`
	Paciencia         time.Duration `conf:"env:STEP_PATIENCE,default:5m,help:how long a step waits for its reply; then the purchase is rolled back"`
	Insistencia       time.Duration `conf:"env:ASK_AGAIN_AFTER,default:60s,help:how long a step waits before it sends its command again; each further wait is twice as long"`
	UmbralAprobacion  int           `conf:"env:APPROVAL_THRESHOLD,default:100,help:a purchase of more units than this waits for the approval of an operator" unit:"units"`
	PlazoAprobacion   time.Duration `conf:"env:APPROVAL_TIMEOUT,default:24h,help:how long a purchase waits for approval; then it is rolled back"`
	WantedStock       time.Duration `conf:"env:WANTED_STOCK_TIMEOUT,default:15m,help:how long a purchase may still wait for approval once another was refused for want of the units that it holds"`
	PlazoCompensacion time.Duration `conf:"env:COMPENSATION_TIMEOUT,default:24h,help:how long a rollback is tried; then the purchase is FALLIDA and an operator must act"`
	ReconcileEvery    time.Duration `conf:"env:RECONCILE_EVERY,default:15s,help:how often to look for workflows that stand still"`
	StalledAfter      time.Duration `conf:"env:STALLED_AFTER,default:90s,help:how long a workflow may give no sign of life; then it is replaced"`
	MaxReplacements   int           `conf:"env:MAX_REPLACEMENTS,default:10,help:replacements of the workflow of one purchase after which the purchase is FALLIDA" unit:"replacements"`
}

// places are those that the admission gives out. One customer never has all of them, unless there is only one.
func (c config) places() compras.Places {
	perCustomer := c.MaxPerCustomer
	if perCustomer <= 0 {
		perCustomer = (c.Cupo + 1) / 2
	}
	return compras.Places{Total: c.Cupo, PerCustomer: perCustomer, HeadStart: c.VentajaDomicilio, Lease: c.Arriendo}
}

func main() {
	var cfg config
	arranque.Main(servicio, &cfg, &cfg.Config, func(ctx context.Context) error { return run(ctx, cfg) })
}

func run(ctx context.Context, cfg config) error {
	pool, err := base.Abrir(ctx, cfg.BaseDatos, cfg.Conexiones)
	if err != nil {
		return err
	}
	defer pool.Close()
	if sigue, err := cfg.Esquema.Poner(ctx, pool, postgres.Migraciones); err != nil || !sigue {
		return err
	}
	sidecar, err := cfg.Sidecar(ctx)
	if err != nil {
		return err
	}
	defer sidecar.Close()

	almacen, publicador := postgres.Nuevo(pool), pubsub.NuevoPublicador(sidecar, servicio)
	worker := workflow.NewClient(sidecar.GrpcClientConn())
	motor := engine.New(worker)
	difusor, avisos := difusion.Nueva(almacen, publicador), postgres.NuevosAvisos(pool)
	ajustesSaga := compra.Ajustes{UmbralAprobacion: cfg.UmbralAprobacion, PlazoAprobacion: cfg.PlazoAprobacion, PlazoCompensacion: cfg.PlazoCompensacion}
	admisor := admision.Nueva(almacen, motor, admision.Ajustes{
		Places: cfg.places(), Vuelta: cfg.VueltaAdmision, Saga: ajustesSaga,
	})
	search := reconciliacion.Settings{Quiet: cfg.StalledAfter, Every: cfg.ReconcileEvery, Limit: cfg.MaxReplacements, Saga: ajustesSaga}
	if err := search.Check(); err != nil {
		return err
	}
	reconciler := reconciliacion.New(almacen, motor, search)
	gestor := recepcion.Nueva(almacen, difusor, admisor, recepcion.Options{MaxOpen: cfg.MaxOpen, Admit: admisor.Avisar, Reconcile: reconciler.Tell, Approval: cfg.PlazoAprobacion})
	actividades := saga.Nueva(almacen, mensajes.Participants{Publisher: publicador}, avisos, difusor, saga.Ajustes{
		Paciencia: cfg.Paciencia, Insistencia: cfg.Insistencia, VueltaRevision: saga.LookEvery, EsperaRollback: cfg.Paciencia,
		PlazoAprobacion: cfg.PlazoAprobacion, WantedStock: cfg.WantedStock,
	}, admisor.Avisar)
	registro := workflow.NewRegistry()
	if err := compra.Registrar(registro, actividades); err != nil {
		return err
	}

	rutas := cfg.Rutas(map[string]arranque.Comprobacion{"la base de datos": pool.Ping})
	rest.Servir(rutas, gestor, almacen)
	mensajes.Recibir(pubsub.NuevoReceptor(rutas, publicador, pubsub.NuevosIntentos(sidecar)), gestor, almacen)

	var tareas sync.WaitGroup
	ctx, parar := context.WithCancel(ctx)
	defer tareas.Wait() // they use what is closed after this
	defer parar()       // also where it is not a signal that ends the program
	tareas.Go(func() { avisos.Escuchar(ctx) })
	tareas.Go(func() { difusor.Correr(ctx) })
	if err := worker.StartWorker(ctx, registro); err != nil {
		return err
	}
	tareas.Go(func() { admisor.Correr(ctx) })
	tareas.Go(func() { arranque.Repetir(ctx, admision.SweepEvery, "entregar decisiones", admisor.Barrer) })
	tareas.Go(func() {
		arranque.Repetir(ctx, recepcion.ReleaseEvery, "liberar lo que otros quieren", func(ctx context.Context) error { return gestor.ReleaseWanted(ctx, cfg.WantedStock) })
	})
	tareas.Go(func() { reconciler.Run(ctx) })
	return cfg.Servir(ctx, rutas)
}
