package postgres_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/actor"
	"entregas/internal/errs"
)

func (d desk) wish(t testing.TB, usuario, producto string, cantidad int) contracts.Deseo {
	t.Helper()
	one, err := d.AddDeseo(t.Context(), usuario, producto, cantidad)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

func (d desk) fulfil(t testing.TB, id string, cantidad int) int {
	t.Helper()
	n, mails, err := d.Fulfil(t.Context(), contracts.Producto{ID: id, Nombre: "Café", Cantidad: cantidad}, false)
	if err != nil || mails != 0 {
		t.Fatal(mails, err)
	}
	return n
}

// Failure prevented: a page that showed the notice of a wish took the newer wish for the product away.
func TestANoticeRemovesOnlyItsOwnWish(t *testing.T) {
	d := newDesk(t)
	d.wish(t, "ana", "1", 2)
	d.fulfil(t, "1", 2)
	list, err := d.Deseos(t.Context(), "ana")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	shown := list[0].AvisadoEn
	d.wish(t, "ana", "1", 5)
	for _, x := range []struct {
		at   *time.Time
		left int
	}{{shown, 1}, {nil, 0}} {
		if err := d.DeleteDeseo(t.Context(), "ana", "1", x.at); err != nil {
			t.Fatal(err)
		}
		if list, err := d.Deseos(t.Context(), "ana"); err != nil || len(list) != x.left {
			t.Errorf("after %v there are %+v: %v", x.at, list, err)
		}
	}
	d.wish(t, "ana", "1", 2)
	d.fulfil(t, "1", 2)
	list, _ = d.Deseos(t.Context(), "ana")
	if err := d.DeleteDeseo(t.Context(), "ana", "1", list[0].AvisadoEn); err != nil {
		t.Fatal(err)
	}
	if list, err := d.Deseos(t.Context(), "ana"); err != nil || len(list) != 0 {
		t.Errorf("the wish of the notice is still there: %+v %v", list, err)
	}
}

// A wish is fulfilled once, when there is as much as it asks for. A new wish for the product waits again.
func TestAWishIsFulfilledOnce(t *testing.T) {
	d := newDesk(t)
	d.wish(t, "ana", "1", 5)
	d.wish(t, "eva", "1", 2)
	d.wish(t, "ana", "2", 1)
	for i, want := range []struct{ cantidad, fulfilled int }{{1, 0}, {4, 1}, {4, 0}, {5, 1}, {9, 0}} {
		if n := d.fulfil(t, "1", want.cantidad); n != want.fulfilled {
			t.Errorf("look %d at %d units fulfilled %d, want %d", i, want.cantidad, n, want.fulfilled)
		}
	}
	list, err := d.Deseos(t.Context(), "ana")
	if err != nil || len(list) != 2 || list[0].IDProducto != "2" || list[0].AvisadoEn != nil || list[1].AvisadoEn == nil || list[1].Nombre != "Café" {
		t.Errorf("%+v: %v", list, err)
	}
	if wanted, err := d.Wanted(t.Context(), "", 9); err != nil || fmt.Sprint(wanted) != "[2]" {
		t.Errorf("wanted are %v: %v", wanted, err)
	}
	if again := d.wish(t, "ana", "1", 5); again.AvisadoEn != nil || again.Nombre != "" {
		t.Errorf("the new wish is %+v", again)
	}
	d.wish(t, "eva", "3", 1)
	for after, want := range map[string]string{"": "[1 2]", "2": "[3]", "3": "[]"} {
		if wanted, err := d.Wanted(t.Context(), after, 2); err != nil || fmt.Sprint(wanted) != want {
			t.Errorf("after %q wanted are %v, want %s: %v", after, wanted, want, err)
		}
	}
	if n := d.fulfil(t, "1", 5); n != 1 {
		t.Errorf("the new wish was not fulfilled: %d", n)
	}
}

// A customer waits for at most contracts.MaxDeseos products, also where many requests come at once. Fulfilled wishes do not count; only the
// newest are kept.
func TestWishesAreBounded(t *testing.T) {
	d := newDesk(t)
	var wait sync.WaitGroup
	var mu sync.Mutex
	codes := map[errs.Code]int{}
	for i := range contracts.MaxDeseos + 5 {
		wait.Go(func() {
			_, err := d.AddDeseo(t.Context(), "ana", fmt.Sprint(i), 1)
			mu.Lock()
			defer mu.Unlock()
			codes[errs.Of(err)]++
		})
	}
	wait.Wait()
	if n := d.count(t, `select count(*) from deseo`); n != contracts.MaxDeseos || codes[errs.Conflict] != 5 {
		t.Errorf("%d wishes; codes %v", n, codes)
	}
	var some string
	if err := d.pool.QueryRow(t.Context(), `select min(id_producto) from deseo`).Scan(&some); err != nil {
		t.Fatal(err)
	}
	if one := d.wish(t, "ana", some, 7); one.Cantidad != 7 {
		t.Errorf("another quantity of a wished product: %+v", one)
	}
	d.wish(t, "eva", "1", 1)
	d.fulfil(t, some, 7)
	d.wish(t, "ana", "one more", 1)

	for i := range 2 * contracts.MaxDeseos { // one who asks for what is there
		id := fmt.Sprintf("there-%03d", i)
		d.wish(t, "oti", id, 1)
		d.fulfil(t, id, 1)
	}
	d.wish(t, "oti", "one more", 1)
	list, err := d.Deseos(t.Context(), "oti")
	if err != nil || len(list) != contracts.MaxDeseos+1 || list[contracts.MaxDeseos].IDProducto != fmt.Sprintf("there-%03d", contracts.MaxDeseos) {
		t.Errorf("%d wishes are kept, the oldest is %+v: %v", len(list), list[len(list)-1], err)
	}
}

// An erasure takes the wishes of one customer and is an act; the same again erases nothing and is none. The purge takes old
// fulfilled wishes, and those that waited for half a year.
func TestWishesEnd(t *testing.T) {
	d := newDesk(t)
	d.wish(t, "ana", "1", 1)
	d.wish(t, "ana", "2", 1)
	d.wish(t, "eva", "1", 1)
	d.wish(t, "eva", "2", 1)
	d.fulfil(t, "1", 1)
	ctx := actor.With(t.Context(), contracts.Actor{Sujeto: "oti", Rol: "operador"})
	for _, want := range []int{2, 0} {
		if part, err := d.Borrar(ctx, "ana"); err != nil || part != (contracts.ParteBorrada{Borradas: want}) {
			t.Errorf("erased %+v, want %d: %v", part, want, err)
		}
	}
	if n := d.count(t, `select count(*) from acto where tipo = 'borrado' and objeto = 'ana' and sujeto = 'oti'`); n != 1 {
		t.Errorf("%d acts", n)
	}
	d.wish(t, "eva", "3", 1)
	d.exec(t, `update deseo set avisado_en = now() - interval '31 days' where avisado_en is not null`)
	d.exec(t, `update deseo set pedido_en = now() - interval '181 days' where id_producto = '3'`)
	d.exec(t, `update deseo set pedido_en = now() - interval '179 days' where id_producto = '2'`)
	if err := d.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err := d.Deseos(t.Context(), "eva"); err != nil || len(list) != 1 || list[0].IDProducto != "2" {
		t.Errorf("after the purge there are %+v: %v", list, err)
	}
}
