package postgres

import "entregas/internal/database"

// Gauges are the metrics of what is in the database now. A row of the outbox whose event was published once waits for its second
// publication and is left out.
var Gauges = append([]database.Gauge{
	{Name: "entregas_outbox_rows", Meaning: "Facts that are recorded and not yet published.",
		SQL: `select count(*)::float8 from outbox where tell_again_at is null`},
	{Name: "entregas_outbox_oldest", Unit: "s", Meaning: "Age of the oldest fact that is not yet published; 0 when there is none.",
		SQL: `select coalesce(greatest(extract(epoch from clock_timestamp() - min(created_at)), 0), 0)::float8 from outbox where tell_again_at is null`},
}, database.InboxGauges...)
