package postgres

import "entregas/internal/database"

// Gauges are the metrics of what is in the database now. Each statement reads an index of
// what waits, fails or was given up, and not the rows of the tables: everything may wait while the receivers are away.
var Gauges = []database.Gauge{
	{Name: "entregas_deliveries_waiting", Label: "channel", Meaning: "Deliveries that are not done yet, by channel: webhook or mail. Those of a paused address wait too.",
		SQL: `select 'webhook', count(*)::float8 from entrega where estado = 'PENDIENTE' union all select 'mail', count(*)::float8 from correo where estado = 'PENDIENTE'`},
	{Name: "entregas_oldest_delivery", Unit: "s", Label: "channel", Meaning: "Age of the oldest delivery that is not done yet, by channel; 0 when none waits.",
		SQL: `select 'webhook', coalesce(greatest(extract(epoch from clock_timestamp() - min(creada_en)), 0), 0)::float8 from entrega where estado = 'PENDIENTE'
union all select 'mail', coalesce(greatest(extract(epoch from clock_timestamp() - min(creado_en)), 0), 0)::float8 from correo where estado = 'PENDIENTE'`},
	{Name: "entregas_deliveries_given_up", Label: "channel", Meaning: "Deliveries that were given up and are still kept, by channel. An operator can send them again.",
		SQL: `select 'webhook', count(*)::float8 from entrega where estado = 'MUERTA' union all select 'mail', count(*)::float8 from correo where estado = 'MUERTA'`},
	{Name: "entregas_deliveries_failing", Label: "channel", Meaning: "Deliveries that failed at least once and are tried again, by channel; without those of paused addresses.",
		SQL: `select 'webhook', count(*)::float8 from direccion d join entrega e on e.id_direccion = d.id and e.estado = 'PENDIENTE'
	where d.activa and (e.error <> '' or e.codigo_http >= 300)
union all select 'mail', count(*)::float8 from correo where estado = 'PENDIENTE' and error <> ''`},
}
