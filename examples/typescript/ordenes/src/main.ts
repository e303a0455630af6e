import { newApp } from './app.ts';
import { migrated, open } from './database.ts';
import { purge } from './inbox.ts';
import { sweep } from './outbox.ts';
import { readSettings } from './settings.ts';
import { Sidecar } from './sidecar.ts';
import { repeat } from './timing.ts';

const settings = readSettings(process.env);
const pool = open(settings.databaseUrl, settings.connections);
const sidecar = new Sidecar(settings.sidecarPort, settings.daprToken);
const app = newApp(settings, pool, sidecar);

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(signal));

await migrated(pool, (text) => { app.log.warn(text); });
await app.listen({ host: settings.address, port: settings.port });
void periodically(settings.republishEvery, 'publish the outbox', () => sweep(pool, sidecar));
void periodically(3_600_000, 'purge the inbox', () => purge(pool));

/** Repeats `task` until the service stops. An error is logged, and the next call tries again. */
async function periodically(interval: number, name: string, task: () => Promise<void>): Promise<void> {
  await repeat(interval, stopping.signal, task, (error) => { app.log.warn({ task: name, error: String(error) }, 'periodic task failed'); });
}

/** Ends the service when the requests under way have their answers, at the latest after SHUTDOWN_TIMEOUT. Before it listens it has none. */
async function stop(signal: string): Promise<void> {
  setTimeout(() => process.exit(1), settings.shutdownTimeout).unref();
  stopping.abort();
  if (app.server.listening) {
    await app.close();
    await pool.end();
  }
  app.log.info(`stopped by ${signal}`);
  process.exit(0);
}
