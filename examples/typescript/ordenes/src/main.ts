import { newApp } from './app.ts';
import { migrated, open } from './database.ts';
import { purge } from './inbox.ts';
import { sweep } from './outbox.ts';
import { readSettings } from './settings.ts';
import { Sidecar } from './sidecar.ts';

const settings = readSettings(process.env);
const pool = open(settings.databaseUrl, settings.connections);
const sidecar = new Sidecar(settings.sidecarPort, settings.daprToken);
const app = newApp(settings, pool, sidecar);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(signal));

await migrated(pool, (text) => { app.log.warn(text); });
await app.listen({ host: settings.address, port: settings.port });
const tasks = [
  repeat(settings.republishEvery, 'publish the outbox', () => sweep(pool, sidecar)),
  repeat(3_600_000, 'purge the inbox', () => purge(pool)),
];

/** Calls `task` at once and then at each interval. After an error the next call tries again. */
function repeat(interval: number, name: string, task: () => Promise<void>): NodeJS.Timeout {
  const run = () => task().catch((error: unknown) => { app.log.warn({ task: name, error: String(error) }, 'periodic task failed'); });
  void run();
  return setInterval(() => void run(), interval);
}

/** Ends the service when the requests under way have their answers, at the latest after SHUTDOWN_TIMEOUT. */
async function stop(signal: string): Promise<void> {
  setTimeout(() => process.exit(1), settings.shutdownTimeout).unref();
  tasks.forEach(clearInterval);
  await app.close();
  await pool.end();
  app.log.info(`stopped by ${signal}`);
  process.exit(0);
}
