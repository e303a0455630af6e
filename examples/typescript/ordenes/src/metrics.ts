import type { FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { within } from './timing.ts';

/** Serves /metrics: the names that deploy/observability reads, and those of the process. Without the database its own metrics are left out. */
export function measure(app: FastifyInstance, pool: Pool): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, query: string) => new Gauge({
    name, help, registers: [registry],
    async collect() {
      try {
        const { rows } = await within(2_000, pool.query<{ value: number }>(query));
        this.set(rows[0]?.value ?? 0);
      } catch {
        this.remove();
      }
    },
  });
  gauge('entregas_outbox_rows', 'Facts that are recorded and not yet published.',
    'select count(*)::float8 as value from outbox where tell_again_at is null');
  gauge('entregas_outbox_oldest_seconds', 'Age of the oldest fact that is not yet published; 0 when there is none.',
    `select coalesce(greatest(extract(epoch from clock_timestamp() - min(created_at)), 0), 0)::float8 as value from outbox where tell_again_at is null`);
  gauge('entregas_inbox_rows', 'Commands whose replies are kept, as PostgreSQL estimates it.',
    `select greatest(reltuples, 0)::float8 as value from pg_class where oid = 'inbox'::regclass`);
  const duration = new Histogram({
    name: 'http_server_request_duration_seconds', help: 'Duration of HTTP server requests.',
    labelNames: ['http_request_method', 'http_response_status_code', 'http_route'], registers: [registry],
  });
  app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
    if (!routeOptions.url?.startsWith('/mensajes/')) duration.observe(
      { http_request_method: method, http_response_status_code: reply.statusCode, http_route: routeOptions.url ?? '' }, reply.elapsedTime / 1000);
  });
  app.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));
}
