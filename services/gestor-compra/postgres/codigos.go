package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entregas/contracts"
	"entregas/internal/errs"
)

// maxDraws bounds how often codes are drawn anew because one of them is taken. Of a million purchases, thirty have to draw a second time.
const maxDraws = 5

// isTaken reports whether err says that a purchase has the code already.
func isTaken(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.ConstraintName == "compra_by_codigo"
}

// ByCodigo returns the purchase of a code, or NotFound.
func (s *Store) ByCodigo(ctx context.Context, codigo string) (c contracts.CompraDeCodigo, err error) {
	err = s.pool.QueryRow(ctx, `select id, id_usuario from compra where codigo = $1 and codigo <> ''`, codigo).Scan(&c.ID, &c.IDUsuario)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, errs.New(errs.NotFound, "No existe la compra %s.", contracts.FormatCodigo(codigo))
	}
	if err != nil {
		return c, fmt.Errorf("read the code: %w", err)
	}
	return c, nil
}

// FillCodigosEvery is how often to look for purchases without a code. Purchases of before the codes have none, nor those that a replica
// of before accepts during a rollout. An index finds that there are none.
const FillCodigosEvery = time.Minute

// fillAtOnce is how many purchases FillCodigos changes in one transaction. A writer of one of them waits for that transaction.
const fillAtOnce = 200

// FillCodigos gives each purchase without a code its code. It passes over a purchase that another transaction is changing: the next call
// finds it. Calls of several replicas share the work.
func (s *Store) FillCodigos(ctx context.Context) error {
	filled, after := 0, ""
	for {
		ids, err := s.fillSome(ctx, after)
		filled += len(ids)
		if err != nil || len(ids) == 0 {
			if filled > 0 {
				slog.InfoContext(ctx, "gave codes to purchases that had none", "purchases", filled)
			}
			return err
		}
		after = ids[len(ids)-1]
	}
}

// withoutCodigo selects the first purchases without a code whose ids follow one, and no purchase that another transaction is changing.
const withoutCodigo = `select id from compra where codigo = '' and id > $1 order by id limit $2 for no key update skip locked`

// fillSome gives the first purchases without a code whose ids follow after their codes, and returns these ids in order.
func (s *Store) fillSome(ctx context.Context, after string) (ids []string, err error) {
	for range maxDraws {
		err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, withoutCodigo, after, fillAtOnce)
			if err != nil {
				return err
			}
			if ids, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(ids) == 0 {
				return err
			}
			codes := make([]string, len(ids))
			for i := range codes {
				codes[i] = contracts.NewCodigo()
			}
			_, err = tx.Exec(ctx, `update compra c set codigo = drawn.codigo from unnest($1::text[], $2::text[]) drawn (id, codigo) where c.id = drawn.id`, ids, codes)
			return err
		})
		if err == nil {
			return ids, nil
		}
		if !isTaken(err) {
			break
		}
	}
	return nil, fmt.Errorf("give codes to purchases: %w", err)
}
