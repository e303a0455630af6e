import type { Pool } from 'pg';
import type { Evento } from './comando.ts';
import { transaction, type Db } from './database.ts';
import { Fault } from './errors.ts';

export interface Reply {
  tipo: string;
  data: Evento;
}

export interface Command {
  idCompra: string;
  tipo: string;
  fingerprint: string;
}

/**
 * Returns the stored reply to a command. When there is none, it calls `change` and stores its reply in the same transaction, which holds the
 * lock of the purchase (docs/adr/stored-replies.md). The same command with other data is mensaje-malo.
 */
export async function handle(pool: Pool, c: Command, change: (db: Db) => Promise<Reply>): Promise<Reply> {
  return transaction(pool, async (db) => {
    const [, { rows: [stored] }] = await Promise.all([ // in the order of the list, each with a snapshot of its own
      lock(db, c.idCompra),
      db.query<{ fingerprint: string; reply: Reply }>('select fingerprint, reply from inbox where id_compra = $1 and tipo = $2', [c.idCompra, c.tipo]),
    ]);
    if (stored && stored.fingerprint !== c.fingerprint) {
      throw new Fault('mensaje-malo', `ya hubo un ${c.tipo} de la compra ${c.idCompra} con otro contenido`);
    }
    if (stored) return stored.reply;
    const reply = await change(db);
    await db.query('insert into inbox (id_compra, tipo, fingerprint, reply) values ($1, $2, $3, $4)', [c.idCompra, c.tipo, c.fingerprint, reply]);
    return reply;
  });
}

/** Takes the lock of a purchase until the transaction ends. All replicas, of any language, take the same one. */
export async function lock(db: Db, idCompra: string): Promise<void> {
  await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [idCompra]);
}

/** Counts one more failed attempt to handle a record, across restarts and replicas. */
export async function countAttempt(pool: Pool, record: string): Promise<number> {
  const { rows } = await pool.query<{ tries: number }>(
    `insert into attempt (record_id, tries) values ($1, 1)
     on conflict (record_id) do update set tries = attempt.tries + 1, last_at = now() returning tries`, [record]);
  return rows[0]?.tries ?? 1;
}

/** Deletes the replies and the counts that are past their retention (docs/retention.md), in statements that are short. */
export async function purge(pool: Pool): Promise<void> {
  for (const statement of [
    `delete from inbox where (id_compra, tipo) in (select id_compra, tipo from inbox where received_at < now() - interval '37 days' limit 5000)`,
    `delete from attempt where record_id in (select record_id from attempt where last_at < now() - interval '1 day' limit 5000)`,
  ]) {
    while ((await pool.query(statement)).rowCount);
  }
}
