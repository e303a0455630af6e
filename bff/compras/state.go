package compras

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"entregas/contracts"
	"entregas/internal/errs"
)

// viewTTL is how long the read model keeps a purchase after its last change. gestor-compra keeps it for ever.
const viewTTL = 30 * 24 * time.Hour

// maxRounds bounds how often retry repeats a lost race for a key.
const maxRounds = 20

// state keeps the records of the bff about purchases. The Store has:
//
//	compra/<id>            the read model: the purchase as its owner last published it (docs/adr/the-history-is-the-outbox.md)
//	usuario/<id_usuario>   the ids of a customer's newest purchases, newest first
//	codigo/<codigo>        the id and the customer of the purchase with this code
//	submission/<hash>      an Idempotency-Key: the id of its purchase, and the fingerprint of its body
type state struct {
	store Store
	now   func() time.Time
	turns [64]sync.Mutex // for the lists of customers: see recordOfUsuario
}

// view is a purchase in the read model, without its address (docs/adr/personal-data.md).
type view struct {
	Compra    contracts.Compra `json:"compra"`
	WrittenAt time.Time        `json:"written_at"`
	// Direccion is the fingerprint of the address with which this bff got the purchase. It is "" where the bff knows the purchase
	// only from its owner, whose events have no address.
	Direccion string `json:"direccion,omitempty"`
}

// newView returns the view of c at the instant now.
func newView(c contracts.Compra, now time.Time) view {
	c.Direccion = nil
	return view{Compra: c, WrittenAt: now.UTC()}
}

// isSame reports whether s asks for the purchase of v, as far as the read model knows it.
func (v view) isSame(s contracts.SolicitudCompra) bool {
	if v.Direccion != "" && v.Direccion != fingerprintOf(s.ID, s.Direccion) {
		return false
	}
	s.Direccion = nil
	return v.Compra.IsSame(s)
}

// fingerprintOf returns a hash of the address of the purchase id, nil for none. The id in it makes the hashes of equal addresses differ.
func fingerprintOf(id string, d *contracts.Direccion) string {
	if d == nil {
		return Fingerprint(id)
	}
	return Fingerprint(id, d.Destinatario, d.Calle, d.Ciudad, d.Telefono)
}

// codigoTTL is how long the read model keeps a code. The owner tells the code again with each change, but only a new code is written.
const codigoTTL = 2 * viewTTL

func compraKey(id string) string       { return "compra/" + id }
func codigoKey(codigo string) string   { return "codigo/" + codigo }
func usuarioKey(usuario string) string { return "usuario/" + url.QueryEscape(usuario) } // Dapr refuses "||" in a key

func (s *state) age(v view) Age {
	return Age{SecondHand: true, Seconds: max(0, int(s.now().Sub(v.WrittenAt).Seconds()))}
}

// load returns a purchase of the read model, or nil if the read model does not have the purchase.
func (s *state) load(ctx context.Context, id string) (*view, error) {
	v, _, err := loadJSON[view](ctx, s.store, compraKey(id))
	return v, err
}

// plantSeed writes a purchase as RECIBIDA if the read model does not have the purchase, and reports whether it wrote.
func (s *state) plantSeed(ctx context.Context, solicitud contracts.SolicitudCompra) (bool, error) {
	now := s.now().UTC()
	seed := newView(contracts.Compra{
		SolicitudCompra: solicitud, Estado: contracts.EstadoRecibida,
		CreadaEn: now, ActualizadaEn: now, Historia: []contracts.HechoContado{},
	}, now)
	seed.Direccion = fingerprintOf(solicitud.ID, solicitud.Direccion)
	text, err := json.Marshal(seed)
	if err != nil {
		return false, err
	}
	err = s.store.Create(ctx, compraKey(solicitud.ID), text, viewTTL)
	if errors.Is(err, ErrChanged) {
		return false, nil
	}
	return err == nil, err
}

// forgetSeed deletes what plantSeed wrote, unless the owner has published the purchase since.
func (s *state) forgetSeed(ctx context.Context, id string) error {
	v, version, err := loadJSON[view](ctx, s.store, compraKey(id))
	if err != nil || v == nil || v.Compra.Numero() > 0 {
		return err
	}
	return s.store.Delete(ctx, compraKey(id), version)
}

// update writes a purchase that the owner published, unless the read model has a newer version. The first event of a purchase
// also adds the purchase to the customer's list, and the first with a code adds the code. These are written first: after a crash between
// the writes the broker delivers the event again, and update does all of them.
func (s *state) update(ctx context.Context, c contracts.Compra) error {
	fresh := newView(c, s.now())
	return retry(func() error {
		earlier, version, err := loadJSON[view](ctx, s.store, compraKey(c.ID))
		if err != nil {
			return err
		}
		if earlier == nil && !c.ActualizadaEn.IsZero() && s.now().Sub(c.ActualizadaEn) > viewTTL {
			return nil // a dead letter that was put back: a later change of the purchase may be forgotten already
		}
		if earlier == nil || earlier.Compra.Numero() == 0 {
			if err := s.recordOfUsuario(ctx, c.IDUsuario, recorded{ID: c.ID, CreadaEn: c.CreadaEn}); err != nil {
				return err
			}
		}
		if c.Codigo != "" && (earlier == nil || earlier.Compra.Codigo != c.Codigo) {
			if err := s.recordCodigo(ctx, c); err != nil {
				return err
			}
		}
		if earlier != nil && !erased(c) {
			fresh.Direccion = earlier.Direccion
		}
		text, err := json.Marshal(fresh)
		switch {
		case err != nil:
			return err
		case earlier == nil:
			return s.store.Create(ctx, compraKey(c.ID), text, viewTTL)
		case earlier.Compra.Numero() >= c.Numero():
			return nil
		}
		return s.store.Replace(ctx, compraKey(c.ID), version, text, viewTTL)
	})
}

// erased reports whether the personal data of c was erased.
func erased(c contracts.Compra) bool {
	return slices.ContainsFunc(c.Historia, func(h contracts.HechoContado) bool { return h.Paso == contracts.PasoBorrado })
}

// recordCodigo writes which purchase has the code of c. A code never changes its purchase.
func (s *state) recordCodigo(ctx context.Context, c contracts.Compra) error {
	text, err := json.Marshal(contracts.CompraDeCodigo{ID: c.ID, IDUsuario: c.IDUsuario})
	if err != nil {
		return err
	}
	if err := s.store.Create(ctx, codigoKey(c.Codigo), text, codigoTTL); !errors.Is(err, ErrChanged) {
		return err
	}
	return nil
}

// recorded is a purchase in the list of its customer.
type recorded struct {
	ID       string    `json:"id"`
	CreadaEn time.Time `json:"creada_en"`
}

// recordOfUsuario adds a purchase to the customer's list, which keeps the LatestOfList newest. In one process the writes of a
// customer's list take turns. Otherwise, with many purchases at once, most writes would lose the race for the key.
func (s *state) recordOfUsuario(ctx context.Context, usuario string, fresh recorded) error {
	turn := &s.turns[sha256.Sum256([]byte(usuario))[0]%uint8(len(s.turns))]
	turn.Lock()
	defer turn.Unlock()
	return retry(func() error {
		list, version, err := loadList(ctx, s.store, usuario)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(list, func(a recorded) bool { return a.ID == fresh.ID }) {
			return nil
		}
		list = append(list, fresh)
		slices.SortStableFunc(list, func(a, b recorded) int { // in the order of the owner's list
			return cmp.Or(b.CreadaEn.Compare(a.CreadaEn), strings.Compare(b.ID, a.ID))
		})
		text, err := json.Marshal(list[:min(len(list), LatestOfList)])
		if err != nil {
			return err
		}
		if version == "" {
			return s.store.Create(ctx, usuarioKey(usuario), text, viewTTL)
		}
		return s.store.Replace(ctx, usuarioKey(usuario), version, text, viewTTL)
	})
}

func loadList(ctx context.Context, s Store, usuario string) ([]recorded, string, error) {
	list, version, err := loadJSON[[]recorded](ctx, s, usuarioKey(usuario))
	if list == nil {
		return nil, version, err
	}
	return *list, version, err
}

// latestOf returns one page: the purchases of a customer in the read model that are older than the cursor `from`. The page has a
// cursor of its own if there may be older purchases. Error: Unavailable if only gestor-compra may have older purchases.
func (s *state) latestOf(ctx context.Context, usuario string, from contracts.Cursor) (Page, error) {
	page := Page{PaginaDeCompras: contracts.PaginaDeCompras{Compras: []contracts.Compra{}}, Age: Age{SecondHand: true}}
	list, _, err := loadList(ctx, s.store, usuario)
	full := len(list) == LatestOfList
	list = after(list, from)
	if err != nil || len(list) == 0 {
		if err == nil && full {
			err = errs.New(errs.Unavailable, "Las compras más antiguas no se conocen aquí, y gestor-compra no responde. Intente de nuevo en unos segundos.")
		}
		return page, err
	}
	keys := make([]string, len(list))
	for i, a := range list {
		keys[i] = compraKey(a.ID)
	}
	values, err := s.store.Load(ctx, keys...)
	if err != nil {
		return page, err
	}
	for i, value := range values {
		if value.Version == "" {
			continue // the purchase was not taken in the end, or its ttl ended
		}
		var v view
		if err := json.Unmarshal(value.Text, &v); err != nil {
			return page, fmt.Errorf("%s: %w", keys[i], err)
		}
		page.Compras = append(page.Compras, v.Compra)
		page.Age.Seconds = max(page.Age.Seconds, s.age(v).Seconds)
	}
	if last := list[len(list)-1]; full {
		page.Siguiente = contracts.Cursor{CreadaEn: last.CreadaEn, ID: last.ID}.String()
	}
	return page, nil
}

// after returns the part of list that follows the cursor from. It looks for the purchase of the cursor first, because the
// instants of the owner's cursors are more exact than the instants of the list. If the list does not have the purchase, after
// compares the instants.
func after(list []recorded, from contracts.Cursor) []recorded {
	if from == (contracts.Cursor{}) {
		return list
	}
	if i := slices.IndexFunc(list, func(a recorded) bool { return a.ID == from.ID }); i >= 0 {
		return list[i+1:]
	}
	i := slices.IndexFunc(list, func(a recorded) bool { return a.CreadaEn.Before(from.CreadaEn) })
	if i < 0 {
		return nil
	}
	return list[i:]
}

func loadJSON[T any](ctx context.Context, s Store, key string) (*T, string, error) {
	values, err := s.Load(ctx, key)
	if err != nil || values[0].Version == "" {
		return nil, "", err
	}
	var v T
	if err := json.Unmarshal(values[0].Text, &v); err != nil {
		return nil, "", fmt.Errorf("%s: %w", key, err)
	}
	return &v, values[0].Version, nil
}

// retry runs f again as long as f loses the race for a key. Error: Unavailable after maxRounds.
func retry(f func() error) error {
	for range maxRounds {
		if err := f(); !errors.Is(err, ErrChanged) {
			return err
		}
	}
	return errs.New(errs.Unavailable, "Hay demasiados cambios a la vez. Intente de nuevo.")
}
