/** The settings of the service, under the names of the other services (docs/settings.md). */
export interface Settings {
  address: string;
  port: number;
  sidecarPort: number;
  appToken: string; // that the sidecar sends; empty asks for none
  daprToken: string; // that the service sends to its sidecar
  databaseUrl: string;
  connections: number;
  maxOpen: number; // orders of one customer that may be open
  republishEvery: number; // ms
  shutdownTimeout: number; // ms
  logLevel: string;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return {
    address: env.LISTEN_ADDRESS ?? '127.0.0.1',
    port: Number(required(env, 'APP_PORT')),
    sidecarPort: Number(required(env, 'DAPR_HTTP_PORT')),
    appToken: env.APP_API_TOKEN ?? '',
    daprToken: env.DAPR_API_TOKEN ?? '',
    databaseUrl: required(env, 'DATABASE_URL'),
    connections: Number(env.MAX_DATABASE_CONNECTIONS ?? 16),
    maxOpen: Number(env.MAX_OPEN_ORDENES ?? 100),
    republishEvery: milliseconds(env.REPUBLISH_EVERY ?? '5s'),
    shutdownTimeout: milliseconds(env.SHUTDOWN_TIMEOUT ?? '15s'),
    logLevel: (env.LOG_LEVEL ?? 'info').toLowerCase(),
  };
}

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (!value) throw new Error(`setting ${name} is missing`);
  return value;
}

/** Reads a duration such as 500ms, 5s or 1m30s. */
function milliseconds(text: string): number {
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (!/^(\d+(ms|s|m|h))+$/.test(text)) throw new Error(`${text} is not a duration such as 5s`);
  return [...text.matchAll(/(\d+)(ms|s|m|h)/g)].reduce((sum, [, n, unit]) => sum + Number(n) * (units[unit ?? ''] ?? 0), 0);
}
