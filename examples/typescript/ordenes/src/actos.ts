import type { Pool } from 'pg';

export interface Acto {
  id: string;
  en: Date;
  [field: string]: unknown;
}

export interface ActosFilter {
  sujeto: string;
  tipos: string[];
  desde: string; // instants, empty for none
  hasta: string;
  objeto: string; // the object or the purchase of the act
}

/** Returns at most `limit` acts after the place (`en`, `id`), newest first. A condition stands in the statement only where it selects. */
export async function listActos(pool: Pool, f: ActosFilter, after: { en: string; id: string }, limit: number): Promise<Acto[]> {
  const values: unknown[] = [after.en, after.id];
  const conditions = ['(en, id) < ($1, $2)'];
  const where = (value: unknown, condition: (n: string) => string) => {
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  if (f.desde) where(f.desde, (n) => `en >= ${n}`);
  if (f.hasta) where(f.hasta, (n) => `en < ${n}`);
  if (f.sujeto) where(f.sujeto, (n) => `sujeto = ${n}`);
  if (f.tipos.length > 0) where(f.tipos, (n) => `tipo = any(${n})`);
  if (f.objeto) where(f.objeto, (n) => `id in (select id from acto where objeto = ${n} union all select id from acto where id_compra = ${n})`);
  values.push(limit);
  const { rows } = await pool.query<Acto>(
    `select id::text, tipo, sujeto, rol, objeto, id_compra, motivo, detalle, texto, valores, en from acto
     where ${conditions.join(' and ')} order by en desc, acto.id desc limit $${values.length}`, values);
  return rows;
}
