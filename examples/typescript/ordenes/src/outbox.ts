import type { Pool } from 'pg';
import type { Evento } from './comando.ts';
import { transaction } from './database.ts';
import type { Sidecar } from './sidecar.ts';

interface Row {
  id: number;
  tipo: string;
  data: Evento;
  traceparent: string;
  told: boolean; // the event was published once
}

const COLUMNS = 'id, tipo, data, traceparent, tell_again_at is not null as told';

/** Publishes the events of a purchase that have not been published yet. */
export async function broadcast(pool: Pool, sidecar: Sidecar, idCompra: string, timeout: number): Promise<void> {
  await publish(pool, sidecar, `select ${COLUMNS} from outbox where id_compra = $1 and tell_again_at is null order by id for update skip locked`,
    [idCompra], timeout);
}

/** Publishes every event that is due: those that broadcast could not publish, and each one a second time (docs/adr/told-twice.md). */
export async function sweep(pool: Pool, sidecar: Sidecar): Promise<void> {
  const due = `select ${COLUMNS} from outbox where coalesce(tell_again_at, created_at + interval '5 seconds') < now() order by id limit 20 for update skip locked`;
  while ((await publish(pool, sidecar, due, [], 5_000)) > 0);
}

async function publish(pool: Pool, sidecar: Sidecar, query: string, values: unknown[], timeout: number): Promise<number> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<Row>(query, values);
    for (const row of rows) {
      await sidecar.tell(row.tipo, row.data, row.traceparent, timeout);
      const told = row.told ? 'delete from outbox where id = $1' : `update outbox set tell_again_at = now() + interval '1 minute' where id = $1`;
      await db.query(told, [row.id]);
    }
    return rows.length;
  });
}
