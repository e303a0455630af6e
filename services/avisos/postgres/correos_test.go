package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/errs"
	"entregas/internal/logging"
	"entregas/services/avisos/avisos"
	"entregas/services/avisos/correo"
)

// carta returns a mail about a purchase of ana, which changed a second from now.
func carta(evento string) correo.Carta {
	return correo.Carta{
		Evento: evento, IDUsuario: "ana", IDCompra: uuid.NewString(), Codigo: "ABCD1234", Tipo: "compra.rechazada",
		Faltantes: []contracts.Faltante{{IDProducto: "1", Solicitada: 3, Disponible: 1}}, En: time.Now().Add(time.Second),
	}
}

func (d desk) record(t testing.TB, cartas ...correo.Carta) int {
	t.Helper()
	_, n, err := d.Record(t.Context(), nil, cartas...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (d desk) envio(t testing.TB) *correo.Envio {
	t.Helper()
	e, err := d.ClaimEnvio(t.Context(), lease)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (d desk) setCorreo(t testing.TB, usuario, address string) {
	t.Helper()
	if err := d.SetCorreo(t.Context(), usuario, address); err != nil {
		t.Fatal(err)
	}
}

// An event makes one mail, only for a customer who gave an address before it happened; the mail goes to the address of now.
func TestWhoIsWrittenTo(t *testing.T) {
	d := newDesk(t)
	if n := d.record(t, carta("before")); n != 0 {
		t.Errorf("%d mails without an address", n)
	}
	d.setCorreo(t, "ana", "ana@ejemplo.com")
	old, ancient, eva := carta("old"), carta("ancient"), carta("eva")
	old.En, ancient.En, eva.IDUsuario = time.Now().Add(-time.Minute), time.Now().AddDate(0, 0, -31), "eva"
	if n := d.record(t, old, ancient, eva, carta("1"), carta("1")) + d.record(t, carta("1")); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
	d.setCorreo(t, "ana", "ana@otro.com")
	e := d.envio(t)
	if e == nil || e.Correo != "ana@otro.com" || e.Codigo != "ABCD1234" || e.Tipo != "compra.rechazada" || len(e.Faltantes) != 1 || e.Faltantes[0].Disponible != 1 || e.Intentos != 1 {
		t.Fatalf("%+v", e)
	}
	if again := d.envio(t); again != nil {
		t.Errorf("a mail under way was taken again: %+v", again)
	}
	if address, err := d.Correo(t.Context(), "ana"); err != nil || address != "ana@otro.com" {
		t.Errorf("%q %v", address, err)
	}
}

// A customer gets a bounded number of mails a day, whatever they are about. Another customer gets theirs.
func TestMailsADayAreBounded(t *testing.T) {
	d := newDesk(t)
	d.setCorreo(t, "ana", "ana@ejemplo.com")
	n := 0
	for i := range 45 {
		d.wish(t, "ana", "1", 1)
		_, mails, err := d.Fulfil(t.Context(), contracts.Producto{ID: "1", Nombre: "Café", Cantidad: 2}, true)
		if err != nil {
			t.Fatal(err)
		}
		n += mails + d.record(t, carta(fmt.Sprint("bounded ", i)))
	}
	if n != 40 {
		t.Errorf("%d mails, want 40", n)
	}
	d.setCorreo(t, "eva", "eva@ejemplo.com")
	eva := carta("eva")
	eva.IDUsuario = "eva"
	if d.record(t, eva) != 1 {
		t.Error("eva got no mail")
	}
}

func (d desk) finish(t testing.TB, e correo.Envio, v avisos.Verdict, reason string) {
	t.Helper()
	if err := d.FinishEnvio(t.Context(), e, v, reason); err != nil {
		t.Fatal(err)
	}
}

var (
	sent   = avisos.Verdict{Estado: contracts.EntregaHecha}
	failed = avisos.Verdict{Estado: contracts.EntregaPendiente}
	dead   = avisos.Verdict{Estado: contracts.EntregaMuerta}
)

// A mail is sent until it is sent or given up. The result of a try whose lease is over changes nothing, unless the mail was sent.
func TestTriesOfAMail(t *testing.T) {
	d := newDesk(t)
	d.setCorreo(t, "ana", "ana@ejemplo.com")
	d.record(t, carta("1"))
	first := d.envio(t)
	d.exec(t, `update correo set proximo_en = now()`) // the lease is over
	second := d.envio(t)
	if second == nil || second.Intentos != 2 {
		t.Fatalf("%+v", second)
	}
	for i, c := range []struct {
		e   correo.Envio
		v   avisos.Verdict
		due bool
	}{{*first, dead, false}, {*second, failed, true}, {correo.Envio{ID: second.ID, Intentos: 3}, dead, false}} {
		d.finish(t, c.e, c.v, "No.")
		if got := d.envio(t); (got != nil) != c.due {
			t.Errorf("%d: after %+v: %+v", i, c, got)
		}
	}
	d.record(t, carta("2"))
	late := d.envio(t)
	d.exec(t, `update correo set proximo_en = now()`)
	d.envio(t)
	d.finish(t, *late, sent, "")
	d.exec(t, `update correo set proximo_en = now()`)
	if e := d.envio(t); e != nil {
		t.Errorf("sent again: %+v", e)
	}
	d.exec(t, `update correo set creado_en = now() - interval '31 days'`)
	if err := d.Purge(t.Context()); err != nil || d.count(t, `select count(*) from correo`) != 0 {
		t.Errorf("the purge: %v", err)
	}
}

// An operator finds a mail that was given up among the deliveries, by its purchase, its state and its way, without the address, and sends it
// again: an act. Where no mail is sent, it is refused.
func TestAMailIsADelivery(t *testing.T) {
	d := newDesk(t)
	a := d.direccion(t)
	d.setCorreo(t, "ana", "ana@ejemplo.com")
	c := carta("1")
	const purchase, operator = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
	if _, _, err := d.Record(logging.WithTrace(t.Context(), purchase), []avisos.Suceso{suceso(c.IDCompra, 1, contracts.EstadoRechazada)}, c); err != nil {
		t.Fatal(err)
	}
	d.finish(t, *d.envio(t), dead, "No.")
	const hook, mail = contracts.CanalWebhook, contracts.CanalCorreo
	for _, x := range []struct {
		f    contracts.EntregasFilter
		want []contracts.CanalDeEntrega
	}{
		{contracts.EntregasFilter{}, []contracts.CanalDeEntrega{mail, hook}},
		{contracts.EntregasFilter{IDCompra: c.IDCompra}, []contracts.CanalDeEntrega{mail, hook}},
		{contracts.EntregasFilter{Canal: mail}, []contracts.CanalDeEntrega{mail}},
		{contracts.EntregasFilter{Canal: hook}, []contracts.CanalDeEntrega{hook}},
		{contracts.EntregasFilter{Estado: contracts.EntregaMuerta}, []contracts.CanalDeEntrega{mail}},
		{contracts.EntregasFilter{IDDireccion: a.ID}, []contracts.CanalDeEntrega{hook}},
		{contracts.EntregasFilter{IDDireccion: a.ID, Canal: mail}, nil},
		{contracts.EntregasFilter{IDCompra: uuid.NewString()}, nil},
	} {
		list, err := d.Entregas(t.Context(), x.f, 10, "")
		var got []contracts.CanalDeEntrega
		for _, e := range list {
			got = append(got, e.Canal)
		}
		if err != nil || !slices.Equal(got, x.want) {
			t.Errorf("%+v: %v %v, want %v", x.f, got, err, x.want)
		}
	}
	list, err := d.Entregas(t.Context(), contracts.EntregasFilter{}, 1, "")
	if err != nil || len(list) != 1 || list[0].Error != "No." || list[0].Estado != contracts.EntregaMuerta || list[0].Intentos != 1 || list[0].URL != "" || list[0].ProximoEn != nil {
		t.Fatalf("%+v %v", list, err)
	}
	if rest, err := d.Entregas(t.Context(), contracts.EntregasFilter{}, 10, list[0].ID); err != nil || len(rest) != 1 || rest[0].Canal != hook {
		t.Errorf("after the mail there are %+v: %v", rest, err)
	}
	if _, err := d.SendAgain(t.Context(), list[0].ID, false); errs.Of(err) != errs.Conflict {
		t.Errorf("without e-mail: %v", err)
	}
	ctx := logging.WithTrace(actor.With(t.Context(), contracts.Actor{Sujeto: "oti", Rol: contracts.RolOperador}), operator)
	again, err := d.SendAgain(ctx, list[0].ID, true)
	if err != nil || again.Estado != contracts.EntregaPendiente || again.Intentos != 0 || again.ProximoEn == nil {
		t.Errorf("%+v %v", again, err)
	}
	if e := d.envio(t); e == nil || e.ID != again.ID || e.Rastro != (avisos.Rastro{Traza: purchase, Repeticion: operator}) || e.IDCompra != c.IDCompra {
		t.Errorf("%+v is not due, or not in its trace", e)
	}
	if n := d.count(t, `select count(*) from acto where tipo = 'aviso' and sujeto = 'oti' and detalle not like '%@%'`); n != 1 {
		t.Errorf("%d acts", n)
	}
}

// Failure prevented: an operator sent a mail again while it was being sent, and the customer got it twice.
func TestAMailThatIsBeingSentIsNotSentAgain(t *testing.T) {
	for name, c := range map[string]struct {
		result avisos.Verdict
		due    bool // after the lease
	}{
		"the try succeeds": {avisos.Verdict{Estado: contracts.EntregaHecha}, false},
		"the try fails":    {dead, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.setCorreo(t, "ana", "ana@ejemplo.com")
			if _, _, err := d.Record(t.Context(), nil, carta("1")); err != nil {
				t.Fatal(err)
			}
			underWay := d.envio(t)
			again, err := d.SendAgain(t.Context(), underWay.ID, true)
			if err != nil || again.Intentos != 0 {
				t.Fatalf("%+v %v", again, err)
			}
			if e := d.envio(t); e != nil {
				t.Fatalf("a second replica sends %+v", e)
			}
			d.finish(t, *underWay, c.result, "")
			if e := d.envio(t); e != nil {
				t.Errorf("%+v is due before the lease ended", e)
			}
			d.count(t, `with later as (update correo set proximo_en = now() - interval '1 s' returning 1) select count(*) from later`)
			if e := d.envio(t); (e != nil) != c.due {
				t.Errorf("after the lease %+v is due", e)
			}
		})
	}
}

// A customer with an address is written to when a wish is fulfilled, once; one without is not, and nobody where no mail is sent.
func TestAFulfilledWishIsWrittenAbout(t *testing.T) {
	d := newDesk(t)
	d.setCorreo(t, "ana", "ana@ejemplo.com")
	d.wish(t, "ana", "1", 2)
	d.wish(t, "eva", "1", 2)
	d.wish(t, "ana", "2", 2)
	d.fulfil(t, "2", 2)
	for _, want := range []int{1, 0} {
		wishes, mails, err := d.Fulfil(t.Context(), contracts.Producto{ID: "1", Nombre: "Café\n<b>", Cantidad: 2}, true)
		if err != nil || mails != want || wishes != 2*want {
			t.Errorf("%d wishes, %d mails: %v; want %d mails", wishes, mails, err, want)
		}
	}
	if e := d.envio(t); e == nil || e.Tipo != contracts.ProductoDisponible || e.Producto != "Café\n<b>" || e.Correo != "ana@ejemplo.com" || e.Codigo != "" {
		t.Errorf("%+v", e)
	}
	if e := d.envio(t); e != nil {
		t.Errorf("one more: %+v", e)
	}
}

// An address that is deleted or erased takes its mails along, and an event that comes again makes no mail. An erasure takes the wishes too; it
// is one act.
func TestAnAddressIsErased(t *testing.T) {
	d := newDesk(t)
	ctx := actor.With(t.Context(), contracts.Actor{Sujeto: "oti", Rol: contracts.RolOperador})
	erase := func(want contracts.ParteBorrada) {
		t.Helper()
		if part, err := d.Borrar(ctx, "ana"); err != nil || part != want {
			t.Errorf("erased %+v %v, want %+v", part, err, want)
		}
	}
	d.wish(t, "ana", "1", 2)
	for i, forget := range []func(){func() { erase(contracts.ParteBorrada{Borradas: 1, Correo: true}) }, func() { _ = d.DeleteCorreo(t.Context(), "ana") }} {
		d.setCorreo(t, "ana", "ana@ejemplo.com")
		d.record(t, carta("1"))
		forget()
		if n := d.count(t, `select (select count(*) from contacto) + (select count(*) from correo) + (select count(*) from deseo)`); n != 0 || d.record(t, carta("1")) != 0 {
			t.Errorf("%d: %d rows are left", i, n)
		}
	}
	erase(contracts.ParteBorrada{})
	if n := d.count(t, `select count(*) from acto where tipo = 'borrado' and objeto = 'ana' and sujeto = 'oti'`); n != 1 {
		t.Errorf("%d acts", n)
	}
}

// Two replicas never take the same mail.
func TestReplicasShareTheMails(t *testing.T) {
	d := newDesk(t)
	d.setCorreo(t, "ana", "ana@ejemplo.com")
	for _, evento := range []string{"1", "2", "3", "4"} {
		d.record(t, carta(evento))
	}
	taken := make(chan string, 8)
	for range 8 {
		go func() {
			e, err := d.ClaimEnvio(context.WithoutCancel(t.Context()), lease)
			if err != nil {
				t.Error(err)
			}
			if e == nil {
				e = &correo.Envio{}
			}
			taken <- e.ID
		}()
	}
	var ids []string
	for range 8 {
		if id := <-taken; id != "" {
			ids = append(ids, id)
		}
	}
	if slices.Sort(ids); len(ids) != 4 || len(slices.Compact(ids)) != 4 {
		t.Errorf("%v", ids)
	}
}
