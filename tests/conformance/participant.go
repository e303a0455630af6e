package main

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/google/uuid"

	"entregas/contracts"
)

// participantCases are the cases for a program that answers commands. Cases of level A come first, and what disturbs others comes last.
var participantCases = []Case{
	{ID: "reply", Title: "the command and its rollback have their replies", Kind: Must, Level: "A", Run: func(r *Run) {
		id := newID()
		r.Want(r.DoOf(id), r.Pair.Good)
		r.Want(r.UndoOf(id), r.Pair.Undone)
	}},
	{ID: "envelope", Title: "a reply has an envelope as the contracts say", Kind: Must, Level: "A", Run: envelope},
	{ID: "key", Title: "a reply has the id of the purchase as its key", Kind: Must, Level: "A", Run: func(r *Run) {
		id := newID()
		if m := r.Ask(r.DoOf(id)); m.Key != id {
			r.Errorf("the key is %q, want the id of the purchase", m.Key)
		}
	}},
	{ID: "no-key", Title: "a command without a key is answered", Kind: Must, Level: "A", Run: func(r *Run) {
		c := r.DoOf(newID())
		c.NoKey = true
		r.Want(c, r.Pair.Good)
	}},
	{ID: "same-record", Title: "the same record again gets the same reply", Kind: Must, Level: "A", Run: func(r *Run) {
		c := r.DoOf(newID())
		r.Same(r.Want(c, r.Pair.Good), r.Ask(c))
	}},
	{ID: "asked-again", Title: "the command under a new record id gets the same reply", Kind: Must, Level: "A", Run: func(r *Run) {
		c := r.DoOf(newID())
		r.Same(r.Want(c, r.Pair.Good), r.Ask(c.Again()))
	}},
	{ID: "other-content", Title: "other content under the same key is a dead letter", Kind: Must, Level: "A", When: stores, Run: otherContent},
	{ID: "rollback-before", Title: "a command after its rollback changes nothing", Kind: Must, Level: "A", When: stores, Run: func(r *Run) {
		id := newID()
		r.Want(r.UndoOf(id), r.Pair.Undone)
		r.Want(r.DoOf(id), r.Pair.Early)
		r.Want(r.UndoOf(id).Again(), r.Pair.Undone)
	}},
	{ID: "rollback-twice", Title: "a second rollback gets the reply of the first", Kind: Must, Level: "A", Run: func(r *Run) {
		id := newID()
		r.Ask(r.DoOf(id))
		c := r.UndoOf(id)
		r.Same(r.Want(c, r.Pair.Undone), r.Ask(c.Again()))
	}},
	{ID: "rollback-at-once", Title: "a command and its rollback at the same time: both are answered, always alike", Kind: Must, Level: "A", Run: func(r *Run) {
		together(r, 40, 1, false)
	}},
	{ID: "150-at-once", Title: "150 × (command, rollback, each twice) at the same time", Kind: Must, Level: "A", Run: func(r *Run) { together(r, 150, 2, true) }},
	{ID: "dispatched", Title: "after the dispatch the rollback is refused, always alike", Kind: Must, Level: "A", When: dispatches, Run: dispatched},
	{ID: "unknown-type", Title: "an unknown command is a dead letter", Kind: Must, Level: "A", Run: func(r *Run) {
		r.Dies(r.DoOf(newID()).With("type", "RegalarTodo"), "RegalarTodo")
	}},
	{ID: "limits", Title: "each field is refused beyond its limits and taken at them", Kind: Must, Level: "A", Run: limits},
	{ID: "envelope-limits", Title: "a bad envelope is a dead letter", Kind: Must, Level: "A", Run: func(r *Run) {
		r.Dies(r.DoOf(newID()).With("time", int64(-1)), "time")
		r.Dies(r.DoOf(newID()).With("service_name", "a\x07b"), "service_name")
		r.Want(r.DoOf(newID()).With("id", "no UUID, "+newID()), r.Pair.Good)
	}},
	{ID: "old", Title: "a command older than 30 days is a dead letter", Kind: Must, Level: "A", When: stores, Run: func(r *Run) {
		r.Dies(r.DoOf(newID()).With("time", time.Now().AddDate(0, 0, -31).UnixMilli()), "")
		r.Want(r.DoOf(newID()).With("time", time.Now().AddDate(0, 0, -29).UnixMilli()), r.Pair.Good)
	}},
	{ID: "dead-letter", Title: "a dead letter is the record as it came, with the properties of the contracts", Kind: Must, Level: "A", Run: deadLetter},
	{ID: "too-large", Title: "a record of 4.5 MB is a dead letter with its size and beginning", Kind: Should, Level: "A", Run: tooLarge},
	{ID: "traceparent", Title: "the reply is of the trace of its command", Kind: Must, Level: "A", Run: traceparent},
	{ID: "new-field", Title: "a field that a newer sender appends does no harm, and is no other content", Kind: Must, Level: "A", Run: newField},
	{ID: "foreign-schema", Title: "the broker refuses a producer with another schema", Kind: Must, Level: "A", Run: foreignSchema},
	{ID: "latency", Title: "time to the reply, 20 at the same time", Kind: Observed, Level: "A", Run: latency},
	{ID: "health", Title: "/healthz and /readyz answer 200 without a token", Kind: Must, Level: "B", Run: func(r *Run) {
		for _, path := range []string{"/healthz", "/readyz"} {
			if status, text := r.HTTP("GET", r.AppURL+path, "", ""); status != 200 {
				r.Errorf("GET %s: %d %.100s", path, status, text)
			}
		}
	}},
	{ID: "tokens", Title: "a delivery without the token of the sidecar is refused", Kind: Must, Level: "B", Run: tokens},
	{ID: "bad-delivery", Title: "a delivery that is none is given back, and the program lives on", Kind: Must, Level: "B", Run: badDelivery},
	{ID: "undecodable", Title: "bytes that no sidecar can decode hold nothing up", Kind: Must, Level: "A", Run: func(r *Run) {
		if err := r.Send(r.ctx, r.Commands, "", []byte("\xff\xff nothing")); err != nil {
			r.Fatalf("publish: %v", err)
		}
		for range 40 {
			r.Want(r.DoOf(newID()), r.Pair.Good)
		}
	}},
	{ID: "database-away", Title: "without the database no command is lost or set aside", Kind: Must, Level: "C", When: can(DatabaseAway, DatabaseBack), Run: func(r *Run) {
		away(r, DatabaseAway, DatabaseBack)
	}},
	{ID: "broker-away", Title: "without the broker no command is lost or set aside", Kind: Must, Level: "C", When: can(BrokerAway, BrokerBack), Run: func(r *Run) {
		away(r, BrokerAway, BrokerBack)
	}},
	{ID: "stopped", Title: "a stop in a burst of 200 loses nothing, and each copy gets the same reply", Kind: Must, Level: "C", When: can(Stop, Start), Run: func(r *Run) { burst(r, Stop) }},
	{ID: "killed", Title: "a kill -9 in a burst of 200 loses nothing, and each copy gets the same reply", Kind: Must, Level: "C", When: can(Kill, Start), Run: func(r *Run) { burst(r, Kill) }},
	{ID: "ten-tries", Title: "what fails ten times is a dead letter, and not before", Kind: Must, Level: "C", Slow: true, When: can(Break, Mend), Run: tenTries},
	{ID: "10000", Title: "time and memory over 10,000 commands", Kind: Observed, Level: "C", Slow: true, Run: tenThousand},
}

func envelope(r *Run) {
	id, start := newID(), time.Now().Add(-time.Second)
	c := r.DoOf(id)
	first, second := r.Ask(c), r.Ask(c)
	for _, m := range []*Record{first, second} {
		if read, err := uuid.Parse(m.Text("id")); err != nil || read.String() != m.Text("id") {
			r.Errorf("id is %q, want a UUID", m.Text("id"))
		}
		for name, want := range map[string]string{"specversion": "1.0", "datacontenttype": "application/json", "service_name": r.App} {
			if m.Text(name) != want {
				r.Errorf("%s is %q, want %q", name, m.Text(name), want)
			}
		}
		for _, name := range []string{"time", "ingestion"} {
			ms, _ := m.Envelope[name].(int64)
			if at := time.UnixMilli(ms); at.Before(start) || at.After(time.Now().Add(time.Second)) {
				r.Errorf("%s is %s, and it is %s", name, at.Format(time.RFC3339), time.Now().Format(time.RFC3339))
			}
		}
		if m.Of("responde_a") != r.Pair.Do || m.Of("id_compra") != id {
			r.Errorf("responde_a %q, id_compra %q", m.Of("responde_a"), m.Of("id_compra"))
		}
	}
	if first.Text("id") == second.Text("id") {
		r.Errorf("two records have the id %s", first.Text("id"))
	}
}

func otherContent(r *Run) {
	id := newID()
	c := r.DoOf(id)
	first := r.Want(c, r.Pair.Good)
	for path, value := range r.Pair.Other {
		changed := data(r.Pair.Sample, id)
		set(changed, path, value)
		r.Dies(r.Command(r.Pair.Do, changed), id)
	}
	r.Same(first, r.Ask(c.Again()))
}

// together publishes n commands and their rollbacks at the same time, each copies times, in any order if shuffled. Every copy must be
// answered, the replies to one command must be the same, and nothing may be left of a command.
func together(r *Run, n, copies int, shuffled bool) {
	var all []Command
	ids := make([]string, n)
	for i := range ids {
		ids[i] = newID()
		for range copies {
			all = append(all, r.DoOf(ids[i]), r.UndoOf(ids[i]))
		}
	}
	if shuffled {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	left := r.Pair.Left
	seen := left.GET != "" && r.AppURL != ""
	before := ""
	if seen && left.Without == "" {
		before = r.resource(left.GET, ids[0])
	}
	r.PublishAll(all)
	answered := consistent(r, all, copies, recovery)
	switch {
	case !answered:
	case !seen:
		r.Note("what a command left behind was not looked at")
	case left.Without == "":
		if after := r.resource(left.GET, ids[0]); after != before {
			r.Errorf("GET %s was %.200s, and is %.200s", left.GET, before, after)
		}
	default:
		for _, id := range ids {
			if text := r.resource(left.GET, id); strings.Contains(text, left.Without) {
				r.Errorf("a command was rolled back, and GET %s still has %s: %.200s", left.GET, left.Without, text)
			}
		}
	}
}

// resource returns a resource of the program that belongs to a purchase.
func (r *Run) resource(path, idCompra string) string {
	path = strings.ReplaceAll(path, placeholder, unique(idCompra))
	status, text := r.HTTP("GET", r.AppURL+path, r.AppToken, "")
	if status != 200 {
		r.Fatalf("GET %s: %d %.200s", path, status, text)
	}
	return text
}

// consistent waits for at least copies replies to each of the commands, and requires that all replies to one command are the same. It
// reports whether all have come.
func consistent(r *Run, all []Command, copies int, within time.Duration) bool {
	ours := map[string]bool{}
	for _, c := range all {
		ours[c.Purchase()] = true
	}
	replies := func() (map[string][]*Record, int) {
		found, answered := map[string][]*Record{}, 0
		for _, m := range r.Find(func(m *Record) bool { return m.Topic == r.Replies && ours[m.Of("id_compra")] }) {
			key := m.Of("responde_a") + " " + m.Of("id_compra")
			if found[key] = append(found[key], m); len(found[key]) <= copies {
				answered++
			}
		}
		return found, answered
	}
	found, answered := replies()
	for limit := time.Now().Add(within); answered < len(all) && time.Now().Before(limit); found, answered = replies() {
		time.Sleep(50 * time.Millisecond)
	}
	if answered < len(all) {
		r.Errorf("%d of %d commands have no reply after %s", len(all)-answered, len(all), within)
	}
	for _, same := range found {
		for _, m := range same[1:] {
			r.Same(same[0], m)
		}
	}
	if n := len(r.Find(func(m *Record) bool { return m.Topic == r.Commands+"-dlq" && ours[m.Of("id_compra")] })); n > 0 {
		r.Errorf("%d commands are dead letters", n)
	}
	return answered >= len(all)
}

func dispatched(r *Run) {
	id, d := newID(), r.Dispatch
	reply := r.Want(r.DoOf(id), r.Pair.Good)
	if d.Command != "" {
		c := r.Command(d.Command, r.UndoOf(id).Envelope["data"].(map[string]any))
		r.Same(r.Want(c, d.Reply), r.Ask(c.Again()))
	} else {
		path := d.POST
		for name, value := range reply.Data() {
			path = strings.ReplaceAll(path, "{"+name+"}", fmt.Sprint(value))
		}
		if status, text := r.HTTP("POST", r.AppURL+path, r.AppToken, "{}"); status/100 != 2 {
			r.Fatalf("POST %s: %d %.200s", path, status, text)
		}
		event := func(m *Record) bool {
			return m.Topic == r.Replies && m.Of("id_compra") == id && m.Text("type") == d.Event && m.Of("responde_a") == ""
		}
		if len(r.Wait(r.ctx, 1, patience, event)) == 0 {
			r.Errorf("nothing tells of the dispatch: there is no %s", d.Event)
		}
	}
	undo := r.UndoOf(id)
	r.Same(r.Want(undo, d.Undone), r.Ask(undo.Again()))
	r.Same(reply, r.Ask(r.DoOf(id)))
}

func limits(r *Run) {
	for _, l := range r.Limits {
		command := l.Command
		if command == "" {
			command = r.Pair.Do
		}
		make := func(value any) Command {
			d := data(r.Pair.Sample, newID())
			if command != r.Pair.Do {
				d = r.UndoOf(newID()).Envelope["data"].(map[string]any)
			}
			set(d, l.Field, value)
			return r.Command(command, d)
		}
		named := l.Named
		if named == "" {
			named = regexp.MustCompile(`\.(\d+)\b`).ReplaceAllString(l.Field, "[$1]")
		}
		for _, v := range l.Good {
			if m := r.Ask(make(v.Of)); m.Of("responde_a") != command {
				r.Errorf("%s = %s is answered with %s", l.Field, cut(fmt.Sprint(v.Of), 40), m.Text("type"))
			}
		}
		for _, v := range l.Bad {
			if before := len(r.fails); r.Dies(make(v.Of), named) == nil && len(r.fails) > before {
				r.fails[len(r.fails)-1] = cut(fmt.Sprintf("%s = %q: %s", l.Field, cut(fmt.Sprint(v.Of), 40), r.fails[len(r.fails)-1]), 400)
			}
		}
	}
}

func deadLetter(r *Run) {
	c := r.DoOf(newID()).With("type", "RegalarTodo")
	m := r.Dies(c, "RegalarTodo")
	if m == nil {
		return
	}
	if m.Properties["origen"] != r.App || m.Properties["intentos"] != "1" {
		r.Errorf("the properties are %v; want origen %s and intentos 1", m.Properties, r.App)
	}
	if m.Key != c.Purchase() {
		r.Errorf("the key is %q, want the id of the purchase", m.Key)
	}
	schema, err := schemaOf(c.Topic)
	if err != nil {
		r.Fatalf("%v", err)
	}
	want, _ := fit(schema, c.Envelope).(map[string]any)
	got, _ := fit(schema, m.Envelope).(map[string]any)
	if !reflect.DeepEqual(got, want) {
		r.Errorf("the record is %v, want %v", got, want)
	}
}

func tooLarge(r *Run) {
	c := r.DoOf(newID())
	c.Envelope["datacontenttype"] = strings.Repeat("x", 4_500_000)
	if m := r.Dies(c, "bytes"); m != nil && (m.Properties["bytes"] == "" || m.Properties["comienzo"] == "") {
		r.Errorf("the properties have no bytes or no comienzo: %v", m.Properties)
	}
}

func traceparent(r *Run) {
	trace := strings.ReplaceAll(uuid.NewString(), "-", "")
	m := r.Ask(r.DoOf(newID()).With("traceparent", "00-"+trace+"-00f067aa0ba902b7-01"))
	if !strings.HasPrefix(m.Text("traceparent"), "00-"+trace+"-") {
		r.Errorf("the traceparent of the reply is %q, want one of trace %s", m.Text("traceparent"), trace)
	}
	for _, bad := range []string{"nonsense", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01"} {
		r.Want(r.DoOf(newID()).With("traceparent", bad), r.Pair.Good)
	}
}

// newField publishes a command with one more field at the end of its data, as the next release of its sender would, and then the same
// command without it.
func newField(r *Run) {
	schema, err := schemaOf(r.Commands)
	if err != nil {
		r.Fatalf("%v", err)
	}
	id := newID()
	c := r.DoOf(id)
	payload, err := encode(schema, c.Envelope)
	if err != nil {
		r.Fatalf("%v", err)
	}
	payload = append(payload, 2*5, 'n', 'u', 'e', 'v', 'o') // a text of five characters; data is the last field of the record
	if err := r.Send(r.ctx, r.Commands, id, payload); err != nil {
		r.Fatalf("publish: %v", err)
	}
	first := r.RepliesTo(1, c, patience)
	if len(first) == 0 {
		return
	}
	r.Same(first[0], r.Ask(c.Again()))
}

func foreignSchema(r *Run) {
	ours, err := contracts.AvroSchema(r.Commands)
	if err != nil {
		r.Fatalf("%v", err)
	}
	reordered := strings.NewReplacer(`"service_name"`, `"traceparent"`, `"traceparent"`, `"service_name"`).Replace(ours)
	for name, schema := range map[string]pulsar.Schema{
		"no schema": nil, "text": pulsar.NewStringSchema(nil), "the fields in another order": pulsar.NewAvroSchema(reordered, nil),
	} {
		if p, err := r.NewProducer(r.Commands, schema); err == nil {
			p.Close()
			r.Errorf("the broker took a producer: %s", name)
		}
	}
}

func latency(r *Run) {
	const rounds, parallel = 10, 20
	var took []time.Duration
	for range rounds {
		var all []Command
		for range parallel {
			all = append(all, r.DoOf(newID()))
		}
		start := time.Now()
		r.PublishAll(all)
		for _, c := range all {
			if found := r.RepliesTo(1, c, patience); len(found) > 0 {
				took = append(took, found[0].At.Sub(start))
			}
		}
	}
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	at := func(p int) time.Duration { return took[min(len(took)-1, len(took)*p/100)].Round(time.Millisecond) }
	r.Note("p50 %s, p95 %s, p99 %s", at(50), at(95), at(99))
}

func tokens(r *Run) {
	for name, token := range map[string]string{"no token": "", "a wrong token": "wrong"} {
		if status, text := r.HTTP("POST", r.AppURL+r.Route, token, `{}`); status != 401 && status != 403 {
			r.Errorf("a delivery with %s is answered with %d %.100s", name, status, text)
		}
	}
	if status, _ := r.HTTP("POST", r.Sidecar+"/v1.0/publish/pubsub/"+r.Replies+"?metadata.rawPayload=true", "", `{}`); status != 401 && status != 403 {
		r.Errorf("its sidecar publishes for a caller without a token: %d", status)
	}
}

func badDelivery(r *Run) {
	for _, body := range []string{"", "[]", `{"data_base64": 7}`, `{"data_base64": "%%"}`, strings.Repeat("[", 20_000)} {
		if status, text := r.HTTP("POST", r.AppURL+r.Route, r.AppToken, body); status == 404 || status/100 == 2 && !strings.Contains(text, "RETRY") { // 404 acknowledges too
			r.Errorf("%.20q is answered with %d %.100s", body, status, text)
		}
	}
	if status, text := r.HTTP("GET", r.AppURL+"/healthz", "", ""); status != 200 {
		r.Errorf("after it /healthz answers %d %.100s", status, text)
	}
	r.Want(r.DoOf(newID()), r.Pair.Good)
}

// away takes something away while the program has commands to do, and more come. All must be answered when it is back, and none may be
// set aside.
func away(r *Run, takeAway, bring string) {
	var early, late []Command
	for range 60 {
		early = append(early, r.DoOf(newID()))
	}
	for range 10 {
		late = append(late, r.DoOf(newID()), r.UndoOf(newID()))
	}
	r.PublishAll(early)
	r.Act(takeAway)
	back := false
	defer func() {
		if !back {
			r.Act(bring)
		}
	}()
	r.PublishAll(late)
	time.Sleep(outage)
	r.Act(bring)
	back = true
	start := time.Now()
	consistent(r, append(early, late...), 1, recovery)
	r.Note("all answered %s after an outage of %s", time.Since(start).Round(100*time.Millisecond), outage)
}

// burst kills or stops the program while it has 200 commands to do.
func burst(r *Run, how string) {
	var all []Command
	for range 200 {
		all = append(all, r.DoOf(newID()))
	}
	replies := func() int {
		return len(r.Find(func(m *Record) bool { return m.Topic == r.Replies }))
	}
	before := replies()
	r.PublishAll(all)
	for limit := time.Now().Add(patience); replies() < before+20 && time.Now().Before(limit); {
		time.Sleep(time.Millisecond)
	}
	r.Act(how)
	answered := replies() - before
	r.Act(Start)
	start := time.Now()
	consistent(r, all, 1, recovery)
	again := make([]Command, len(all))
	for i, c := range all {
		again[i] = c.Again()
	}
	r.PublishAll(again)
	consistent(r, again, 2, recovery)
	r.Note("%d were answered before it, all %s after the start", answered, time.Since(start).Round(100*time.Millisecond))
}

func tenTries(r *Run) {
	c := r.DoOf(newID())
	r.Act(Break)
	mended := false
	defer func() {
		if !mended {
			r.Act(Mend)
		}
	}()
	start := time.Now()
	r.Publish(c)
	if m := r.Dead(c, "", 0, recovery); m != nil {
		if m.Properties["intentos"] != "10" {
			r.Errorf("it was tried %s times, want 10", m.Properties["intentos"])
		}
		if took := m.At.Sub(start); took < 5*time.Second {
			r.Errorf("ten tries took %s: nothing waits between two tries", took)
		}
	}
	r.Act(Mend)
	mended = true
	r.Want(r.DoOf(newID()), r.Pair.Good)
}

var residentMemory = regexp.MustCompile(`(?m)^process_resident_memory_bytes ([0-9.e+]+)$`)

// memory returns the memory of the program by its /metrics, as text.
func memory(r *Run) string {
	if r.AppURL == "" {
		return "unknown"
	}
	_, text := r.HTTP("GET", r.AppURL+"/metrics", "", "")
	m := residentMemory.FindStringSubmatch(text)
	if m == nil {
		return "unknown"
	}
	var bytes float64
	_, _ = fmt.Sscan(m[1], &bytes)
	return fmt.Sprintf("%.0f MiB", bytes/(1<<20))
}

func tenThousand(r *Run) {
	before, start := memory(r), time.Now()
	const n, chunk = 10_000, 500
	for done := 0; done < n; done += chunk {
		var all []Command
		for range chunk / 2 {
			id := newID()
			all = append(all, r.DoOf(id), r.UndoOf(id))
		}
		r.PublishAll(all)
		consistent(r, all, 1, recovery)
	}
	took := time.Since(start)
	r.Note("%s, %.0f a second; memory %s before, %s after", took.Round(time.Second), n/took.Seconds(), before, memory(r))
}
