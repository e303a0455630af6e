import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { v7 as uuidv7 } from 'uuid';
import pg from 'pg';
import { newApp } from '../src/app.ts';
import { COMANDO, type Comando } from '../src/comando.ts';
import { open } from '../src/database.ts';
import { Sidecar } from '../src/sidecar.ts';
import type { Settings } from '../src/settings.ts';

const DSN = process.env.TEST_DSN;
const MIGRATIONS = new URL('../../../../services/ordenes/postgres/migrations/', import.meta.url);

export const withDatabase = DSN ? {} : { skip: 'TEST_DSN is not set: the administrator’s address of a PostgreSQL' };

/** Returns a pool on a new database with the tables of the service, and a function that drops it. */
export async function newDatabase(): Promise<{ pool: pg.Pool; drop: () => Promise<void> }> {
  const name = `ts_${uuidv7().replaceAll('-', '')}`;
  const admin = new pg.Client(DSN);
  await admin.connect();
  await admin.query(`create database ${name}`);
  const pool = open(DSN?.replace(/\/[^/?]*(\?|$)/, `/${name}$1`) ?? '', 20);
  for (const file of readdirSync(MIGRATIONS).sort()) {
    const [, up = ''] = readFileSync(new URL(file, MIGRATIONS), 'utf8').split(/^-- \+goose Up/m);
    await pool.query(up.split(/^-- \+goose Down/m)[0] ?? '');
  }
  const drop = async () => {
    await pool.end();
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  };
  return { pool, drop };
}

export interface Publication {
  topic: string;
  record: { type: string; traceparent: string; data: Record<string, unknown> };
  metadata: Record<string, string>;
}

/** A small real sidecar: it keeps what is published, and takes as much address and headers as daprd. While `status` is not 204 it publishes nothing. */
export async function newSidecar(t: TestContext) {
  const sidecar = { status: 204, published: [] as Publication[], port: 0 };
  const server = createServer({ maxHeaderSize: 4096 }, (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const url = new URL(request.url ?? '', 'http://sidecar');
      if (sidecar.status === 204 && request.method === 'POST') {
        const metadata = Object.fromEntries([...url.searchParams].map(([k, v]) => [k.replace('metadata.', ''), v]));
        sidecar.published.push({ topic: url.pathname.split('/').at(-1) ?? '', record: JSON.parse(body) as Publication['record'], metadata });
      }
      response.writeHead(sidecar.status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  sidecar.port = (server.address() as AddressInfo).port;
  t.after(() => server.close());
  return sidecar;
}

export async function newService(t: TestContext, pool: pg.Pool, settings: Partial<Settings> = {}) {
  const sidecar = await newSidecar(t);
  const all: Settings = {
    address: '127.0.0.1', port: 0, sidecarPort: sidecar.port, appToken: '', daprToken: '', databaseUrl: '', connections: 16, maxOpen: 100,
    republishEvery: 5_000, shutdownTimeout: 1_000, logLevel: 'silent', ...settings,
  };
  const client = new Sidecar(sidecar.port, '');
  const app = newApp(all, pool, client);
  t.after(() => app.close());
  const deliver = async (record: object | string | Buffer): Promise<string> => {
    const text = typeof record === 'string' || Buffer.isBuffer(record) ? record : JSON.stringify(record);
    const answer = await app.inject({
      method: 'POST', url: '/mensajes/comandos-orden', headers: { 'content-type': 'application/cloudevents+json' },
      payload: JSON.stringify({ id: 'x', topic: 'comandos-orden', data_base64: Buffer.from(text).toString('base64') }),
    });
    return answer.json<{ status: string }>().status;
  };
  /** Delivers a record again until it is done, as the broker does: a wait for a lock may end. */
  const settle = async (record: object): Promise<void> => {
    while ((await deliver(record)) === 'RETRY');
  };
  return { app, sidecar, client, deliver, settle };
}

export function comando(type: string, data: Partial<Comando> = {}) {
  return {
    id: uuidv7(), time: Date.now(), ingestion: Date.now(), specversion: '1.0', type, datacontenttype: 'application/json', service_name: 'test',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    data: { ...COMANDO, id_compra: uuidv7(), id_usuario: 'ana', productos: [{ id_producto: '1', cantidad: 2 }], precios: [], ...data },
  };
}
