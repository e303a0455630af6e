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
	BaseDatos         string        `conf:"env:DATABASE_URL,required,mask,help:address of database gestor_compra"`
	Esquema           base.Esquema  `conf:"env:MIGRATIONS,default:apply,help:apply the migrations of the database; wait until a job applied them; or apply-and-exit as such a job"`
	Conexiones        int32         `conf:"env:MAX_DATABASE_CONNECTIONS,default:20"`
	Cupo              int           `conf:"env:MAX_IN_FLIGHT,default:64,help:purchases in flight at most over all replicas"`
	MaxPerCustomer    int           `conf:"env:MAX_IN_FLIGHT_PER_CUSTOMER,default:0,help:of the purchases in flight those of one customer; 0 is half of MAX_IN_FLIGHT"`
	MaxOpen           int           `conf:"env:MAX_OPEN_PER_CUSTOMER,default:100,help:purchases that a customer may have whose order has not left; ordenes has MAX_OPEN_ORDENES"`
	VentajaDomicilio  time.Duration `conf:"env:DOMICILIO_ADVANTAGE,default:10m,help:how much older home delivery counts in the queue"`
	Arriendo          time.Duration `conf:"env:START_LEASE,default:30s"`
	VueltaAdmision    time.Duration `conf:"env:ADMISSION_EVERY,default:1s"`
	Paciencia         time.Duration `conf:"env:STEP_PATIENCE,default:5m,help:how long a step waits for its reply"`
	Insistencia       time.Duration `conf:"env:ASK_AGAIN_AFTER,default:60s,help:after which a step asks again and then doubling"`
	UmbralAprobacion  int           `conf:"env:APPROVAL_THRESHOLD,default:100,help:more units than this need an approval"`
	PlazoAprobacion   time.Duration `conf:"env:APPROVAL_TIMEOUT,default:24h"`
	WantedStock       time.Duration `conf:"env:WANTED_STOCK_TIMEOUT,default:15m,help:how long a purchase may go on to await approval once others were refused for want of what it holds"`
	PlazoCompensacion time.Duration `conf:"env:COMPENSATION_TIMEOUT,default:24h"`
	ReconcileEvery    time.Duration `conf:"env:RECONCILE_EVERY,default:15s,help:how often to look for workflows that stand still"`
	StalledAfter      time.Duration `conf:"env:STALLED_AFTER,default:90s,help:a workflow without a sign of life for longer is replaced"`
	MaxReplacements   int           `conf:"env:MAX_REPLACEMENTS,default:10,help:replacements of a purchase's workflow after which it is FALLIDA"`
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
	actividades := saga.Nueva(almacen, publicador, avisos, difusor, saga.Ajustes{
		Paciencia: cfg.Paciencia, Insistencia: cfg.Insistencia, VueltaRevision: 5 * time.Second, EsperaRollback: cfg.Paciencia,
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
	tareas.Go(func() { arranque.Repetir(ctx, 30*time.Second, "entregar decisiones", admisor.Barrer) })
	tareas.Go(func() {
		arranque.Repetir(ctx, 10*time.Second, "liberar lo que otros quieren", func(ctx context.Context) error { return gestor.ReleaseWanted(ctx, cfg.WantedStock) })
	})
	tareas.Go(func() { reconciler.Run(ctx) })
	return cfg.Servir(ctx, rutas)
}
