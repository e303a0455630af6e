import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export type Db = pg.PoolClient;

pg.types.setTypeParser(pg.types.builtins.INT8, Number); // counts, and amounts of at most 2^53 - 1

/** Opens the database. PGPASSFILE or PGPASSWORD has the password. Each wait is bounded (docs/adr/bounded-waits.md). */
export function open(url: string, connections: number): pg.Pool {
  const ca = process.env.PGSSLROOTCERT; // pg itself does not read it
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    ...(ca && { ssl: { ca: readFileSync(ca) } }),
    pipeline: true, // statements that do not wait for each other go out in one round trip
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 300_000,
    lock_timeout: 500,
    statement_timeout: 10_000,
    query_timeout: 12_000, // of this side: a server that is gone ends no statement
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    idle_in_transaction_session_timeout: 10_000,
  });
  pool.on('error', () => undefined); // an idle connection broke: the pool replaces it
  return pool;
}

/** Runs `work` in one transaction. An error rolls it back. The pool gets no connection back that broke. */
export async function transaction<T>(pool: pg.Pool, work: (db: Db) => Promise<T>): Promise<T> {
  const db = await pool.connect();
  let broken: Error | undefined;
  const breaks = (error: Error) => { broken = error; };
  db.on('error', breaks); // the pool does not listen while a connection is out, and an error without a listener ends the process
  try {
    const begun = db.query('begin');
    const [result] = await Promise.all([work(db), begun]);
    await db.query('commit');
    return result;
  } catch (error) {
    await db.query('rollback').catch(breaks);
    throw error;
  } finally {
    db.release(broken); // from here on the pool listens
    db.off('error', breaks);
  }
}

const NEWEST_MIGRATION = 36; // of services/ordenes/postgres/migrations, which the Go program applies

/** Returns when the database has the tables that this service uses. */
export async function migrated(pool: pg.Pool, log: (text: string) => void): Promise<void> {
  for (;;) {
    try {
      const { rows } = await pool.query<{ version: number }>('select max(version_id) as version from goose_db_version where is_applied');
      if ((rows[0]?.version ?? 0) >= NEWEST_MIGRATION) return;
    } catch (error) {
      log(String(error));
    }
    log('waiting for the migrations of the database');
    await sleep(1_000);
  }
}
