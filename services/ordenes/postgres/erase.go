package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/internal/audit"
)

// Borrar erases the addresses of a customer's orders that have ended (docs/adr/erased-personal-data.md), and counts the orders that have not: they
// keep their addresses. An erasure that had an effect is an act of the person who acts in ctx.
func (s *Store) Borrar(ctx context.Context, idUsuario string) (contracts.ParteBorrada, error) {
	var part contracts.ParteBorrada
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, `update orden set direccion = null where id_usuario = $1 and estado <> 'CREADA' and direccion is not null`, idUsuario)
		if err != nil {
			return err
		}
		if part.Borradas = int(done.RowsAffected()); part.Borradas > 0 {
			act := contracts.Acto{Tipo: contracts.ActoBorradoDePersona, Objeto: idUsuario}.Telling(contracts.TextoOrdenesBorradas, contracts.NumeroDeActo("ordenes", part.Borradas))
			if err := audit.Record(ctx, tx, act); err != nil {
				return err
			}
		}
		return tx.QueryRow(ctx, `select count(*) from orden where id_usuario = $1 and estado = 'CREADA'`, idUsuario).Scan(&part.Abiertas)
	})
	if err != nil {
		return part, fmt.Errorf("erase personal data: %w", err)
	}
	return part, nil
}
