import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { listActos } from './actos.ts';
import { Fault } from './errors.ts';
import * as ordenes from './ordenes.ts';
import { broadcast } from './outbox.ts';
import { traceparentOf, type Sidecar } from './sidecar.ts';
import { Validator } from './validator.ts';

const MAX_PAGE_BYTES = (1 << 20) - 1;
const MAX_ACTOS_BYTES = 192 << 10; // the bff holds a page of each service at once
const PUBLISH_TIMEOUT = 500; // ms that the answer to a dispatch waits for its event; the sweep publishes it later
const ESTADOS = ['CREADA', 'CANCELADA', 'DESPACHADA'];
const TIPOS_DE_ACTO = [
  'aprobacion', 'rechazo', 'cancelacion', 'reintento', 'despacho', 'reposicion', 'correccion', 'precio', 'umbral', 'importacion',
  'mensaje_devuelto', 'mensaje_apartado', 'mensaje_descartado', 'borrado', 'aviso',
];
const CURSOR = 'debe ser el siguiente que dio la página anterior';

type Request = FastifyRequest<{ Params: { id: string }; Querystring: Record<string, string | string[] | undefined> }>;

/** Serves contracts/openapi/ordenes.yaml. */
export function serveRest(app: FastifyInstance, pool: Pool, sidecar: Sidecar): void {
  app.get('/ordenes', async (request: Request) => {
    const q = new Query(request);
    const estado = q.text('estado') ?? 'CREADA';
    if (!ESTADOS.includes(estado)) q.fail('estado', 'debe ser CREADA, CANCELADA o DESPACHADA');
    const domicilio = q.text('domicilio');
    if (domicilio !== undefined && !/^(true|false)$/.test(domicilio)) q.fail('domicilio', 'debe ser true o false');
    const zona = q.text('zona') ?? null;
    if (zona !== null) q.freeText('zona', zona, 100);
    const limit = q.limit(50, 200);
    const place = /^(domicilio|tienda)_(.*)$/s.exec(q.text('despues') || 'domicilio_00000000-0000-0000-0000-000000000000');
    const after = { domicilio: place?.[1] === 'domicilio', id: place?.[2] ?? '' };
    q.cursor(after.id);
    q.check();
    const filter = { estado, domicilio: domicilio === undefined ? null : domicilio === 'true', zona };
    const { list, total } = await ordenes.queue(pool, filter, after, limit + 1);
    const { page, last } = cutPage(list, limit, MAX_PAGE_BYTES - 1000);
    return { ordenes: page.map(shown), total, siguiente: last && `${last.domicilio ? 'domicilio' : 'tienda'}_${last.id}` };
  });

  app.get('/ordenes/zonas', () => ordenes.zones(pool));

  app.get('/ordenes/:id', async (request: Request) => shown(await ordenes.read(pool, idOf(request))));

  app.post('/ordenes/:id/despacho', async (request: Request) => {
    const o = await ordenes.dispatch(pool, idOf(request), actorOf(request), traceparentOf(request.headers.traceparent as string | undefined));
    await broadcast(pool, sidecar, o.id_compra, PUBLISH_TIMEOUT).catch((error: unknown) => {
      request.log.warn({ id_compra: o.id_compra, error: String(error) }, 'the event of a dispatch is left to the sweep');
    });
    return shown(o);
  });

  app.get('/usuarios/:id/ordenes', async (request: Request) => {
    const q = new Query(request);
    q.line('id', request.params.id);
    const limit = q.limit(50, 200);
    const after = q.text('despues') ?? '';
    if (after !== '') q.cursor(after);
    q.check();
    const { page, last } = cutPage(await ordenes.ofUsuario(pool, request.params.id, limit + 1, after), limit, Infinity);
    return { ordenes: page.map(shown), siguiente: last?.id };
  });

  app.post('/usuarios/:id/borrado', async (request: Request) => {
    const q = new Query(request);
    q.line('id', request.params.id);
    q.check();
    return ordenes.erase(pool, request.params.id, actorOf(request));
  });

  app.get('/actos', async (request: Request) => {
    const q = new Query(request);
    const filter = { sujeto: q.text('sujeto') ?? '', tipos: q.list('tipo'), desde: q.instant('desde', 0), hasta: q.instant('hasta', 1), objeto: q.text('id') ?? '' };
    if (filter.sujeto !== '') q.line('sujeto', filter.sujeto);
    if (filter.objeto !== '') q.line('id', filter.objeto);
    if (filter.tipos.some((t) => !TIPOS_DE_ACTO.includes(t))) q.fail('tipo', `debe ser uno o varios de ${TIPOS_DE_ACTO.join(' ')}`);
    if (filter.desde && filter.hasta && Date.parse(filter.desde) >= Date.parse(filter.hasta)) q.fail('hasta', 'debe ser después de desde');
    const limit = q.limit(50, 500);
    const place = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,8}[1-9])?Z)_(.*)$/s.exec(q.text('despues') || '9999-01-01T00:00:00Z_ffffffff-ffff-ffff-ffff-ffffffffffff');
    const after = { en: place?.[1] ?? '', id: place?.[2] ?? '' };
    q.cursor(Number.isNaN(Date.parse(after.en)) ? '' : after.id);
    q.check();
    const { page, last } = cutPage(await listActos(pool, filter, after, limit + 1), limit, MAX_ACTOS_BYTES);
    return { actos: page.map((a) => ({ ...withoutEmpty(a), sujeto: a.sujeto, rol: a.rol })), siguiente: last && `${last.en.toISOString().replace(/\.?0*Z$/, 'Z')}_${last.id}` };
  });
}

function idOf(request: Request): string {
  const v = new Validator();
  v.uuid('id', request.params.id);
  v.check();
  return request.params.id;
}

/** Returns the person that the headers of an invocation name. Only the own sidecar reaches this service. */
function actorOf({ headers }: Request): ordenes.Actor {
  const header = (name: string) => (headers[name] as string | undefined) ?? '';
  let sujeto: string;
  try {
    sujeto = decodeURIComponent(header('entregas-sujeto'));
  } catch {
    throw new Fault('invalido', 'no se pudo leer', [{ campo: 'Entregas-Sujeto', detalle: 'no se pudo leer' }]);
  }
  const rol = header('entregas-rol');
  if (sujeto === '' && rol === '') return { sujeto, rol };
  const v = new Validator();
  v.line('Entregas-Sujeto', sujeto);
  if (!['cliente', 'operador'].includes(rol)) v.fail('Entregas-Rol', 'debe ser cliente u operador');
  v.check();
  return { sujeto, rol };
}

/** The parameters of a request. Each may be given once. */
class Query extends Validator {
  private readonly values: Request['query'];

  constructor(request: Request) {
    super();
    this.values = request.query;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    if (!Array.isArray(value)) return value;
    this.fail(name, 'debe estar una vez, como texto');
    return undefined;
  }

  list(name: string): string[] {
    return [...new Set([this.values[name] ?? []].flat())];
  }

  limit(usual: number, max: number): number {
    const text = this.text('limite');
    const value = text === undefined ? usual : /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    this.integer('limite', value, 1, max);
    return value;
  }

  cursor(id: string): void {
    const v = new Validator();
    v.uuid('despues', id);
    try {
      v.check();
    } catch {
      this.fail('despues', CURSOR);
    }
  }

  /** Reads an instant (RFC 3339), or a date in Colombia: its first moment, `days` later. */
  instant(name: string, days: number): string {
    const text = this.text(name) ?? '';
    if (text === '') return '';
    const isDate = /^\d{4}-\d\d-\d\d$/.test(text);
    const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text);
    const at = isDate ? Date.parse(`${text}T00:00:00-05:00`) + days * 86_400_000 : isInstant ? Date.parse(text) : NaN;
    const year = new Date(at).getUTCFullYear();
    if (!(year >= 2000 && year <= 9999)) {
      this.fail(name, 'debe ser una fecha de Colombia, como 2026-11-26, o un instante, como 2026-11-26T15:04:05Z, desde el año 2000');
      return '';
    }
    return isDate ? new Date(at).toISOString() : text;
  }
}

/** Returns the first rows, at most `limit` and `bytes` but at least one. `last` is the last of them when there are more. */
function cutPage<T>(rows: T[], limit: number, bytes: number): { page: T[]; last: T | undefined } {
  let size = 0;
  const end = rows.findIndex((row, i) => (size += Buffer.byteLength(JSON.stringify(row)) + 1) > bytes && i > 0);
  const page = rows.slice(0, Math.min(limit, end < 0 ? rows.length : end));
  return { page, last: page.length < rows.length ? page.at(-1) : undefined };
}

const shown = withoutEmpty;

/** Returns the fields of a row that say something. */
function withoutEmpty(row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, v]) => !(v === null || v === '' || v === 0 || (Array.isArray(v) && v.length === 0))));
}
