package postgres

import (
	"context"
	"fmt"
	"time"

	"entregas/internal/database"
	"entregas/internal/inbox"
)

// findingRetention is how long a finding of the reconciler is kept.
const findingRetention = 90 * 24 * time.Hour

// Purge deletes what is past its retention (docs/retention.md): stored replies, counts of attempts, the keys of imports, and findings.
// A key of an import is remembered as long as a command, so its repetition changes nothing for that time.
func (s *Store) Purge(ctx context.Context) error {
	const (
		imports  = `delete from importacion where idempotency_key in (select idempotency_key from importacion where en < now() - $1::interval limit 5000)`
		findings = `delete from finding where (id_compra, what, estado) in (select id_compra, what, estado from finding where found_at < now() - $1::interval limit 5000)`
	)
	if err := database.DeleteAll(ctx, s.pool, imports, inbox.Kept); err != nil {
		return fmt.Errorf("purge the imports: %w", err)
	}
	if err := database.DeleteAll(ctx, s.pool, findings, findingRetention); err != nil {
		return fmt.Errorf("purge the findings: %w", err)
	}
	return inbox.Purge(ctx, s.pool)
}
