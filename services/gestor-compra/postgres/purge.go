package postgres

import (
	"context"
	"fmt"
	"time"

	"entregas/internal/database"
	"entregas/internal/inbox"
)

// PurgeEvery is how often a replica deletes what is past its retention.
const PurgeEvery = time.Hour

// stepRetention is how long the commands and replies of a purchase are kept after they were sent, if the purchase has ended. The history
// of the purchase stays.
const stepRetention = 90 * 24 * time.Hour

// findingRetention is how long a finding of the reconciler is kept.
const findingRetention = 90 * 24 * time.Hour

// Purge deletes what is past its retention (docs/retention.md): the commands and replies of ended purchases, the findings, and the
// cancellations whose purchase does not come any more. Only a dead letter may still have such a purchase.
func (s *Store) Purge(ctx context.Context) error {
	for _, step := range []struct {
		statement string
		args      []any
	}{
		{`delete from paso where (id_compra, comando) in (select p.id_compra, p.comando from paso p join compra c on c.id = p.id_compra
			where p.preguntada_en < now() - $1::interval and ` + ended + ` limit 5000)`, []any{stepRetention}},
		{`delete from cancelacion_anticipada where (id_compra, id_usuario) in
			(select id_compra, id_usuario from cancelacion_anticipada where pedida_en < now() - $1::interval limit 5000)`, []any{inbox.Kept}},
		{`delete from finding where (id_compra, what, estado) in
			(select id_compra, what, estado from finding where found_at < now() - $1::interval limit 5000)`, []any{findingRetention}},
	} {
		if err := database.DeleteAll(ctx, s.pool, step.statement, step.args...); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	return nil
}
