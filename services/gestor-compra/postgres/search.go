package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
)

// columns has the expression on compra c for each field by which a list is sorted. Each has an index with the id.
var columns = map[contracts.Campo]string{
	contracts.PorCreacion: "c.creada_en", contracts.PorCambio: "c.actualizada_en", contracts.PorUnidades: "unidades_de(c.productos)", contracts.PorTotal: "c.total",
}

// Buscar returns at most limit purchases that match the filter, in the order of its criterion, after the place after. If the
// purchase of that place exists, its own creation counts: a cursor of the bff's read model has milliseconds only.
func (s *Store) Buscar(ctx context.Context, f contracts.ComprasFilter, after contracts.Cursor, limit int) ([]contracts.Compra, error) {
	conditions, args := matching(f)
	column, comparison, direction := columns[f.Criterio.Campo()], ">", "asc"
	if f.Criterio.Descending() {
		comparison, direction = "<", "desc"
	}
	if after != (contracts.Cursor{}) {
		place := "@at"
		switch after.Campo() {
		case contracts.PorCreacion:
			place, args["at"] = "coalesce((select creada_en from compra where id = @after), @at)", after.CreadaEn
		case contracts.PorCambio:
			args["at"] = after.ActualizadaEn
		default:
			args["at"] = after.Valor
		}
		conditions, args["after"] = append(conditions, "("+column+", c.id) "+comparison+" ("+place+", @after)"), after.ID
	}
	args["limit"] = limit
	order := fmt.Sprintf("order by %s %[2]s, c.id %[2]s limit @limit", column, direction)
	var found []contracts.Compra
	var batch pgx.Batch
	batch.Queue(planWithValues)
	batch.Queue(view+where(conditions)+order, args).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, loadView)
		return err
	})
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("search purchases: %w", err)
	}
	return found, nil
}

// Contar returns how many purchases match the filter, and at most most.
func (s *Store) Contar(ctx context.Context, f contracts.ComprasFilter, most int) (n int, err error) {
	conditions, args := matching(f)
	args["most"] = most
	var batch pgx.Batch
	batch.Queue(planWithValues)
	batch.Queue("select count(*) from (select from compra c "+where(conditions)+"limit @most) found", args).
		QueryRow(func(row pgx.Row) error { return row.Scan(&n) })
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return 0, fmt.Errorf("count purchases: %w", err)
	}
	return n, nil
}

// matching returns the conditions of the filter on compra c, and their arguments. A field that selects all has no condition, so
// that each statement has only what an index may answer (docs/adr/bounded-searches.md).
func matching(f contracts.ComprasFilter) (conditions []string, args pgx.NamedArgs) {
	args = pgx.NamedArgs{}
	add := func(name string, value any, condition string) {
		args[name] = value
		conditions = append(conditions, condition)
	}
	if f.Texto != "" {
		codigo, _ := contracts.ParseCodigo(f.Texto) // no purchase has the code "", which a text that is no code gives
		args["codigo"] = codigo
		add("texto", f.Texto, "(c.id = @texto or c.codigo = @codigo and c.codigo <> '' or c.id_orden = @texto and c.id_orden <> '' or c.id_usuario = @texto)")
	}
	if f.IDUsuario != "" {
		add("usuario", f.IDUsuario, "c.id_usuario = @usuario")
	}
	if f.IDProducto != "" {
		line := []struct {
			IDProducto string `json:"id_producto"`
		}{{f.IDProducto}}
		add("lineas", line, "c.productos @> @lineas::jsonb")
	}
	if len(f.Estados) == 1 {
		add("estado", f.Estados[0], "c.estado = @estado")
	} else if len(f.Estados) > 0 {
		add("estados", f.Estados, "c.estado = any(@estados)")
	}
	if f.Domicilio != nil {
		add("domicilio", *f.Domicilio, "c.domicilio = @domicilio")
	}
	if !f.Desde.IsZero() {
		add("desde", f.Desde, "c.creada_en >= @desde")
	}
	if !f.Hasta.IsZero() {
		add("hasta", f.Hasta, "c.creada_en < @hasta")
	}
	if !f.CambiadaDesde.IsZero() {
		add("cambiada", f.CambiadaDesde, "c.actualizada_en >= @cambiada")
	}
	return conditions, args
}

func where(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return "where " + strings.Join(conditions, " and ") + "\n"
}
