package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
)

// managerCases are the cases for gestor-compra. The kit speaks for the bff and for all participants.
var managerCases = []Case{
	{ID: "saga", Title: "a purchase asks each participant and is CONFIRMADA", Kind: Must, Level: "A", Run: func(r *Run) {
		s := r.buy()
		s.confirm()
		s.state(contracts.EstadoConfirmada)
	}},
	{ID: "command", Title: "a command has an envelope, a key and a trace as the contracts say", Kind: Must, Level: "A", Run: managerCommand},
	{ID: "traceparent", Title: "what follows from CrearCompra is of its trace", Kind: Must, Level: "A", Run: func(r *Run) {
		s := r.buyTraced()
		for _, m := range []*Record{s.confirm(), s.state(contracts.EstadoConfirmada)} {
			if trace := strings.Split(s.trace, "-")[1]; m != nil && !strings.Contains(m.Text("traceparent"), trace) {
				r.Errorf("the traceparent of %s is %q, want trace %s", m.Text("type"), m.Text("traceparent"), trace)
			}
		}
	}},
	{ID: "refused", Title: "a refusal is rolled back, and the purchase is RECHAZADA", Kind: Must, Level: "A", Run: func(r *Run) {
		s := r.buy()
		s.answer(contracts.ValidarInventario, contracts.InventarioValidado, nil)
		s.answer(contracts.ReservarProducto, contracts.ReservaRechazada, map[string]any{"motivo": "No hay."})
		s.answer(contracts.CancelarValidacionInventario, contracts.ValidacionCancelada, nil)
		s.state(contracts.EstadoRechazada)
	}},
	{ID: "asked-again", Title: "a command without a reply is sent again, with the same content", Kind: Must, Level: "A", Run: func(r *Run) {
		s := r.buy()
		first := s.asked(contracts.ValidarInventario, 1)
		second := s.asked(contracts.ValidarInventario, 2)
		if first.Text("id") == second.Text("id") {
			r.Errorf("both records have the id %s", first.Text("id"))
		}
		r.sameData(first, second)
		s.confirm()
		s.state(contracts.EstadoConfirmada)
	}},
	{ID: "repeated-reply", Title: "a reply that comes twice changes nothing", Kind: Must, Level: "A", Run: func(r *Run) {
		s := r.buy()
		for range 3 {
			s.answer(contracts.ValidarInventario, contracts.InventarioValidado, nil)
		}
		s.confirm()
		s.state(contracts.EstadoConfirmada)
		s.noLetters()
	}},
	{ID: "late-reply", Title: "a reply after the end changes nothing, and is no dead letter", Kind: Must, Level: "A", Run: func(r *Run) {
		s := r.buy()
		s.confirm()
		s.state(contracts.EstadoConfirmada)
		s.say(contracts.ValidarInventario, contracts.InventarioInsuficiente, missingOne)
		s.say(contracts.ReservarProducto, contracts.ReservaRechazada, nil)
		time.Sleep(quiet)
		s.unchanged(contracts.EstadoConfirmada)
		s.noLetters()
	}},
	{ID: "contradictory", Title: "of two replies that contradict each other the first one holds", Kind: Must, Level: "A", Run: func(r *Run) {
		s := r.buy()
		s.answer(contracts.ValidarInventario, contracts.InventarioValidado, nil)
		s.answer(contracts.ReservarProducto, contracts.ProductosReservados, nil)
		s.say(contracts.ReservarProducto, contracts.ReservaRechazada, map[string]any{"motivo": "No hay."})
		s.say(contracts.ValidarInventario, contracts.InventarioInsuficiente, missingOne)
		time.Sleep(quiet)
		s.confirm()
		s.state(contracts.EstadoConfirmada)
		s.noLetters()
	}},
	{ID: "unknown-purchase", Title: "a reply about a purchase that nobody knows is a dead letter", Kind: Must, Level: "A", Run: func(r *Run) {
		s := &purchase{Run: r, id: newID()}
		s.dies(contracts.ValidarInventario, contracts.InventarioValidado, nil, s.id)
	}},
	{ID: "not-asked", Title: "a reply to a command that was not sent yet is a dead letter", Kind: Must, Level: "A", Run: func(r *Run) {
		s := r.buy()
		s.asked(contracts.ValidarInventario, 1)
		s.dies(contracts.CrearOrden, contracts.OrdenCreada, map[string]any{"id_orden": newID()}, "CrearOrden")
		s.confirm()
		s.state(contracts.EstadoConfirmada)
	}},
	{ID: "wrong-reply", Title: "a reply of a wrong type is a dead letter, and the purchase still waits", Kind: Must, Level: "A", Run: func(r *Run) {
		s := r.buy()
		s.asked(contracts.ValidarInventario, 1)
		s.dies(contracts.ValidarInventario, contracts.ValidacionCancelada, nil, "no responde a")
		s.dies(contracts.ValidarInventario, "InventarioVendido", nil, "InventarioVendido")
		s.dies("", contracts.InventarioValidado, nil, "no responde a")
		s.dies("ReservarProducto", contracts.InventarioValidado, nil, "no responde a")
		s.confirm()
		s.state(contracts.EstadoConfirmada)
	}},
	{ID: "malformed", Title: "a malformed reply is a dead letter that names the field, and the purchase still waits", Kind: Must, Level: "A", Run: malformed},
	{ID: "undecodable", Title: "bytes that no sidecar can decode hold nothing up", Kind: Must, Level: "A", Run: func(r *Run) {
		if err := r.Send(r.ctx, string(contracts.EventosInventario), "", []byte("\xff\xff nothing")); err != nil {
			r.Fatalf("publish: %v", err)
		}
		s := r.buy()
		s.confirm()
		s.state(contracts.EstadoConfirmada)
	}},
	{ID: "accepted-twice", Title: "CrearCompra twice is one purchase; with other content it is a dead letter", Kind: Must, Level: "A", Run: func(r *Run) {
		s := r.buy()
		r.Publish(s.created.Again())
		s.confirm()
		s.state(contracts.EstadoConfirmada)
		if n := len(r.Find(s.commands(contracts.CrearOrden))); n != 1 {
			r.Errorf("there are %d CrearOrden", n)
		}
		d := data(sample, s.id)
		set(d, "productos.0.cantidad", 7)
		r.Dies(r.On(string(contracts.ComandosGestorCompra), string(contracts.CrearCompra), d), s.id)
	}},
	{ID: "killed", Title: "a kill -9 with 20 purchases in flight loses none", Kind: Must, Level: "C", Slow: true, When: can(Kill, Start), Run: managerKilled},
}

// sample is a purchase without its id.
var sample = map[string]any{"id_usuario": "${unique}", "productos": []any{map[string]any{"id_producto": "1", "cantidad": 2}}}

// missingOne is what a reply says when there is one unit too few.
var missingOne = map[string]any{"faltantes": []any{map[string]any{"id_producto": "1", "solicitada": 2, "disponible": 1}}}

// purchase is a purchase that the kit asked for.
type purchase struct {
	*Run
	id, trace string
	created   Command
}

func (r *Run) buy() *purchase { return r.create("") }

func (r *Run) buyTraced() *purchase {
	return r.create("00-" + strings.ReplaceAll(uuid.NewString(), "-", "") + "-00f067aa0ba902b7-01")
}

func (r *Run) create(trace string) *purchase {
	s := &purchase{Run: r, id: newID(), trace: trace}
	s.created = r.On(string(contracts.ComandosGestorCompra), string(contracts.CrearCompra), data(sample, s.id)).With("traceparent", trace)
	r.Publish(s.created)
	return s
}

// commands matches the records of a command about the purchase.
func (s *purchase) commands(command contracts.MessageType) func(*Record) bool {
	topic := contracts.TopicOf(command).Name
	return func(m *Record) bool {
		return m.Topic == topic && m.Of("id_compra") == s.id && m.Text("type") == string(command)
	}
}

// asked waits for the nth record of a command and returns it.
func (s *purchase) asked(command contracts.MessageType, n int) *Record {
	found := s.Wait(s.ctx, n, recovery, s.commands(command))
	if len(found) < n {
		s.Fatalf("%s was sent %d times after %s, want %d", command, len(found), recovery, n)
	}
	if lines, want := fmt.Sprint(found[n-1].Data()["productos"]), fmt.Sprint(sample["productos"]); lines != want {
		s.Errorf("%s has the lines %s, want %s", command, lines, want)
	}
	return found[n-1]
}

// reply returns a reply of type kind to a command, on the topic of that type.
func (s *purchase) reply(command, kind contracts.MessageType, fields map[string]any) Command {
	topic := contracts.TopicOf(kind).Name
	if topic == "" {
		topic = strings.Replace(contracts.TopicOf(command).Name, "comandos", "eventos", 1)
	}
	d := map[string]any{"id_compra": s.id, "responde_a": string(command)}
	for name, value := range fields {
		d[name] = value
	}
	return s.On(topic, string(kind), d)
}

func (s *purchase) say(command, kind contracts.MessageType, fields map[string]any) {
	s.Publish(s.reply(command, kind, fields))
}

// answer waits for a command and replies to it.
func (s *purchase) answer(command, kind contracts.MessageType, fields map[string]any) *Record {
	m := s.asked(command, 1)
	s.say(command, kind, fields)
	return m
}

// confirm replies to each step so that the purchase is confirmed, and returns the command for the order.
func (s *purchase) confirm() *Record {
	s.answer(contracts.ValidarInventario, contracts.InventarioValidado, nil)
	s.answer(contracts.ReservarProducto, contracts.ProductosReservados, nil)
	return s.answer(contracts.CrearOrden, contracts.OrdenCreada, map[string]any{"id_orden": newID()})
}

func (s *purchase) events() []*Record {
	return s.Find(func(m *Record) bool { return m.Topic == string(contracts.EventosCompra) && m.Of("id_compra") == s.id })
}

// state waits until the purchase is in a state and returns the event about it.
func (s *purchase) state(want contracts.Estado) *Record {
	is := func(m *Record) bool {
		return m.Topic == string(contracts.EventosCompra) && m.Of("id_compra") == s.id && m.Of("estado") == string(want)
	}
	found := s.Wait(s.ctx, 1, recovery, is)
	if len(found) == 0 {
		last := "unknown"
		if all := s.events(); len(all) > 0 {
			last = all[len(all)-1].Of("estado")
		}
		s.Fatalf("the purchase is %s after %s, want %s", last, recovery, want)
	}
	return found[0]
}

// unchanged requires that the newest event has a state.
func (s *purchase) unchanged(want contracts.Estado) {
	if all := s.events(); len(all) == 0 || all[len(all)-1].Of("estado") != string(want) {
		s.Errorf("the purchase is no longer %s", want)
	}
}

// noLetters requires that nothing about the purchase is a dead letter.
func (s *purchase) noLetters() {
	for _, m := range s.Find(func(m *Record) bool { return strings.HasSuffix(m.Topic, "-dlq") && m.Of("id_compra") == s.id }) {
		s.Errorf("%s is a dead letter: %s", m.Text("type"), m.Properties["motivo"])
	}
}

// dies says a reply and requires that it becomes a dead letter.
func (s *purchase) dies(command, kind contracts.MessageType, fields map[string]any, says string) {
	c := s.reply(command, kind, fields)
	s.Publish(c)
	found := s.Wait(s.ctx, 1, patience, s.deadLetterOf(c))
	switch {
	case len(found) == 0:
		s.Errorf("%s with %s is no dead letter after %s; want one with %q", kind, cut(strings.Join(fieldsOf(fields), " "), 80), patience, says)
	case !strings.Contains(found[0].Properties["motivo"], says) || found[0].Properties["origen"] != s.App:
		s.Errorf("%s: the dead letter has %v, want a motivo with %q", kind, found[0].Properties, says)
	}
}

func fieldsOf(fields map[string]any) []string {
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (r *Run) sameData(one, other *Record) { r.Same(one, other) }

func managerCommand(r *Run) {
	s := r.buyTraced()
	start := time.Now().Add(-time.Minute)
	m := s.asked(contracts.ValidarInventario, 1)
	for name, want := range map[string]string{"specversion": "1.0", "datacontenttype": "application/json", "service_name": r.App} {
		if m.Text(name) != want {
			r.Errorf("%s is %q, want %q", name, m.Text(name), want)
		}
	}
	if ms, _ := m.Envelope["time"].(int64); time.UnixMilli(ms).Before(start) {
		r.Errorf("time is %d", ms)
	}
	if _, err := uuid.Parse(m.Text("id")); err != nil {
		r.Errorf("id: %v", err)
	}
	if m.Key != s.id {
		r.Errorf("the key is %q, want the id of the purchase", m.Key)
	}
	if trace := strings.Split(s.trace, "-")[1]; !strings.Contains(m.Text("traceparent"), trace) {
		r.Errorf("the traceparent is %q, want trace %s", m.Text("traceparent"), trace)
	}
	s.confirm()
}

func malformed(r *Run) {
	s := r.buy()
	s.asked(contracts.ValidarInventario, 1)
	line := func(id string, asked, there int) map[string]any {
		return map[string]any{"faltantes": []any{map[string]any{"id_producto": id, "solicitada": asked, "disponible": there}}}
	}
	const validate = contracts.ValidarInventario
	s.dies(validate, contracts.InventarioValidado, map[string]any{"id_compra": "A-17"}, "id_compra")
	s.dies(validate, contracts.InventarioValidado, line("1", 2, 1), "faltantes")
	s.dies(validate, contracts.InventarioValidado, map[string]any{"moneda": "COP", "total": 9, "precios": []any{map[string]any{"id_producto": "1", "precio": 7}}}, "total")
	s.dies(validate, contracts.InventarioValidado, map[string]any{"moneda": "XXX", "total": 14, "precios": []any{map[string]any{"id_producto": "1", "precio": 7}}}, "moneda")
	s.dies(validate, contracts.InventarioInsuficiente, nil, "faltantes")
	s.dies(validate, contracts.InventarioInsuficiente, line("1", 2, 2), "disponible")
	s.dies(validate, contracts.InventarioInsuficiente, line("", 2, 1), "id_producto")
	s.answer(validate, contracts.InventarioValidado, nil)
	s.asked(contracts.ReservarProducto, 1)
	s.dies(contracts.ReservarProducto, contracts.ReservaRechazada, map[string]any{"motivo": strings.Repeat("x", 501)}, "motivo")
	s.dies(contracts.ReservarProducto, contracts.ReservaRechazada, map[string]any{"motivo": "a\x00"}, "motivo")
	s.answer(contracts.ReservarProducto, contracts.ProductosReservados, nil)
	s.asked(contracts.CrearOrden, 1)
	for _, id := range []string{"", "A-17", strings.ToUpper(newID())} {
		s.dies(contracts.CrearOrden, contracts.OrdenCreada, map[string]any{"id_orden": id}, "id_orden")
	}
	s.dies(contracts.CrearOrden, contracts.OrdenRechazada, map[string]any{"id_orden": newID()}, "id_orden")
	s.answer(contracts.CrearOrden, contracts.OrdenCreada, map[string]any{"id_orden": newID()})
	s.state(contracts.EstadoConfirmada)
}

// managerKilled kills the manager just after it got replies. They were given to it once, so it must have stored what it acknowledged.
func managerKilled(r *Run) {
	all := make([]*purchase, 20)
	for i := range all {
		all[i] = r.buy()
	}
	for _, s := range all {
		s.asked(contracts.ValidarInventario, 1)
	}
	for _, s := range all {
		s.say(contracts.ValidarInventario, contracts.InventarioValidado, nil)
	}
	time.Sleep(quiet / 2)
	r.Act(Kill)
	r.Act(Start)
	for _, s := range all {
		s.answer(contracts.ReservarProducto, contracts.ProductosReservados, nil)
		s.answer(contracts.CrearOrden, contracts.OrdenCreada, map[string]any{"id_orden": newID()})
	}
	for _, s := range all {
		s.state(contracts.EstadoConfirmada)
	}
}
