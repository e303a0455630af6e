package postgres_test

import (
	"testing"

	"entregas/internal/databasetest"
	"entregas/services/admin-productos/postgres"
)

// Failure prevented: a database of an older checkout counts as migrated, and the service fails at its first query.
func TestADatabaseOfAnOlderCheckoutIsRefused(t *testing.T) {
	databasetest.RefusesOlder(t, postgres.Migrations, "producto", 4)
}
