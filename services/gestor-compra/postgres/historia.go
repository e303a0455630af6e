package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
	"entregas/services/gestor-compra/compras"
)

// MarcarPublicadas notes what eventos-compra has.
func (a *Almacen) MarcarPublicadas(ctx context.Context, p []compras.Publicado) error {
	ids, hasta := make([]string, len(p)), make([]int, len(p))
	for i, uno := range p {
		ids[i], hasta[i] = uno.IDCompra, uno.Hasta
	}
	_, err := a.pool.Exec(ctx, `
update historia h set publicada = true
from unnest($1::text[], $2::int[]) as p (id, hasta)
where h.id_compra = p.id and h.numero <= p.hasta and not h.publicada`, ids, hasta)
	if err != nil {
		return fmt.Errorf("marcar publicadas: %w", err)
	}
	return nil
}

// PorPublicar gives purchases whose history has entries that are older than edad and not on eventos-compra yet.
func (a *Almacen) PorPublicar(ctx context.Context, edad time.Duration, limite int) ([]contracts.Compra, error) {
	filas, err := a.pool.Query(ctx, vista+`
where c.id in (select id_compra from historia where not publicada and en < now() - $1::interval order by en limit $2)`, edad, limite)
	if err != nil {
		return nil, fmt.Errorf("por publicar: %w", err)
	}
	return pgx.CollectRows(filas, leerVista)
}
