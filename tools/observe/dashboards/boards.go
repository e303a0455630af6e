package main

import "fmt"

// quantiles returns the queries of the middle and of the slowest hundredth of the histogram name, per label.
func quantiles(name, matcher, label string) []query {
	q := func(share float64, suffix string) query {
		return query{fmt.Sprintf("histogram_quantile(%v, sum by (le, %s) (rate(%s_bucket{%s}[$__rate_interval])))", share, label, name, matcher), "{{" + label + "}} " + suffix}
	}
	return []query{q(.5, "p50"), q(.99, "p99")}
}

func one(expr, legend string) []query { return []query{{expr, legend}} }

var boards = []board{
	{file: "overview.json", title: "overview", rows: []row{
		{"Objectives", []panel{
			{"Burn rate of the budgets (1 = all in 30 days)", "short", one(`slo:current_burn_rate:ratio`, "{{sloth_slo}}")},
			{"Budget that is left", "percentunit", one(`slo:period_error_budget_remaining:ratio`, "{{sloth_slo}}")},
			{"Share of bad events, 5 minutes", "percentunit", one(`slo:sli_error:ratio_rate5m`, "{{sloth_slo}}")},
		}},
		{"Purchases", []panel{
			{"Posted a second, by status", "reqps", one(`sum by (http_response_status_code) (rate(http_server_request_duration_seconds_count{app="bff",http_route="/api/compras",http_request_method="POST"}[$__rate_interval]))`, "{{http_response_status_code}}")},
			{"At their end a second, by state", "reqps", one(`sum by (state) (rate(entregas_purchases_ended_total[$__rate_interval]))`, "{{state}}")},
			{"From acceptance to the end, without approval", "s", quantiles("entregas_purchase_duration_seconds", `approval="no"`, "state")},
		}},
		{"What must be zero, or low", []panel{
			{"FALLIDA, and units of difference", "short", []query{{`sum(entregas_purchases_failed)`, "FALLIDA"}, {`sum(entregas_stock_balance_difference)`, "difference of stock"}}},
			{"Dead letters", "short", one(`sum by (topic) (entregas_dead_letters)`, "{{topic}}")},
			{"Oldest unfinished purchase", "s", one(`max(entregas_oldest_unfinished_seconds)`, "age")},
			{"Programs that do not answer", "short", one(`count by (job) (up == 0)`, "{{job}}")},
			{"Oldest message in an outbox", "s", one(`max by (app) (entregas_outbox_oldest_seconds)`, "{{app}}")},
		}},
	}},
	{file: "saga.json", title: "the saga", rows: []row{
		{"Purchases under way", []panel{
			{"In flight, by state", "short", one(`sum by (state) (entregas_purchases_in_flight)`, "{{state}}")},
			{"Age of the oldest", "s", []query{{`max(entregas_oldest_unfinished_seconds)`, "unfinished"}, {`max(entregas_oldest_approval_seconds)`, "waits for approval"}}},
			{"Wait for approval", "short", one(`sum(entregas_approvals_waiting)`, "purchases")},
		}},
		{"Steps", []panel{
			{"Duration of a step", "s", quantiles("entregas_step_duration_seconds", "", "step")},
			{"Compensations a second", "ops", one(`sum by (step) (rate(entregas_compensations_total[$__rate_interval]))`, "{{step}}")},
			{"Retries a second", "ops", one(`sum by (step) (rate(entregas_retries_total[$__rate_interval]))`, "{{step}}")},
		}},
		{"Ends", []panel{
			{"Ends a second, by reason", "ops", one(`sum by (state, reason) (rate(entregas_purchases_ended_total[$__rate_interval]))`, "{{state}} {{reason}}")},
			{"Findings of the reconcilers", "short", one(`sum by (reconciler) (increase(entregas_reconciler_findings_total[$__rate_interval]))`, "{{reconciler}}")},
		}},
	}},
	{file: "queues.json", title: "queues", rows: []row{
		{"Waiting", []panel{
			{"Messages that wait", "short", one(`sum by (topic, subscription) (entregas_pending_messages{topic!~".*-dlq"})`, "{{topic}} {{subscription}}")},
			{"Age of the oldest", "s", one(`max by (topic, subscription) (entregas_oldest_pending_age_seconds{topic!~".*-dlq"})`, "{{topic}} {{subscription}}")},
			{"Time until empty", "s", one(`max by (topic, subscription) (entregas_drain_seconds)`, "{{topic}} {{subscription}}")},
		}},
		{"Flow", []panel{
			{"In a second", "ops", one(`max by (topic) (entregas_messages_in_per_second)`, "{{topic}}")},
			{"Out a second", "ops", one(`sum by (topic, subscription) (entregas_messages_out_per_second)`, "{{topic}} {{subscription}}")},
			{"Consumers", "short", one(`min by (topic, subscription) (entregas_consumers)`, "{{topic}} {{subscription}}")},
		}},
		{"Handling", []panel{
			{"Duration of the handling", "s", quantiles("entregas_message_duration_seconds", "", "topic")},
			{"Retries and dead letters a second", "ops", one(`sum by (topic, outcome) (rate(entregas_message_duration_seconds_count{outcome!="done"}[$__rate_interval]))`, "{{topic}} {{outcome}}")},
			{"Dead letters, and messages that cannot be read", "short", []query{{`sum by (topic) (entregas_dead_letters)`, "{{topic}}"}, {`sum by (topic) (entregas_undecodable_messages)`, "{{topic}} unreadable"}}},
			{"Rows in the outbox", "short", one(`max by (app) (entregas_outbox_rows)`, "{{app}}")},
			{"Rows in the inbox", "short", one(`max by (app) (entregas_inbox_rows)`, "{{app}}")},
			{"Broker answers", "short", one(`min(entregas_pulsar_up)`, "Pulsar")},
		}},
	}},
	{file: "service.json", title: "a service", perApp: true, rows: []row{
		{"Requests", []panel{
			{"Requests a second, by route", "reqps", one(`sum by (http_route) (rate(http_server_request_duration_seconds_count{app=~"$app"}[$__rate_interval]))`, "{{http_route}}")},
			{"Errors of ours a second", "reqps", one(`sum by (http_route) (rate(http_server_request_duration_seconds_count{app=~"$app",http_response_status_code=~"5.."}[$__rate_interval]))`, "{{http_route}}")},
			{"Duration", "s", quantiles("http_server_request_duration_seconds", `app=~"$app"`, "app")},
		}},
		{"Messages and activities", []panel{
			{"Messages a second", "ops", one(`sum by (topic, outcome) (rate(entregas_message_duration_seconds_count{app=~"$app"}[$__rate_interval]))`, "{{topic}} {{outcome}}")},
			{"Duration of a message", "s", quantiles("entregas_message_duration_seconds", `app=~"$app"`, "topic")},
			{"Duration of an activity", "s", quantiles("entregas_activity_duration_seconds", `app=~"$app"`, "activity")},
		}},
		{"Program", []panel{
			{"Processors", "short", one(`sum by (app, job) (rate(process_cpu_seconds_total{app=~"$app"}[$__rate_interval]))`, "{{app}} {{job}}")},
			{"Memory", "bytes", one(`sum by (app, job) (process_resident_memory_bytes{app=~"$app"})`, "{{app}} {{job}}")},
			{"Goroutines", "short", one(`sum by (app, job) (go_goroutines{app=~"$app"})`, "{{app}} {{job}}")},
			{"Connections of the database in use", "short", []query{{`sum by (app) (pgxpool_acquired_connections{app=~"$app"})`, "{{app}}"}, {`sum by (app) (pgxpool_max_connections{app=~"$app"})`, "{{app}} at most"}}},
			{"Answers a scrape", "short", one(`min by (app, job) (up{app=~"$app"})`, "{{app}} {{job}}")},
			{"Spans that were not sent a second", "ops", one(`sum by (app) (rate(entregas_spans_failed_total{app=~"$app"}[$__rate_interval]))`, "{{app}}")},
		}},
	}},
	{file: "engine.json", title: "the engine", rows: []row{
		{"Workflows (Dapr)", []panel{
			{"Workflows a second, by status", "ops", one(`sum by (workflow_name, status) (rate(dapr_runtime_workflow_execution_count[$__rate_interval]))`, "{{workflow_name}} {{status}}")},
			{"Activities a second, by status", "ops", one(`sum by (activity_name, status) (rate(dapr_runtime_workflow_activity_execution_count[$__rate_interval]))`, "{{activity_name}} {{status}}")},
			{"Duration of an activity", "ms", quantiles("dapr_runtime_workflow_activity_execution_latency", "", "activity_name")},
			{"Duration of a workflow", "ms", quantiles("dapr_runtime_workflow_execution_latency", "", "workflow_name")},
			{"From the request to the start", "ms", quantiles("dapr_runtime_workflow_scheduling_latency", "", "workflow_name")},
			{"Operations a second, by status", "ops", one(`sum by (operation, status) (rate(dapr_runtime_workflow_operation_count[$__rate_interval]))`, "{{operation}} {{status}}")},
		}},
		{"Scheduler", []panel{
			{"Sidecars that are connected", "short", one(`sum(dapr_scheduler_sidecars_connected)`, "sidecars")},
			{"Jobs triggered a second", "ops", one(`sum by (type) (rate(dapr_scheduler_jobs_triggered_total[$__rate_interval]))`, "{{type}}")},
			{"Jobs that failed a second", "ops", []query{{`sum by (type) (rate(dapr_scheduler_jobs_failed_total[$__rate_interval]))`, "{{type}} failed"}, {`sum by (type) (rate(dapr_scheduler_jobs_undelivered_total[$__rate_interval]))`, "{{type}} not delivered"}}},
		}},
	}},
	{file: "capacity.json", title: "capacity", rows: []row{
		{"Processor and memory", []panel{
			{"Processors, all programs", "short", one(`sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))`, "{{job}}")},
			{"Memory, all programs", "bytes", one(`sum by (job) (process_resident_memory_bytes)`, "{{job}}")},
			{"Open files", "short", one(`topk(10, process_open_fds)`, "{{job}} {{app}}")},
		}},
		{"Storage", []panel{
			{"Databases", "bytes", one(`sum by (datname) (pg_database_size_bytes)`, "{{datname}}")},
			{"Topics", "bytes", one(`topk(10, sum by (topic) (pulsar_storage_size))`, "{{topic}}")},
			{"Free share of the disk", "percentunit", one(`min by (mountpoint) (node_filesystem_avail_bytes{fstype!~"tmpfs|squashfs|iso9660|erofs"} / (node_filesystem_size_bytes - node_filesystem_free_bytes + node_filesystem_avail_bytes))`, "{{mountpoint}}")},
		}},
		{"PostgreSQL", []panel{
			{"Connections", "short", one(`sum by (datname, state) (pg_stat_activity_count)`, "{{datname}} {{state}}")},
			{"Transactions a second", "ops", one(`sum by (datname) (rate(pg_stat_database_xact_commit[$__rate_interval]))`, "{{datname}}")},
			{"Deadlocks", "short", one(`sum by (datname) (increase(pg_stat_database_deadlocks[$__rate_interval]))`, "{{datname}}")},
		}},
	}},
}
