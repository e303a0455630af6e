package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/databasetest"
	"entregas/internal/errs"
	"entregas/services/avisos/avisos"
	"entregas/services/avisos/postgres"
)

// desk is a Store on a database of its own.
type desk struct {
	*postgres.Store
	pool *pgxpool.Pool
}

func newDesk(t testing.TB) desk {
	t.Helper()
	pool := databasetest.New(t, postgres.Migrations)
	return desk{postgres.New(pool), pool}
}

func (d desk) direccion(t testing.TB, estados ...contracts.Estado) contracts.DireccionDeAviso {
	t.Helper()
	a, err := d.CreateDireccion(t.Context(), contracts.NuevaDireccion{URL: "https://example.com/", Descripcion: "ERP", Estados: estados}, "whsec_one")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (d desk) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := d.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func (d desk) count(t testing.TB, sql string) (n int) {
	t.Helper()
	if err := d.pool.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// suceso returns the entry number numero of the history of a purchase, which happened a second from now.
func suceso(idCompra string, numero int, estado contracts.Estado) avisos.Suceso {
	return avisos.Suceso{
		Evento: fmt.Sprintf("msg_%s_%d", idCompra, numero), Tipo: contracts.TipoDeAviso(estado), IDCompra: idCompra, Estado: estado,
		En: time.Now().Add(time.Second), Cuerpo: "{}",
	}
}

const (
	lease = time.Minute
	most  = 4
)

func (d desk) claim(t testing.TB, busy map[string]int) []avisos.Envio {
	t.Helper()
	list, err := d.Claim(t.Context(), busy, most, lease)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Each copy of an event, in whatever order, makes one delivery to each address that wants it.
func TestAnEventIsRecordedOnce(t *testing.T) {
	d := newDesk(t)
	d.direccion(t)
	d.direccion(t, contracts.EstadoConfirmada)
	resting := d.direccion(t)
	if _, err := d.ChangeDireccion(t.Context(), resting.ID, false); err != nil {
		t.Fatal(err)
	}
	id := uuid.NewString()
	first := []avisos.Suceso{suceso(id, 1, contracts.EstadoRecibida)}
	all := append(slices.Clone(first), suceso(id, 2, contracts.EstadoConfirmada))
	var added atomic.Int64
	databasetest.Concurrently(20, 8, func(i int) {
		n, _, err := d.Record(context.Background(), [][]avisos.Suceso{first, all}[i%2])
		if err != nil {
			t.Error(err)
		}
		added.Add(int64(n))
	})
	if n := d.count(t, `select count(*) from entrega`); n != 3 || added.Load() != 3 {
		t.Errorf("%d rows and %d added, want 3: both for the first address, one for the second, none for the paused one", n, added.Load())
	}
}

// An address is not told what happened before it was created or used again, and nobody is told what is past the retention: whether
// it was told before is not known any more.
func TestWhatIsTooOldIsNotTold(t *testing.T) {
	d := newDesk(t)
	a := d.direccion(t)
	at := func(en time.Time) int {
		t.Helper()
		e := suceso(uuid.NewString(), 1, contracts.EstadoRecibida)
		e.En = en
		n, _, err := d.Record(t.Context(), []avisos.Suceso{e})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := time.Now().Add(-time.Minute)
	if at(before) != 0 || at(time.Now().Add(time.Second)) != 1 {
		t.Error("an event before the address was told, or one after it was not")
	}
	d.exec(t, `update direccion set activa_desde = now() - interval '90 days'`)
	if at(before) != 1 || at(time.Now().Add(-29*24*time.Hour)) != 1 || at(time.Now().Add(-31*24*time.Hour)) != 0 {
		t.Error("the retention of 30 days is not kept")
	}
	for _, activa := range []bool{false, true, true} {
		if _, err := d.ChangeDireccion(t.Context(), a.ID, activa); err != nil {
			t.Fatal(err)
		}
	}
	if at(before) != 0 {
		t.Error("what happened during a pause was told after it")
	}
}

// Among many deliveries, taking a few reads no others.
func TestClaimReadsOnlyWhatItTakes(t *testing.T) {
	d := newDesk(t)
	a := d.direccion(t)
	d.exec(t, `insert into entrega (id, id_direccion, evento, tipo, id_compra, cuerpo) select gen_random_uuid(), $1, 'e' || n, 't', 'c', '{}' from generate_series(1, 4000) n`, a.ID)
	d.exec(t, `analyze entrega`)
	rows, err := d.pool.Query(t.Context(), `explain `+postgres.ClaimStatement, []string{}, []int{}, most, lease)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if text := strings.Join(plan, "\n"); err != nil || strings.Contains(text, "Seq Scan on entrega") {
		t.Errorf("%v\n%s", err, text)
	}
}

// Of many replicas, one gets each delivery, and no address gets more than its share, however many deliveries of it are due.
func TestClaim(t *testing.T) {
	d := newDesk(t)
	slow, quick := d.direccion(t), d.direccion(t)
	for i := range 30 {
		if _, _, err := d.Record(t.Context(), []avisos.Suceso{suceso(uuid.NewString(), i, contracts.EstadoRecibida)}); err != nil {
			t.Fatal(err)
		}
	}
	list := d.claim(t, map[string]int{slow.ID: most})
	if len(list) != most || list[0].IDDireccion != quick.ID || list[0].Intentos != 1 || !slices.Equal(list[0].Secretos, []string{"whsec_one"}) {
		t.Fatalf("%d: %+v", len(list), list)
	}
	var taken, doubled atomic.Int64
	seen := make(chan string, 100)
	databasetest.Concurrently(20, 10, func(int) {
		list, err := d.Claim(context.Background(), nil, most, lease)
		if err != nil {
			t.Error(err)
		}
		taken.Add(int64(len(list)))
		for _, e := range list {
			seen <- e.ID
		}
	})
	close(seen)
	unique := map[string]bool{}
	for id := range seen {
		if unique[id] {
			doubled.Add(1)
		}
		unique[id] = true
	}
	if taken.Load() != 56 || doubled.Load() != 0 {
		t.Errorf("%d taken, %d of them twice; want the remaining 56, each once", taken.Load(), doubled.Load())
	}
	if again := d.claim(t, nil); len(again) != 0 {
		t.Errorf("%d were taken during their lease", len(again))
	}
	d.exec(t, `update entrega set proximo_en = now() - interval '1 s'`)
	if again := d.claim(t, nil); len(again) != 2*most || again[0].Intentos != 2 {
		t.Errorf("%d after the lease: %+v", len(again), again)
	}
}

func TestTheResultOfATry(t *testing.T) {
	d := newDesk(t)
	a := d.direccion(t)
	one := func() avisos.Envio {
		t.Helper()
		d.exec(t, `delete from entrega`)
		if _, err := d.Add(t.Context(), a.ID, suceso(uuid.NewString(), 1, contracts.EstadoRecibida)); err != nil {
			t.Fatal(err)
		}
		return d.claim(t, nil)[0]
	}
	read := func() contracts.EntregaDeAviso {
		t.Helper()
		list, err := d.Entregas(t.Context(), contracts.EntregasFilter{}, 10, "")
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		return list[0]
	}
	finish := func(e avisos.Envio, a avisos.Answer, v avisos.Verdict) contracts.EntregaDeAviso {
		t.Helper()
		if err := d.Finish(t.Context(), e, a, v); err != nil {
			t.Fatal(err)
		}
		return read()
	}
	done := avisos.Verdict{Estado: contracts.EntregaHecha}
	if got := finish(one(), avisos.Answer{Codigo: 204}, done); got.Estado != contracts.EntregaHecha || got.CodigoHTTP != 204 || got.Intentos != 1 || got.ProximoEn != nil {
		t.Errorf("%+v", got)
	}
	e := one()
	got := finish(e, avisos.Answer{Codigo: 500, Error: "Respondió 500."}, avisos.Verdict{Estado: contracts.EntregaPendiente, After: time.Hour})
	if got.Error != "Respondió 500." || got.ProximoEn == nil || time.Until(*got.ProximoEn) < 59*time.Minute || len(d.claim(t, nil)) != 0 {
		t.Errorf("%+v", got)
	}
	d.exec(t, `update entrega set proximo_en = now()`) // as if the lease had ended: another replica takes it
	other := d.claim(t, nil)[0]
	if got := finish(e, avisos.Answer{Codigo: 204}, done); got.Estado != contracts.EntregaPendiente {
		t.Errorf("a replica stored its result after its lease: %+v", got)
	}
	if err := d.GiveBack(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if back := d.claim(t, nil); len(back) != 1 || back[0].Intentos != other.Intentos {
		t.Errorf("a try that was given back counts: %+v", back)
	}
	e = one()
	got = finish(e, avisos.Answer{Codigo: 410, Error: "x"}, avisos.Verdict{Estado: contracts.EntregaMuerta, Pause: true, Motivo: "410"})
	if _, err := d.SendAgain(t.Context(), got.ID, false); errs.Of(err) != errs.Conflict {
		t.Errorf("sent again to a paused address: %v", err)
	}
	if _, err := d.Add(t.Context(), a.ID, suceso(uuid.NewString(), 1, contracts.EstadoRecibida)); errs.Of(err) != errs.Conflict {
		t.Errorf("tried on a paused address: %v", err)
	}
	list, err := d.Direcciones(t.Context())
	if err != nil || len(list) != 1 || list[0].Activa || list[0].Motivo != "410" || list[0].Muertas != 1 || list[0].Secreto != "" {
		t.Errorf("%+v, %v", list, err)
	}
	if active, err := d.ChangeDireccion(t.Context(), a.ID, true); err != nil || !active.Activa || active.Motivo != "" {
		t.Errorf("%+v, %v", active, err)
	}
	again, err := d.SendAgain(t.Context(), got.ID, false)
	if err != nil || again.Estado != contracts.EntregaPendiente || again.Intentos != 0 || again.Evento != e.Evento {
		t.Errorf("%+v, %v", again, err)
	}
	if list := d.claim(t, nil); len(list) != 1 || list[0].Cuerpo != e.Cuerpo || list[0].Intentos != 1 {
		t.Errorf("%+v", list)
	}
}

func TestThereAreAtMostTwenty(t *testing.T) {
	d := newDesk(t)
	var refused atomic.Int64
	databasetest.Concurrently(contracts.MaxDirecciones+5, 10, func(int) {
		if _, err := d.CreateDireccion(context.Background(), contracts.NuevaDireccion{URL: "https://example.com/"}, "x"); errs.Of(err) == errs.Conflict {
			refused.Add(1)
		} else if err != nil {
			t.Error(err)
		}
	})
	list, err := d.Direcciones(t.Context())
	if err != nil || len(list) != contracts.MaxDirecciones || refused.Load() != 5 {
		t.Fatalf("%d addresses, %d refused, %v", len(list), refused.Load(), err)
	}
	if err := d.DeleteDireccion(t.Context(), list[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := d.CreateDireccion(t.Context(), contracts.NuevaDireccion{URL: "https://example.com/"}, "x"); err != nil {
		t.Errorf("after a deletion: %v", err)
	}
}

func TestTheOldSecretSignsForADay(t *testing.T) {
	d := newDesk(t)
	a := d.direccion(t)
	secretos := func() []string {
		t.Helper()
		d.exec(t, `delete from entrega`)
		if _, err := d.Add(t.Context(), a.ID, suceso(uuid.NewString(), 1, contracts.EstadoRecibida)); err != nil {
			t.Fatal(err)
		}
		return d.claim(t, nil)[0].Secretos
	}
	renewed, err := d.RenewSecreto(t.Context(), a.ID, "whsec_two")
	if err != nil || renewed.Secreto != "whsec_two" {
		t.Fatalf("%+v, %v", renewed, err)
	}
	if got := secretos(); !slices.Equal(got, []string{"whsec_two", "whsec_one"}) {
		t.Error(got)
	}
	d.exec(t, `update direccion set anterior_hasta = now() - interval '1 s'`)
	if got := secretos(); !slices.Equal(got, []string{"whsec_two"}) {
		t.Error(got)
	}
}

func TestAListOfDeliveries(t *testing.T) {
	d := newDesk(t)
	a, b := d.direccion(t), d.direccion(t)
	id := uuid.NewString()
	for i := range 5 {
		if _, _, err := d.Record(t.Context(), []avisos.Suceso{suceso(id, i, contracts.EstadoRecibida)}); err != nil {
			t.Fatal(err)
		}
	}
	d.exec(t, `update entrega set estado = 'MUERTA' where evento like '%_3'`)
	for _, c := range []struct {
		filter contracts.EntregasFilter
		n      int
	}{
		{contracts.EntregasFilter{}, 10},
		{contracts.EntregasFilter{IDDireccion: a.ID}, 5},
		{contracts.EntregasFilter{IDCompra: id}, 10},
		{contracts.EntregasFilter{IDCompra: uuid.NewString()}, 0},
		{contracts.EntregasFilter{Estado: contracts.EntregaMuerta}, 2},
		{contracts.EntregasFilter{Estado: contracts.EntregaMuerta, IDDireccion: b.ID, IDCompra: id}, 1},
	} {
		var ids []string
		for after := ""; ; {
			page, err := d.Entregas(t.Context(), c.filter, 2, after)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page {
				ids = append(ids, e.ID)
			}
			if len(page) < 2 {
				break
			}
			after = page[1].ID
		}
		if len(ids) != c.n || !slices.IsSortedFunc(ids, func(x, y string) int { return -cmp(x, y) }) {
			t.Errorf("%+v: %v", c.filter, ids)
		}
	}
	if err := d.DeleteDireccion(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if page, err := d.Entregas(t.Context(), contracts.EntregasFilter{}, 100, ""); err != nil || len(page) != 5 {
		t.Errorf("%d deliveries after a deletion, %v", len(page), err)
	}
}

func cmp(x, y string) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func TestPurge(t *testing.T) {
	d := newDesk(t)
	a, gone := d.direccion(t), d.direccion(t)
	for i := range 6 {
		if _, _, err := d.Record(t.Context(), []avisos.Suceso{suceso(uuid.NewString(), i, contracts.EstadoRecibida)}); err != nil {
			t.Fatal(err)
		}
	}
	d.exec(t, `update entrega set estado = 'ENTREGADA', actualizada_en = now() - interval '31 days' where evento like '%_1'`)
	d.exec(t, `update entrega set estado = 'MUERTA', actualizada_en = now() - interval '31 days' where evento like '%_2'`)
	d.exec(t, `update entrega set estado = 'ENTREGADA', actualizada_en = now() - interval '29 days' where evento like '%_3'`)
	d.exec(t, `update entrega set actualizada_en = now() - interval '31 days' where evento like '%_4'`)
	if err := d.DeleteDireccion(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	if err := d.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, m := d.count(t, `select count(*) from entrega`), d.count(t, `select count(*) from direccion`); n != 4 || m != 1 {
		t.Errorf("%d deliveries and %d addresses are left, want 4 and 1", n, m)
	}
	d.exec(t, `insert into entrega (id, id_direccion, evento, tipo, id_compra, cuerpo) select gen_random_uuid(), $1, 'm' || i, 'prueba', '', '' from generate_series(1, $2::int) i`, a.ID, 20)
	if err := d.PauseOverfull(t.Context(), 23); err != nil {
		t.Fatal(err)
	}
	if list, err := d.Direcciones(t.Context()); err != nil || !list[0].Activa || list[0].Pendientes != 23 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := d.PauseOverfull(t.Context(), 22); err != nil {
		t.Fatal(err)
	}
	if list, err := d.Direcciones(t.Context()); err != nil || list[0].Activa || list[0].Motivo != avisos.TooManyPendientes {
		t.Errorf("%+v, %v", list, err)
	}
}

// What a paused address does not get within the period of the tries is given up with the reason, also where it was tried before. The deliveries of
// an address that is used, and younger ones, wait on. An operator who sends one again gives it another period.
func TestDeliveriesOfAPausedAddressExpire(t *testing.T) {
	d, period := newDesk(t), avisos.Plan{time.Hour, 2 * time.Hour}.Period()
	a, used := d.direccion(t), d.direccion(t)
	old, young := uuid.NewString(), uuid.NewString()
	if n, _, err := d.Record(t.Context(), []avisos.Suceso{suceso(old, 1, contracts.EstadoRecibida), suceso(young, 1, contracts.EstadoRecibida)}); err != nil || n != 4 {
		t.Fatal(n, err)
	}
	if _, err := d.ChangeDireccion(t.Context(), a.ID, false); err != nil {
		t.Fatal(err)
	}
	d.exec(t, `update entrega set creada_en = now() - interval '9 days', actualizada_en = now() - interval '3 hours 1 minute', codigo_http = 503, error = 'x' where id_compra = $1`, old)
	d.exec(t, `update entrega set creada_en = now() - interval '9 days', actualizada_en = now() - interval '2 hours 59 minutes' where id_compra = $1`, young)
	for range 2 {
		if err := d.Expire(t.Context(), period); err != nil {
			t.Fatal(err)
		}
	}
	dead, err := d.Entregas(t.Context(), contracts.EntregasFilter{Estado: contracts.EntregaMuerta}, 9, "")
	if err != nil || len(dead) != 1 || dead[0].IDDireccion != a.ID || dead[0].IDCompra != old || dead[0].Error != avisos.PausedTooLong {
		t.Fatalf("given up are %+v: %v", dead, err)
	}
	if list := d.claim(t, nil); len(list) != 2 || list[0].IDDireccion != used.ID || list[1].IDDireccion != used.ID {
		t.Errorf("due are %+v", list)
	}
	if _, err := d.ChangeDireccion(t.Context(), a.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := d.SendAgain(t.Context(), dead[0].ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ChangeDireccion(t.Context(), a.ID, false); err != nil {
		t.Fatal(err)
	}
	if err := d.Expire(t.Context(), period); err != nil {
		t.Fatal(err)
	}
	if n := d.count(t, `select count(*) from entrega where estado = 'MUERTA'`); n != 0 {
		t.Errorf("%d are given up at once after they were sent again", n)
	}
}

// Each change by a person has its act in the same transaction; a change that changes nothing has none.
func TestWhoDidIt(t *testing.T) {
	d := newDesk(t)
	ctx := actor.With(t.Context(), contracts.Actor{Sujeto: "oti", Rol: "operador"})
	a, err := d.CreateDireccion(ctx, contracts.NuevaDireccion{URL: "https://example.com/"}, "x")
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Add(ctx, a.ID, suceso(uuid.NewString(), 1, contracts.EstadoRecibida))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := d.ChangeDireccion(ctx, a.ID, false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.SendAgain(ctx, e.ID, false); errs.Of(err) != errs.Conflict {
		t.Fatal(err)
	}
	if _, err := d.ChangeDireccion(ctx, a.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := d.SendAgain(ctx, e.ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := d.RenewSecreto(ctx, a.ID, "y"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.DeleteDireccion(ctx, a.ID); err != nil {
			t.Fatal(err)
		}
	}
	acts, err := d.Actos(ctx, contracts.ActosFilter{Sujeto: "oti", Tipos: []contracts.TipoDeActo{contracts.ActoAviso}}, contracts.Cursor{}, 10)
	var got []string
	for _, a := range slices.Backward(acts) {
		if got = append(got, a.Detalle); a.Rol != contracts.RolOperador {
			t.Errorf("%+v", a)
		}
	}
	want := []string{
		"Añadió la dirección https://example.com/", "Puso en pausa la dirección https://example.com/", "Activó la dirección https://example.com/",
		"Envió de nuevo compra.recibida a https://example.com/", "Renovó el secreto de la dirección https://example.com/", "Borró la dirección https://example.com/",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}
