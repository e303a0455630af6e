import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { hasDireccion, type Comando, type Evento } from './comando.ts';
import { transaction, type Db } from './database.ts';
import { Fault } from './errors.ts';
import { handle, lock, type Command, type Reply } from './inbox.ts';

/** The person behind a request; both are empty where nobody named one (docs/adr/who-did-it.md). */
export interface Actor {
  sujeto: string;
  rol: string;
}

/** A row of table orden, whose columns have the names of the fields in JSON. */
export interface Orden {
  id: string;
  id_compra: string;
  domicilio: boolean;
  estado: string;
  [field: string]: unknown;
}

const WITHOUT_ADDRESS = `id::text, id_compra, codigo, id_usuario, productos, domicilio, tienda, moneda, total, precios,
  estado, despachada_por, despachada_rol, creada_en, actualizada_en`;
const WITH_ADDRESS = `${WITHOUT_ADDRESS}, direccion`;

/** Creates the order of a purchase, unless its customer has too many open orders or the rollback came first. */
export async function create(pool: Pool, c: Command, d: Comando, maxOpen: number): Promise<Reply> {
  return handle(pool, c, async (db) => {
    // After the lock of the purchase, that of the customer: two orders at once cannot both take the last place.
    const [, { rows: [found] }] = await Promise.all([
      db.query(`select pg_advisory_xact_lock(hashtextextended('usuario ' || $1, 0))`, [d.id_usuario]),
      db.query<{ open: number; cancelled: boolean }>(
        `select (select count(*) from orden where id_usuario = $1 and estado = 'CREADA') as open,
                exists (select from inbox where id_compra = $2 and tipo = 'CancelarOrden') as cancelled`, [d.id_usuario, d.id_compra]),
    ]);
    const { open, cancelled } = found ?? { open: 0, cancelled: false };
    if (cancelled) return reply(c, 'OrdenRechazada', '', 'La orden ya se había cancelado.');
    if (open >= maxOpen) {
      return reply(c, 'OrdenRechazada', '', `El cliente ya tiene ${open} órdenes abiertas; puede tener a lo sumo ${maxOpen}.`);
    }
    const id = uuidv7();
    await db.query(
      `insert into orden (id, estado, id_compra, codigo, id_usuario, productos, domicilio, direccion, tienda, moneda, total, precios)
       values ($1, 'CREADA', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [id, d.id_compra, d.codigo, d.id_usuario, JSON.stringify(d.productos), d.domicilio, hasDireccion(d) ? d.direccion : null,
        d.tienda, d.moneda, d.total, JSON.stringify(d.precios)]);
    return reply(c, 'OrdenCreada', id);
  });
}

/** Cancels the order of a purchase, unless it is dispatched. Without an order it is cancelled too: its CrearOrden may still come. */
export async function cancel(pool: Pool, c: Command): Promise<Reply> {
  return handle(pool, c, async (db) => {
    const o = await byCompra(db, c.idCompra);
    if (o?.estado === 'DESPACHADA') return reply(c, 'OrdenDespachada', o.id, 'La orden ya se había despachado.');
    if (o) await db.query(`update orden set estado = 'CANCELADA', actualizada_en = now() where id_compra = $1`, [c.idCompra]);
    return reply(c, 'OrdenCancelada', o?.id ?? '');
  });
}

function reply(c: Command, tipo: string, idOrden: string, motivo = ''): Reply {
  return { tipo, data: { id_compra: c.idCompra, responde_a: c.tipo, id_orden: idOrden, motivo, sujeto: '', rol: '' } };
}

async function byCompra(db: Db, idCompra: string): Promise<Orden | undefined> {
  return (await db.query<Orden>(`select ${WITHOUT_ADDRESS} from orden where id_compra = $1`, [idCompra])).rows[0];
}

export async function read(pool: Pool, id: string): Promise<Orden> {
  const { rows } = await pool.query<Orden>(`select ${WITH_ADDRESS} from orden where id = $1`, [id]);
  if (!rows[0]) throw new Fault('no-encontrado', `No existe la orden ${id}.`);
  return rows[0];
}

/** Dispatches an order. Its event is a row of the outbox in the same transaction. A dispatched order does not change. */
export async function dispatch(pool: Pool, id: string, who: Actor, traceparent: string): Promise<Orden> {
  const { id_compra } = await read(pool, id);
  return transaction(pool, async (db) => {
    await lock(db, id_compra);
    const o = await byCompra(db, id_compra); // it may have been cancelled before this transaction got the lock
    if (o?.estado === 'DESPACHADA') return o;
    if (o?.estado !== 'CREADA') throw new Fault('conflicto', `La orden está ${o?.estado}: ya no se puede despachar.`);
    const event: Evento = { id_compra, responde_a: '', id_orden: id, motivo: '', ...who };
    await db.query(`insert into outbox (id_compra, tipo, data, traceparent) values ($1, 'OrdenDespachada', $2, $3)`, [id_compra, event, traceparent]);
    await db.query(`insert into acto (id, tipo, sujeto, rol, objeto, id_compra) values ($1, 'despacho', $2, $3, $4, $5)`,
      [uuidv7(), who.sujeto, who.rol, id, id_compra]);
    const { rows } = await db.query<Orden>(
      `update orden set estado = 'DESPACHADA', despachada_por = $2, despachada_rol = $3, actualizada_en = now() where id = $1
       returning ${WITHOUT_ADDRESS}`, [id, who.sujeto, who.rol]);
    return rows[0] ?? o;
  });
}

export interface QueueFilter {
  estado: string;
  domicilio: boolean | null;
  zona: string | null;
}

const MAX_TOTAL = 10_000; // it stands for as many orders or more

/** Returns at most `limit` orders: home delivery first, then the oldest, after the place `after`. `total` counts all that are selected. */
export async function queue(pool: Pool, f: QueueFilter, after: { domicilio: boolean; id: string }, limit: number) {
  const selected = 'from orden where estado = $1 and ($2::boolean is null or domicilio = $2) and ($3::text is null or zona = $3)';
  const filter = [f.estado, f.domicilio, f.zona];
  const [page, count] = await Promise.all([
    pool.query<Orden>(`select ${WITH_ADDRESS} ${selected} and (not domicilio, id) > ($4, $5) order by not domicilio, id limit $6`,
      [...filter, !after.domicilio, after.id, limit]),
    pool.query<{ total: number }>(`select count(*) as total from (select ${selected} limit $4) o`, [...filter, MAX_TOTAL]),
  ]);
  return { list: page.rows, total: count.rows[0]?.total ?? 0 };
}

/** Returns at most `limit` orders of a customer, newest first, after the order `after`; an empty one begins at the newest. */
export async function ofUsuario(pool: Pool, idUsuario: string, limit: number, after: string): Promise<Orden[]> {
  const { rows } = await pool.query<Orden>(
    `select ${WITHOUT_ADDRESS} from orden where id_usuario = $1 and ($3 = '' or id < nullif($3, '')::uuid) order by id desc limit $2`,
    [idUsuario, limit, after]);
  return rows;
}

/** Returns the zones of the orders that wait for their dispatch, the largest first. */
export async function zones(pool: Pool): Promise<object[]> {
  const zonas = `select zona, count(*) as ordenes from orden where estado = 'CREADA' group by zona order by ordenes desc, zona limit 200`;
  return (await pool.query<object>(zonas)).rows;
}

/** Erases the addresses of the orders of a customer that have ended (docs/adr/erased-personal-data.md). */
export async function erase(pool: Pool, idUsuario: string, who: Actor): Promise<object> {
  return transaction(pool, async (db) => {
    const done = await db.query(`update orden set direccion = null where id_usuario = $1 and estado <> 'CREADA' and direccion is not null`, [idUsuario]);
    const borradas = done.rowCount ?? 0;
    if (borradas > 0) {
      await db.query(
        `insert into acto (id, tipo, sujeto, rol, objeto, detalle, texto, valores) values ($1, 'borrado', $2, $3, $4, $5, 'ordenes_borradas', $6)`,
        [uuidv7(), who.sujeto, who.rol, idUsuario, `Órdenes: ${borradas}.`, JSON.stringify([{ nombre: 'ordenes', numero: borradas }])]);
    }
    const { rows } = await db.query<{ abiertas: number }>(`select count(*) as abiertas from orden where id_usuario = $1 and estado = 'CREADA'`, [idUsuario]);
    return { borradas, abiertas: rows[0]?.abiertas ?? 0, quedan: 0 };
  });
}
