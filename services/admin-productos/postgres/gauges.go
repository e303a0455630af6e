package postgres

import "entregas/internal/database"

// Gauges are the metrics of what is in the database now.
var Gauges = append([]database.Gauge{
	{Name: "entregas_stock_balance_difference", Meaning: "Units by which the books of the products do not balance, all differences added without their signs. It must be 0.",
		SQL: `select coalesce(sum(abs(diferencia)), 0)::float8 from balance`},
}, database.InboxGauges...)
