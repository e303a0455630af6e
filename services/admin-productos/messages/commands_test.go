package messages_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"entregas/contracts"
	"entregas/internal/databasetest"
	"entregas/internal/inbox"
	"entregas/internal/pubsub"
	"entregas/internal/pubsubtest"
	"entregas/services/admin-productos/messages"
	"entregas/services/admin-productos/postgres"
)

// program is admin-productos without its sidecar.
type program struct {
	routes *mux.Router
	broker pubsubtest.Broker
}

func newProgram(t *testing.T, pace *messages.Pace) *program {
	pool := databasetest.New(t, postgres.Migrations)
	p := &program{routes: mux.NewRouter()}
	publisher := pubsub.NewPublisher(&p.broker, "admin-productos")
	messages.Receive(pubsub.NewReceiver(p.routes, publisher, inbox.NewAttempts(pool)), publisher, postgres.New(pool), pace)
	return p
}

func fast() *messages.Pace { return messages.NewPace(0, 0) }

func command(kind contracts.MessageType, id string, lineas ...contracts.Linea) contracts.Message[contracts.DatosComandoProducto] {
	return contracts.NewMessage("gestor-compra", kind, "", contracts.DatosComandoProducto{IDCompra: id, Productos: lineas})
}

func linea(id string, cantidad int) contracts.Linea {
	return contracts.Linea{IDProducto: id, Cantidad: cantidad}
}

func (p *program) replies(t *testing.T) []contracts.Message[contracts.DatosEventoProductos] {
	return pubsubtest.Published(t, &p.broker, contracts.EventosProductos)
}

func (p *program) deadLetters() []map[string]string {
	return p.broker.Metadata(string(contracts.ComandosProducto) + "-dlq")
}

func TestEachCommandHasItsReply(t *testing.T) {
	p, id, absent := newProgram(t, fast()), uuid.NewString(), uuid.NewString()
	steps := []struct {
		command contracts.Message[contracts.DatosComandoProducto]
		replies contracts.MessageType
	}{
		{command(contracts.ReservarProducto, id, linea("14", 2)), contracts.ProductosReservados},
		{command(contracts.DespacharReserva, id), contracts.ReservaDespachada},
		{command(contracts.ReservarProducto, absent, linea("14", 9)), contracts.ReservaRechazada},
		{command(contracts.LiberarReserva, absent, linea("14", 9)), contracts.ReservaLiberada},
	}
	for i, step := range steps {
		if status := pubsubtest.Deliver(t, p.routes, contracts.ComandosProducto, step.command); status != "SUCCESS" {
			t.Fatalf("%s: %s", step.command.Type, status)
		}
		r := p.replies(t)[i]
		if r.Type != step.replies || r.Data.RespondeA != string(step.command.Type) || r.Data.IDCompra != step.command.Data.IDCompra {
			t.Errorf("%s: %+v", step.command.Type, r)
		}
	}
	if f := p.replies(t)[2].Data.Faltantes; len(f) != 1 || f[0] != (contracts.Faltante{IDProducto: "14", Solicitada: 9, Disponible: 8}) {
		t.Errorf("faltantes: %v", f)
	}
	if len(p.deadLetters()) != 0 {
		t.Errorf("dead letters: %v", p.deadLetters())
	}
}

// A command that can be decoded and has invalid data becomes a dead letter with the reason.
func TestSenselessCommandIsADeadLetter(t *testing.T) {
	id := uuid.NewString()
	old := command(contracts.ReservarProducto, id, linea("1", 1))
	old.Time = time.Now().Add(-inbox.Retention - time.Hour).UnixMilli()
	p := newProgram(t, fast())
	for name, c := range map[string]struct {
		command contracts.Message[contracts.DatosComandoProducto]
		motivo  string
	}{
		"unknown type":        {command("RegalarProducto", id), "RegalarProducto"},
		"an event":            {command(contracts.ProductosReservados, id), "ProductosReservados"},
		"no lines":            {command(contracts.ReservarProducto, id), "productos"},
		"quantity 0":          {command(contracts.ReservarProducto, id, linea("1", 0)), "productos[0].cantidad"},
		"not a purchase's id": {command(contracts.LiberarReserva, "1; drop table"), "id_compra"},
		"older than memory":   {old, "ya no se sabe"},
	} {
		t.Run(name, func(t *testing.T) {
			earlier := len(p.deadLetters())
			status := pubsubtest.Deliver(t, p.routes, contracts.ComandosProducto, c.command)
			deadLetters := p.deadLetters()
			if status != "SUCCESS" || len(deadLetters) != earlier+1 {
				t.Fatalf("%s, %d dead letters", status, len(deadLetters)-earlier)
			}
			if motivo := deadLetters[earlier]["motivo"]; !strings.Contains(motivo, c.motivo) {
				t.Errorf("motivo %q", motivo)
			}
		})
	}
	if len(p.replies(t)) != 0 {
		t.Errorf("there are replies: %v", p.replies(t))
	}
}

// The service publishes the reply before it acknowledges the command (docs/adr/stored-replies.md). If the publication fails,
// the broker redelivers the command, and the service publishes the stored reply.
func TestWithoutAReplyTheCommandComesBack(t *testing.T) {
	p, c := newProgram(t, fast()), command(contracts.ReservarProducto, uuid.NewString(), linea("14", 6))
	p.broker.Fail(context.DeadlineExceeded)
	for range 20 { // more than MaxAttempts: trouble with the broker does not count as an attempt
		if status := pubsubtest.Deliver(t, p.routes, contracts.ComandosProducto, c); status != "RETRY" {
			t.Fatal(status)
		}
	}
	p.broker.Fail(nil)
	if status := pubsubtest.Deliver(t, p.routes, contracts.ComandosProducto, c); status != "SUCCESS" {
		t.Fatal(status)
	}
	if r := p.replies(t); len(r) != 1 || r[0].Type != contracts.ProductosReservados || len(p.deadLetters()) != 0 {
		t.Errorf("%v; dead letters %v", r, p.deadLetters())
	}
}

// DELAY slows only the first delivery of a command, not a redelivery whose reply is stored.
func TestDelaySparesWhatIsAnswered(t *testing.T) {
	const delay = time.Second
	p, c := newProgram(t, messages.NewPace(delay, 1)), command(contracts.ReservarProducto, uuid.NewString(), linea("1", 1))
	elapsed := func() time.Duration {
		start := time.Now()
		pubsubtest.Deliver(t, p.routes, contracts.ComandosProducto, c)
		return time.Since(start)
	}
	if first := elapsed(); first < delay {
		t.Errorf("the first time took %s", first)
	}
	if second := elapsed(); second >= delay {
		t.Errorf("the second time took %s", second)
	}
	if r := p.replies(t); len(r) != 2 || r[0].Type != r[1].Type {
		t.Errorf("%v", r)
	}
}

func TestPace(t *testing.T) {
	if !fast().Free() || messages.NewPace(0, 1).Free() || messages.NewPace(1, 0).Free() {
		t.Error("Free")
	}
	r := messages.NewPace(10*time.Millisecond, 2)
	var mu sync.Mutex
	var group sync.WaitGroup
	inside, maximum := 0, 0
	for range 8 {
		group.Go(func() {
			leave, err := r.Enter(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			inside++
			maximum = max(maximum, inside)
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			inside--
			mu.Unlock()
			leave()
		})
	}
	group.Wait()
	if maximum > 2 {
		t.Errorf("%d at once", maximum)
	}
	slow := messages.NewPace(time.Hour, 1)
	brief, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	for range 3 { // each call frees its slot
		if _, err := slow.Enter(brief); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}
