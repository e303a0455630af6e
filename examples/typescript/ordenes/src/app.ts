import { timingSafeEqual } from 'node:crypto';
import Fastify, { LogController, type FastifyError, type FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import { codeOf, Fault, problemOf } from './errors.ts';
import { measure } from './metrics.ts';
import { receiveComandos } from './receiver.ts';
import { serveRest } from './rest.ts';
import type { Settings } from './settings.ts';
import { SERVICE, type Sidecar } from './sidecar.ts';
import { cached, within } from './timing.ts';

const OPEN = ['/healthz', '/readyz', '/metrics']; // without a token

/** Returns the HTTP server of the service: health, metrics, messages and REST. */
export function newApp(settings: Settings, pool: Pool, sidecar: Sidecar): FastifyInstance {
  const app = Fastify({
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: 1_000 }, // an id of 64 characters, each escaped
    forceCloseConnections: 'idle',
    logger: {
      level: settings.logLevel,
      base: { service: SERVICE },
      messageKey: 'msg',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label.toUpperCase() }) },
    },
  });
  app.addHook('onRequest', async ({ headers, routeOptions }) => {
    if (settings.appToken === '' || OPEN.includes(routeOptions.url ?? '')) return;
    const [got, want] = [Buffer.from(String(headers['dapr-api-token'] ?? '')), Buffer.from(settings.appToken)];
    if (got.length !== want.length || !timingSafeEqual(got, want)) {
      throw new Fault('no-autenticado', 'Este servicio atiende solo a su propio sidecar. Use la interfaz pública.');
    }
  });
  app.setNotFoundHandler(({ url }) => {
    throw new Fault('no-encontrado', `No existe la ruta ${url.split('?')[0]}.`);
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const fault = codeOf(error) === 'interno' && (error.statusCode ?? 500) < 500 ? new Fault('invalido', 'No se pudo leer la petición.') : error;
    const { status, body } = problemOf(fault);
    if (status >= 500) request.log.error({ route: `${request.method} ${request.routeOptions.url}`, error: String(error) }, 'request failed');
    if (status === 503) void reply.header('retry-after', '5');
    void reply.status(status).header('content-type', 'application/problem+json').send(Buffer.from(JSON.stringify(body))); // as text it would get a charset
  });

  app.get('/healthz', () => ''); // it depends on nothing (docs/adr/health-does-not-feed-back.md)
  const ready = cached(1_000, async () => {
    await sidecar.ready();
    await pool.query('select 1');
  });
  app.get('/readyz', async (_, reply) => {
    await within(3_000, ready()).catch((error: unknown) => reply.status(503).send(String(error)));
    return '';
  });
  measure(app, pool);
  receiveComandos(app, pool, sidecar, settings.maxOpen);
  serveRest(app, pool, sidecar);
  return app;
}
