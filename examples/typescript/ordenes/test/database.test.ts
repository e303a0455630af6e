import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { transaction } from '../src/database.ts';
import { codeOf } from '../src/errors.ts';
import { newDatabase, newService, withDatabase } from './support.ts';

let pool: pg.Pool;
let drop = async () => {};
if (!withDatabase.skip) before(async () => { ({ pool, drop } = await newDatabase()); });
after(() => drop());

const trouble = (error: unknown) => codeOf(error) === 'no-disponible';

test('a connection that breaks within a transaction is trouble, and the pool goes on', withDatabase, async () => {
  await assert.rejects(transaction(pool, async (db) => {
    const { rows: [own] } = await db.query<{ pid: number }>('select pg_backend_pid() as pid');
    await pool.query('select pg_terminate_backend($1)', [own?.pid]);
    await sleep(200); // nothing is asked of the connection when it breaks
    await db.query('select 1');
  }), trouble);
  assert.equal(await transaction(pool, async (db) => (await db.query('select 1')).rowCount), 1);
});

test('a statement without an answer is trouble', withDatabase, async () => {
  pool.options.query_timeout = 300; // of the connections that are made from here on
  const busy = await Promise.all(Array.from({ length: pool.idleCount }, () => pool.connect()));
  const slow = transaction(pool, (db) => db.query('select pg_sleep(5)'));
  await assert.rejects(slow, trouble);
  busy.forEach((db) => { db.release(); });
});

test('without the database /readyz is 503, and /metrics still has the process', withDatabase, async (t) => {
  const { app } = await newService(t, { query: () => Promise.reject(new Error('away')) } as unknown as pg.Pool);
  assert.equal((await app.inject('/readyz')).statusCode, 503);
  const metrics = await app.inject('/metrics');
  assert.equal(metrics.statusCode, 200);
  assert.match(metrics.body, /^process_cpu_seconds_total /m);
  assert.doesNotMatch(metrics.body, /^entregas_outbox_rows /m);
});
