package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/tests/client"
)

// alertClass is a class of faults, with the alerts that must fire while such a fault lasts. This list is the only place that says which
// alert belongs to which fault.
type alertClass struct {
	what string
	// begin causes the fault, and returns what ends it.
	begin  func(ctx context.Context, c *chaos) (end func() error, err error)
	alerts []expected
	// covers is a regular expression on the faults of the catalog that belong to this class.
	covers string
	disk   bool // the fault needs a small disk for PostgreSQL
	// group names the classes that a quick run causes at the same time: none of them hides the alert of another.
	group string
}

// expects reports whether the class provokes a.
func (k alertClass) expects(a alert) bool {
	return slices.ContainsFunc(k.alerts, func(e expected) bool { return e.is(a) })
}

const restartsOften = "RestartsOften"

// alertClasses returns the classes.
func alertClasses() []alertClass {
	var all []alertClass
	group := ""
	add := func(what, covers string, begin func(context.Context, *chaos) (func() error, error), alerts ...expected) {
		all = append(all, alertClass{what: what, covers: covers, begin: begin, alerts: alerts, group: group})
	}
	service, sidecar := func(app string) expected { return fires("TargetDown", "job=services", "app="+app) },
		func(app string) expected { return fires("TargetDown", "job=sidecars", "app="+app) }

	// Programs that do not run, or do not answer.
	for _, app := range applications {
		alerts := []expected{service(app), sidecar(app)}
		group = "down"
		if app == "consolidador" { // each purchase has a message for it
			alerts = append(alerts, fires("QueueWithoutReader", "topic=comandos-inventario"))
			group = ""
		}
		add(app+" with its sidecar does not run", "", down(app), alerts...)
	}
	group = "frozen"
	for _, app := range applications {
		add(app+" is frozen", "^SIGSTOP of app "+app+"$", ongoing("SIGSTOP of app "+app), service(app))
	}
	for _, app := range applications {
		alerts := []expected{sidecar(app)}
		group = "frozen sidecars"
		if app == "gestor-compra" {
			alerts = append(alerts, fires("WorkflowEngineStands"))
			group = ""
		}
		add("the sidecar of "+app+" is frozen", "^SIGSTOP of the sidecar of "+app+"$", ongoing("SIGSTOP of the sidecar of "+app), alerts...)
	}
	group = ""
	add("consolidador dies again and again", "^(kill -9 of (app|the sidecar of|gestor-compra|all|everything)|restart of )", ongoing("kill -9 of app consolidador"), fires(restartsOften, "app=consolidador"))

	// The infrastructure.
	add("PostgreSQL does not run", "^kill -9 of postgres", down("postgres"), fires("DatabaseDown"))
	add("PostgreSQL is frozen", "^SIGSTOP of postgres$", ongoing("SIGSTOP of postgres"), fires("DatabaseDown"))
	add("the database of ordenes refuses connections", "^connections to PostgreSQL ended", databaseRefused("ordenes", "ordenes"), fires("DatabaseDown", "app=ordenes"))
	add("PostgreSQL has no free connection", "^limit of connections reached$", ongoing("limit of connections reached/open ones ended"), fires("DatabaseDown"))
	add("the network between gestor-compra and its database is cut", "^cut network between", ongoing("cut network between gestor-compra and its database"),
		fires("DatabaseDown", "app=gestor-compra"), scaled("ReconcilerSilent", "app=gestor-compra"))
	add("the network between admin-productos and its database is slow", "^slow network", ongoing("slow network between admin-productos and its database"),
		scaled("PurchasesEndLate", "severity=page"))
	add("the network to the broker is cut", "^cut network to the broker$", ongoing("cut network to the broker"), fires("OutboxIsOld", "app=gestor-compra"))
	add("the disk of PostgreSQL is full", "^full disk", fullDisk, fires("DiskNearlyFull", "mountpoint=*/chaos/data/postgres"))
	all[len(all)-1].disk = true
	add("Pulsar does not run", "^kill -9 of pulsar", down("pulsar"), fires("BrokerDown"), fires("TargetDown", "job=pulsar"))
	add("Pulsar is frozen", "^SIGSTOP of pulsar$", ongoing("SIGSTOP of pulsar"), fires("BrokerDown"))
	add("placement does not run", "^(kill -9|SIGSTOP) of placement$", down("placement"), fires("TargetDown", "app=placement"))
	add("the scheduler does not run", "^kill -9 of (scheduler|placement and scheduler)$", down("scheduler"), fires("SchedulerSilent"))
	add("the scheduler is frozen", "^SIGSTOP of scheduler$", ongoing("SIGSTOP of scheduler"), fires("TargetDown", "app=scheduler"))

	// What goes wrong while everything runs.
	add("three products are locked: a queue stands", "^rows locked", ongoing("rows locked from outside for 60 s/three products"),
		fires("QueueDrainsSlowly", "topic=comandos-producto"), fires("PurchaseUnfinished"))
	group = "beside"
	add("a message that its service refuses", "^a dead letter", refusedMessage, fires("DeadLetterArrived", "topic=eventos-productos"), scaled("DeadLetterIsOld"))
	add("a message that no sidecar can read", "", unreadableMessage, fires("MessageCannotBeRead", "topic=comandos-producto"))
	add("units of the stock appear from nowhere", "", stockDifference, fires("StockBalanceDifference"))
	add("a purchase is FALLIDA", "", purchaseFailed, fires("PurchaseFailed"))
	add("a purchase waits too long for approval", "", approvalWaits, scaled("ApprovalNearDeadline"))
	add("the receiver of a webhook answers 500", "", webhookRefused, scaled("DeliveryFails", "channel=webhook"))
	add("the mail server does not run", "", mailDown, scaled("DeliveryFails", "channel=mail"))

	// What observes.
	add("the collector does not run", "", down("collector"), fires("SpansAreDropped"), fires("TargetDown", "app=collector"))
	add("the store of traces does not run", "", down("traces"), fires("TargetDown", "app=traces"))
	group = ""
	add("no purchase can be accepted", "", doorShut, scaled("PurchasesAreNotAccepted", "severity=page"))
	return all
}

// withoutAlert has the faults of the catalog that belong to no class, and why none of their alerts can be expected.
var withoutAlert = map[string]string{
	"^dies ": "a program dies once and is back within seconds: nobody has to act; dying again and again is a class",
	"^(deliveries repeated|a release before its reservation|topics unloaded every 3 s)": "the system takes it by design: no purchase ends otherwise or later",
	"^backlog deleted while its reader is away":                                         "the reader that is away is a class; what was deleted is asked for again within 30 s",
	"^clock jump ": "no metric shows the clock of a program; node_exporter's alerts of a cluster watch the clock of the machine",
}

// notProvoked has the alerts that no class provokes, and why.
var notProvoked = map[string]string{}

// chosenClasses returns the classes whose name matches the regular expression.
func chosenClasses(expression string) ([]alertClass, error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("FAULTS: %w", err)
	}
	those := slices.DeleteFunc(alertClasses(), func(k alertClass) bool { return !re.MatchString(k.what) })
	if len(those) == 0 {
		return nil, fmt.Errorf("FAULTS: no class has a name that matches %q", expression)
	}
	return those, nil
}

func classesOf(outcomes []outcome) int {
	names := map[string]bool{}
	for _, o := range outcomes {
		names[o.class.what] = true
	}
	return len(names)
}

// down stops a service with its sidecar, or another process of the instance, and starts it again.
func down(name string) func(context.Context, *chaos) (func() error, error) {
	return func(ctx context.Context, c *chaos) (func() error, error) {
		return func() error { return c.local.Run(context.WithoutCancel(ctx), "start", name) }, c.local.Run(ctx, "stop", name)
	}
}

// ongoing causes a fault of the catalog until it is ended, again and again if the fault itself is short.
func ongoing(name string) func(context.Context, *chaos) (func() error, error) {
	return func(ctx context.Context, c *chaos) (func() error, error) {
		f, err := named(name)
		if err != nil {
			return nil, err
		}
		own, cancel := context.WithCancel(ctx)
		result := make(chan error, 1)
		go func() {
			var failure error
			for occurred := false; own.Err() == nil; sleep(own, 2*time.Second) {
				err := f.act(own, c)
				if own.Err() == nil && err == nil {
					occurred, failure = true, nil
				}
				if own.Err() == nil && err != nil && !occurred { // later, a program that was just killed may not run yet
					failure = err
				}
			}
			result <- failure
		}()
		return func() error { cancel(); return <-result }, nil
	}
}

// named returns the fault of the catalog with the name what, or what/step.
func named(name string) (fault, error) {
	for _, f := range catalog() {
		if f.what == name || f.what+"/"+f.step == name {
			return f, nil
		}
	}
	return fault{}, fmt.Errorf("the catalog has no fault %q", name)
}

// statement runs a statement as the administrator of the database of dsn.
func statement(ctx context.Context, dsn, sql string, args ...any) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql, args...)
	return errors.Join(err, conn.Close(ctx))
}

// statements runs one statement to begin the fault and one to end it.
func statements(ctx context.Context, dsn, begin, end string, args ...any) (func() error, error) {
	return func() error { return statement(context.WithoutCancel(ctx), dsn, end, args...) }, statement(ctx, dsn, begin, args...)
}

// databaseRefused makes one database refuse connections, and ends those that exist.
func databaseRefused(database, role string) func(context.Context, *chaos) (func() error, error) {
	return func(ctx context.Context, c *chaos) (func() error, error) {
		end, err := statements(ctx, c.env.ManagerDSN, "alter database "+database+" with allow_connections false", "alter database "+database+" with allow_connections true")
		if err != nil {
			return nil, err
		}
		return end, statement(ctx, c.env.ManagerDSN, "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = $2", database, role)
	}
}

// fullDisk fills the disk of PostgreSQL.
func fullDisk(ctx context.Context, c *chaos) (func() error, error) {
	if c.disk.missing != nil {
		return nil, didNotOccur("%v", c.disk.missing)
	}
	free, err := c.disk.fill()
	return func() error { free(); return nil }, err
}

// refusedMessage publishes a reply to no command. An operator discards it.
func refusedMessage(ctx context.Context, c *chaos) (func() error, error) {
	s := c.oneCompra()
	m := contracts.NewMessage("chaos", contracts.ProductosReservados, "", contracts.DatosEventoProductos{
		IDCompra: s.ID, RespondeA: string(contracts.ReservarProducto), Faltantes: []contracts.Faltante{}})
	if err := client.Publish(ctx, c.broker, contracts.EventosProductos, m); err != nil {
		return nil, err
	}
	if err := c.followToEnd(ctx, s, contracts.EstadoConfirmada); err != nil {
		return nil, err
	}
	return func() error { return c.discardAll(context.WithoutCancel(ctx)) }, nil
}

// unreadableMessage publishes bytes that are no record of the topic. An operator sets them aside and discards them.
func unreadableMessage(ctx context.Context, c *chaos) (func() error, error) {
	topic := string(contracts.ComandosProducto)
	schema, err := contracts.AvroSchema(topic)
	if err != nil {
		return nil, err
	}
	p, err := c.broker.Producer(topic, pulsar.NewAvroSchema(schema, nil))
	if err != nil {
		return nil, err
	}
	defer p.Close()
	id, err := p.Send(ctx, &pulsar.ProducerMessage{Payload: []byte("\xff\xff nothing")})
	if err != nil {
		return nil, err
	}
	place := fmt.Sprintf("%d:%d", id.LedgerID(), id.EntryID())
	return func() error {
		ctx := context.WithoutCancel(ctx)
		if err := c.operate(ctx, http.MethodPost, "/mensajes-muertos/"+place+"/apartado", nil); err != nil {
			return err
		}
		sleep(ctx, 2*time.Second)
		return c.discardAll(ctx)
	}, nil
}

// discardAll discards each dead letter, as an operator does.
func (c *chaos) discardAll(ctx context.Context) error {
	r, err := c.load.bff.Request(ctx, http.MethodGet, "/mensajes-muertos", nil)
	if err != nil {
		return err
	}
	var letters []contracts.MensajeMuerto
	if err := json.Unmarshal(r.Body, &letters); err != nil {
		return fmt.Errorf("%d %s: %w", r.Status, r.Body, err)
	}
	for _, l := range letters {
		err := c.operate(ctx, http.MethodPost, "/mensajes-muertos/"+url.PathEscape(l.ID)+"/descarte", map[string]string{"motivo": "chaos"})
		var refused *client.Problem
		if err != nil && (!errors.As(err, &refused) || refused.Status != http.StatusNotFound) { // another class may have discarded it
			return err
		}
	}
	return nil
}

// stockDifference adds units to a product without a movement.
func stockDifference(ctx context.Context, c *chaos) (func() error, error) {
	return statements(ctx, c.env.ProductosDSN, "update producto set cantidad = cantidad + 7 where id = '9'", "update producto set cantidad = cantidad - 7 where id = '9'")
}

// purchaseFailed gives a rejected purchase the state FALLIDA, and its own state back.
func purchaseFailed(ctx context.Context, c *chaos) (func() error, error) {
	id, err := client.One[string](ctx, c.load.manager, "select id from compra where estado = 'RECHAZADA' limit 1")
	if err != nil {
		return nil, err
	}
	return statements(ctx, c.env.ManagerDSN, "update compra set estado = 'FALLIDA' where id = $1", "update compra set estado = 'RECHAZADA' where id = $1", id)
}

// approvalWaits buys so much that an operator must approve it.
func approvalWaits(ctx context.Context, c *chaos) (func() error, error) {
	s := c.oneCompra()
	s.Productos[0].Cantidad = tooBig
	p := c.load.comprar(ctx, s, approved)
	if p == nil {
		return nil, errors.New("the purchase was not accepted")
	}
	return func() error {
		c.load.insist(context.WithoutCancel(ctx), http.MethodPost, "/compras/"+p.id+"/aprobacion", map[string]any{"aprobada": true})
		c.load.mu.Lock()
		defer c.load.mu.Unlock()
		p.finals = []contracts.Estado{contracts.EstadoConfirmada}
		return nil
	}, nil
}

// doorShut stops what accepts purchases behind the bff: gestor-compra and the broker.
func doorShut(ctx context.Context, c *chaos) (func() error, error) {
	broker, err := ongoing("SIGSTOP of pulsar")(ctx, c)
	if err != nil {
		return nil, err
	}
	manager, err := ongoing("SIGSTOP of app gestor-compra")(ctx, c)
	if err != nil {
		return nil, errors.Join(err, broker())
	}
	return func() error { return errors.Join(manager(), broker()) }, nil
}

// webhookRefused registers an address that answers 500 until the end of the fault.
func webhookRefused(ctx context.Context, c *chaos) (func() error, error) {
	var well atomic.Bool
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !well.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	c.onExit(receiver.Close)
	if err := c.operate(ctx, http.MethodPost, "/avisos/direcciones", contracts.NuevaDireccion{URL: receiver.URL}); err != nil {
		return nil, err
	}
	return func() error { well.Store(true); return nil }, nil
}

// mailDown stops the catcher of mails. The load's customers have no address, so one more customer buys.
func mailDown(ctx context.Context, c *chaos) (func() error, error) {
	dsn, err := c.local.Output(ctx, "dsn", "avisos")
	if err != nil {
		return nil, err
	}
	s := c.oneCompra()
	if err := statement(ctx, dsn, "insert into contacto (id_usuario, correo) values ($1, 'chaos@ejemplo.com') on conflict do nothing", s.IDUsuario); err != nil {
		return nil, err
	}
	end, err := down("mail")(ctx, c)
	if err != nil {
		return nil, err
	}
	return end, c.followToEnd(ctx, s, contracts.EstadoConfirmada)
}

// operate sends a request of an operator to the bff.
func (c *chaos) operate(ctx context.Context, method, path string, body any) error {
	r, err := c.load.bff.Request(ctx, method, path, body)
	if err == nil && r.Status/100 != 2 {
		err = r.Problem()
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}
