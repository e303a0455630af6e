// Command chaos causes faults while customers buy: one fault at a time, in an order that a seed determines.
// Afterwards an independent auditor checks the books. It prints the crash matrix for docs/results.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"entregas/tests/auditor"
	"entregas/tests/balancer"
	"entregas/tests/client"
)

// chaos is one run.
type chaos struct {
	local      *client.Local
	env        client.Env
	network    *network
	ear        *ear
	broker     *client.Broker
	load       *load
	auditor    *auditor.Auditor
	failpoints string // the folder of the files that arm a failpoint
	rows       map[string]*row
	order      []string
	late       map[string]late // purchases by id
	exposed    map[string]bool // purchases that met a fault after which a reconciler may have to mend them
	rng        *rand.Rand      // for the durations of faults and other random choices
	short      bool
	hold       time.Duration      // how long a fault lasts when it is longer than usual: the test of the alerts ends it earlier
	door       *balancer.Balancer // in front of the two bffs; nil when there is only one
	disk       *disk
	alerts     *watcher // what looks at the alerts; nil when the run is not about them
	mu         sync.Mutex
	undos      []func() // the functions that take back the changes of this program to the instance
}

type settings struct {
	minutes, customers int
	seed               uint64
	short              bool
	report, faults     string
	alerts, together   bool
	quiet              time.Duration
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var a settings
	flag.IntVar(&a.minutes, "minutes", 10, "how many minutes to run; 0 does each fault once")
	flag.IntVar(&a.customers, "clients", 6, "how many customers buy at the same time")
	flag.Uint64Var(&a.seed, "seed", uint64(time.Now().Unix()), "the seed of the plan")
	flag.BoolVar(&a.short, "short", false, "do one fault of each kind, and end")
	flag.StringVar(&a.report, "report", "", "a file to write the table to, in Markdown")
	flag.StringVar(&a.faults, "faults", "", "only faults whose name matches: a regular expression on fault/step")
	flag.BoolVar(&a.alerts, "alerts", false, "cause each class of faults once, and expect its alert within a minute")
	flag.BoolVar(&a.together, "together", false, "cause the classes of a group at the same time: quicker")
	flag.DurationVar(&a.quiet, "quiet", 0, "how long to run without faults first: no alert may fire")
	flag.Parse()
	start := run
	if a.alerts || a.quiet > 0 {
		start = runAlerts
	}
	err := start(ctx, a)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, a settings) (err error) {
	all, err := chosen(catalog(), a.faults)
	if err != nil {
		return err
	}
	if a.short {
		all = shortOnes(all)
	}
	c := newChaos(a)
	defer func() { err = errors.Join(err, c.shutDown()) }()
	if err := c.open(ctx, all); err != nil {
		return err
	}
	fmt.Printf("chaos: seed %d, %d customers, %d minutes, %d different faults\n", a.seed, a.customers, a.minutes, len(all))
	start := time.Now()
	c.load.start(ctx, a.customers, a.seed)
	sleep(ctx, 3*time.Second)
	p, once := newPlan(a.seed, all), a.short || a.minutes == 0
	for n := 0; ctx.Err() == nil; n++ {
		if (once && n == len(all)) || (!once && time.Since(start) > time.Duration(a.minutes)*time.Minute) {
			break
		}
		c.episode(ctx, n+1, p.next())
	}
	c.load.stop()
	return c.conclude(ctx, a, time.Since(start))
}

func newChaos(a settings) *chaos {
	return &chaos{rows: map[string]*row{}, late: map[string]late{}, exposed: map[string]bool{}, rng: rand.New(rand.NewPCG(a.seed, 2)), short: a.short}
}

// open starts a new system with failpoints, behind the proxies. all are the faults that the run may cause.
func (c *chaos) open(ctx context.Context, all []fault) (err error) {
	if c.network, err = openNetwork(); err != nil {
		return err
	}
	if c.local, err = client.NewLocal("chaos"); err != nil {
		return err
	}
	c.failpoints = filepath.Join(c.local.Root, ".local", "chaos", "failpoints")
	c.local.Settings = append(c.network.settings(), c.settings()...)
	fmt.Println("chaos: start everything with new data")
	if err := c.start(ctx, all); err != nil {
		return err
	}
	if err := os.MkdirAll(c.failpoints, 0o755); err != nil { // #nosec G301 -- the services read the folder
		return err
	}
	if c.env, err = c.local.Env(ctx); err != nil {
		return err
	}
	if !c.short {
		if err := c.openDoor(ctx); err != nil {
			return err
		}
	}
	if _, err := client.Direct(c.env.Admin).Restock(ctx, map[string]int{"1": stock, "2": stock, "3": stock, "4": stock}, "chaos"); err != nil {
		return err
	}
	if c.broker, err = client.OpenBroker(c.env); err != nil {
		return err
	}
	if c.ear, err = openEar(ctx, c.env); err != nil {
		return err
	}
	manager, err := client.OpenDatabase(ctx, c.env.ManagerDSN)
	if err != nil {
		return err
	}
	bff := client.New(c.env.BFF)
	if c.door != nil {
		if bff, err = c.env.Through(c.door.URL); err != nil {
			return err
		}
	}
	c.load = &load{bff: bff, manager: manager, runName: time.Now().UTC().Format("150405")}
	c.auditor, err = auditor.Open(ctx, auditor.Addresses{
		ManagerDSN: c.env.ManagerDSN, ProductosDSN: c.env.ProductosDSN, OrdenesDSN: c.env.OrdenesDSN,
		PulsarURL: c.env.PulsarURL, PulsarAdmin: c.env.PulsarAdmin,
	})
	return err
}

// settings returns the settings of the services that the run needs.
func (c *chaos) settings() (all []string) {
	if c.alerts != nil {
		return alertSettings
	}
	for _, s := range applications {
		all = append(all, "APP_"+inUppercase(s)+"_FAILPOINTS_DIR="+c.failpoints)
	}
	return append(all, "BUILD_TAGS=failpoints")
}

// start starts the instance with new data. When all contains the fault that fills the disk, PostgreSQL gets a small disk of its own.
func (c *chaos) start(ctx context.Context, all []fault) error {
	c.disk = c.newDisk()
	if err := c.local.Run(ctx, "down"); err != nil {
		return err
	}
	if err := c.disk.unmount(false); err != nil { // a killed run may have left the disk mounted
		return err
	}
	if err := c.local.Run(ctx, "reset"); err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(f fault) bool { return strings.HasPrefix(f.what, diskFault) }) {
		c.disk.missing = c.disk.mount()
	}
	if c.alerts != nil {
		if err := c.local.Run(ctx, "observe"); err != nil {
			return err
		}
	}
	return c.local.Run(ctx, "up")
}

// shutDown takes back the remaining changes to the instance and stops it. It keeps the data, so that a person can start the instance
// again and inspect it.
func (c *chaos) shutDown() (err error) {
	c.undoAll()
	if c.local != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		err = c.local.Run(ctx, "down")
		if c.alerts != nil {
			c.alerts.close()
			err = errors.Join(err, c.local.Run(ctx, "observe", "off"))
		}
	}
	if c.disk != nil {
		err = errors.Join(err, c.disk.unmount(true))
	}
	if c.door != nil {
		c.door.Close()
	}
	if c.network != nil {
		c.network.shutDown()
	}
	return err
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
