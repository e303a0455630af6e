package postgres

import "entregas/internal/database"

// inFlight is the condition of the index compra_in_flight.
const inFlight = `estado not in ('RECIBIDA', 'POR_APROBAR', 'CONFIRMADA', 'DESPACHADA', 'RECHAZADA', 'CANCELADA', 'FALLIDA')`

// Gauges are the metrics of what is in the database now. Each statement reads a partial index of what has not ended.
var Gauges = []database.Gauge{
	{Name: "entregas_purchases_in_flight", Label: "state", Meaning: "Purchases that have not ended, by state.",
		SQL: `select estado, count(*)::float8 from compra where ` + inFlight + ` group by estado
union all select 'RECIBIDA', count(*)::float8 from compra where estado = 'RECIBIDA'
union all select 'POR_APROBAR', count(*)::float8 from compra where estado = 'POR_APROBAR'`},
	{Name: "entregas_oldest_unfinished", Unit: "s", Meaning: "Age of the oldest purchase that has not ended, without those that wait for approval; 0 when there is none.",
		SQL: `select coalesce(greatest(extract(epoch from clock_timestamp() - least(
	(select min(creada_en) from compra where estado = 'RECIBIDA'), (select min(creada_en) from compra where ` + inFlight + `))), 0), 0)::float8`},
	{Name: "entregas_approvals_waiting", Meaning: "Purchases that wait for the approval of an operator.",
		SQL: `select count(*)::float8 from compra where estado = 'POR_APROBAR'`},
	{Name: "entregas_oldest_approval", Unit: "s", Meaning: "How long the oldest purchase has waited for approval; 0 when none waits.",
		SQL: `select coalesce(greatest(extract(epoch from clock_timestamp() - min(actualizada_en)), 0), 0)::float8 from compra where estado = 'POR_APROBAR'`},
	{Name: "entregas_purchases_failed", Meaning: "Purchases that are FALLIDA: an operator must act.",
		SQL: `select count(*)::float8 from compra where estado = 'FALLIDA'`},
	{Name: "entregas_outbox_rows", Meaning: "Facts that are recorded and not yet published.",
		SQL: `select count(*)::float8 from historia where not published`},
	{Name: "entregas_outbox_oldest", Unit: "s", Meaning: "Age of the oldest fact that is not yet published; 0 when there is none.",
		SQL: `select coalesce(greatest(extract(epoch from clock_timestamp() - min(en)), 0), 0)::float8 from historia where not published`},
}
