import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, before } from 'node:test';
import type pg from 'pg';
import type { Comando } from '../src/comando.ts';
import { sweep } from '../src/outbox.ts';
import { comando, newDatabase, newService, withDatabase } from './support.ts';

let pool: pg.Pool;
let drop = async () => {};
if (!withDatabase.skip) before(async () => { ({ pool, drop } = await newDatabase()); });
after(() => drop());

interface Order {
  id: string;
  estado: string;
  direccion?: object;
}

const json = { 'content-type': 'application/json' };
const address = { destinatario: 'Ana', calle: 'Calle 1', ciudad: 'Bogotá', telefono: '6012345678' };

test('a command is done once, and each copy gets the same reply', withDatabase, async (t) => {
  const { settle, sidecar } = await newService(t, pool);
  const command = comando('CrearOrden', { domicilio: true, direccion: address, moneda: 'COP', total: 500, precios: [{ id_producto: '1', precio: 250 }], codigo: '00000011' });
  await Promise.all(Array.from({ length: 8 }, (_, i) => settle({ ...command, id: `copy ${i}` })));
  const replies = sidecar.published.map((p) => p.record.data);
  assert.equal(replies.length, 8);
  for (const r of replies) assert.deepEqual(r, replies[0]);
  assert.deepEqual({ ...replies[0], id_orden: '' }, { id_compra: command.data.id_compra, responde_a: 'CrearOrden', id_orden: '', motivo: '', sujeto: '', rol: '' });
  const { topic, record, metadata } = sidecar.published[0] ?? assert.fail();
  assert.deepEqual([topic, record.type, record.traceparent, metadata.partitionKey, metadata.rawPayload],
    ['eventos-orden', 'OrdenCreada', command.traceparent, command.data.id_compra, 'true']);
  const { rows } = await pool.query<{ zona: string }>('select zona from orden where id_compra = $1', [command.data.id_compra]);
  assert.deepEqual(rows, [{ zona: 'bogotá' }]);
});

test('the stored reply and fingerprint are those of the contract', withDatabase, async (t) => {
  const { deliver } = await newService(t, pool);
  const command = comando('CancelarOrden', { id_compra: '01938f5e-7c1a-7000-8000-00000000abcd', productos: [], id_usuario: '' });
  await deliver(command);
  const { rows } = await pool.query('select tipo, reply from inbox where id_compra = $1', [command.data.id_compra]);
  assert.deepEqual(rows, [{ tipo: 'CancelarOrden', reply: { tipo: 'OrdenCancelada', data: {
    id_compra: command.data.id_compra, responde_a: 'CancelarOrden', id_orden: '', motivo: '', sujeto: '', rol: '' } } }]);
});

test('a rollback that comes first, and one that comes after the dispatch', withDatabase, async (t) => {
  const { deliver, sidecar, app } = await newService(t, pool);
  const early = comando('CrearOrden');
  await deliver({ ...early, type: 'CancelarOrden' });
  await deliver(early);
  const late = comando('CrearOrden');
  await deliver(late);
  const id = sidecar.published.at(-1)?.record.data.id_orden as string;
  assert.equal((await app.inject({ method: 'POST', url: `/ordenes/${id}/despacho` })).statusCode, 200);
  await deliver({ ...late, type: 'CancelarOrden' });
  assert.deepEqual(sidecar.published.map((p) => p.record.type), ['OrdenCancelada', 'OrdenRechazada', 'OrdenCreada', 'OrdenDespachada', 'OrdenDespachada']);
});

test('a customer has at most maxOpen open orders, also at once', withDatabase, async (t) => {
  const { settle, sidecar } = await newService(t, pool, { maxOpen: 3 });
  await Promise.all(Array.from({ length: 10 }, () => settle(comando('CrearOrden', { id_usuario: 'many' }))));
  const created = sidecar.published.filter((p) => p.record.type === 'OrdenCreada').length;
  assert.deepEqual([created, sidecar.published.length], [3, 10]);
});

test('bad messages are dead letters with the reason', withDatabase, async (t) => {
  const { deliver, sidecar } = await newService(t, pool);
  const first = comando('CrearOrden');
  await deliver(first);
  for (const [bad, reason] of [
    [{ ...first, data: { ...first.data, id_usuario: 'eva' } }, /otro contenido/],
    [comando('CrearOrden', { productos: [] }), /productos/],
    [comando('Bailar'), /no conoce el comando "Bailar"/],
    [{ ...comando('CrearOrden'), time: Date.now() - 31 * 86_400_000 }, /ya no se sabe/],
    [{ ...comando('CrearOrden'), data: { ...first.data, productos: 7 } }, /ilegible.*productos/],
    [{ ...comando('CrearOrden'), id: '' }, /sin id/],
    ['{"id":"x","type":"CrearOrden","data":{"id_compra":"a', /ilegible/],
    [{ ...comando('CrearOrden'), traceparent: 'x'.repeat(3 << 20) }, /bytes/],
    [{ ...comando('CrearOrden'), regalo: true }, /ilegible.*"regalo"/],
    [comando('CrearOrden', { regalo: true } as object), /ilegible: data .*"regalo"/],
    [JSON.stringify(comando('CrearOrden', { total: 1 })).replace('"total":1', '"total":9007199254740993'), /ilegible: data.total/],
    [comando('CrearOrden', { productos: Array.from({ length: 100 }, () => ({ id_producto: '\u0007', cantidad: 0 })) }), /productos\[0\]/],
    [comando('CrearOrden', { id_compra: 'ñ'.repeat(5_000) }), /id_compra/],
    ['€"'.repeat(5_000), /ilegible/],
    [Buffer.from([0xff, 0xfe, 0xfd]), /ilegible/],
  ] as const) {
    sidecar.published.length = 0;
    assert.equal(await deliver(bad), 'SUCCESS', String(reason));
    const { topic, metadata, record } = sidecar.published[0] ?? assert.fail(String(reason));
    assert.deepEqual([topic, metadata.intentos, metadata.origen, sidecar.published.length], ['comandos-orden-dlq', '1', 'ordenes', 1]);
    assert.match(metadata.motivo ?? '', reason);
    const id = record.data.id_compra as string;
    assert.equal(metadata.partitionKey, id.length === 36 ? id : undefined);
  }
});

test('what is no delivery stays with the broker', withDatabase, async (t) => {
  const { app, sidecar } = await newService(t, pool);
  for (const payload of ['', '[]', 'null', '{}', '{"data_base64": 7}', '{"data_base64": ""}', '{"data_base64": "%%"}', '{"data_base64": "e30"}', '{"data_base64": "e30=']) {
    const answer = await app.inject({ method: 'POST', url: '/mensajes/comandos-orden', headers: { 'content-type': 'application/cloudevents+json' }, payload });
    assert.equal(answer.statusCode, 400, payload);
  }
  assert.equal(sidecar.published.length, 0);
});

test('a command that another implementation answered gets the stored reply', withDatabase, async (t) => {
  const { deliver, sidecar } = await newService(t, pool);
  const { vectors } = JSON.parse(readFileSync(new URL('../../../../contracts/testdata/fingerprints.json', import.meta.url), 'utf8')) as {
    vectors: { name: string; data: Comando; fingerprint: string }[] };
  const [order, rollback] = ['without the code', 'the rollback of an order'].map((name) => vectors.find((v) => v.name.startsWith(name)) ?? assert.fail(name));
  const data = { id_compra: order?.data.id_compra, responde_a: 'CrearOrden', id_orden: '01938f5e-7c1a-7000-8000-00000000000f', motivo: '', sujeto: '', rol: '' };
  await pool.query(`insert into inbox (id_compra, tipo, fingerprint, reply) values ($1, 'CrearOrden', $2, $3)`,
    [order?.data.id_compra, order?.fingerprint, { tipo: 'OrdenCreada', data }]);
  await deliver(comando('CrearOrden', order?.data));
  assert.deepEqual(sidecar.published.map((p) => [p.topic, p.record.type, p.record.data]), [['eventos-orden', 'OrdenCreada', data]]);
  await deliver(comando('CancelarOrden', rollback?.data));
  const { rows } = await pool.query('select fingerprint from inbox where id_compra = $1 and tipo = $2', [rollback?.data.id_compra, 'CancelarOrden']);
  assert.deepEqual(rows, [{ fingerprint: rollback?.fingerprint }]);
});

test('trouble is retried for ever, and stores nothing that is not told', withDatabase, async (t) => {
  const { deliver, sidecar } = await newService(t, pool);
  const command = comando('CrearOrden');
  sidecar.status = 500;
  for (let i = 0; i < 12; i++) assert.equal(await deliver(command), 'RETRY');
  sidecar.status = 204;
  assert.equal(await deliver(command), 'SUCCESS');
  assert.deepEqual(sidecar.published.map((p) => p.record.type), ['OrdenCreada']);
});

test('what nobody foresaw is tried ten times', withDatabase, async (t) => {
  const { deliver, sidecar } = await newService(t, pool);
  await pool.query(`create function fail() returns trigger language plpgsql as $$ begin raise exception 'oops'; end $$`);
  await pool.query(`create trigger fail before insert on orden for each row when (new.id_usuario = 'unlucky') execute function fail()`);
  const command = comando('CrearOrden', { id_usuario: 'unlucky' });
  for (let i = 1; i < 10; i++) assert.equal(await deliver(command), 'RETRY');
  assert.equal(await deliver(command), 'SUCCESS');
  assert.deepEqual(sidecar.published.map((p) => [p.topic, p.metadata.intentos]), [['comandos-orden-dlq', '10']]);
});

test('a dispatch has its person, its act and its event, which is told twice', withDatabase, async (t) => {
  const { deliver, sidecar, app, client } = await newService(t, pool);
  const command = comando('CrearOrden', { domicilio: true, direccion: address });
  await deliver(command);
  const id = sidecar.published[0]?.record.data.id_orden as string;
  sidecar.published.length = 0;
  const headers = { 'entregas-sujeto': 'op%20%C3%B1', 'entregas-rol': 'operador', traceparent: command.traceparent };
  for (let i = 0; i < 2; i++) {
    const o = (await app.inject({ method: 'POST', url: `/ordenes/${id}/despacho`, headers })).json<Order>();
    assert.deepEqual([o.estado, o.direccion], ['DESPACHADA', undefined]);
  }
  await pool.query(`update outbox set tell_again_at = now() - interval '1 second' where id_compra = $1`, [command.data.id_compra]);
  await sweep(pool, client);
  const event = { id_compra: command.data.id_compra, responde_a: '', id_orden: id, motivo: '', sujeto: 'op ñ', rol: 'operador' };
  assert.deepEqual(sidecar.published.map((p) => [p.record.type, p.record.data, p.record.traceparent]),
    [['OrdenDespachada', event, command.traceparent], ['OrdenDespachada', event, command.traceparent]]);
  const acts = (await app.inject(`/actos?id=${id}`)).json<{ actos: { tipo: string; sujeto: string; id_compra: string }[] }>().actos;
  assert.deepEqual(acts.map((a) => [a.tipo, a.sujeto, a.id_compra]), [['despacho', 'op ñ', command.data.id_compra]]);
  assert.ok((await app.inject(`/ordenes/${id}`)).json<Order>().direccion);
});

test('the erasure leaves open orders', withDatabase, async (t) => {
  const { deliver, sidecar, app } = await newService(t, pool);
  for (let i = 0; i < 2; i++) await deliver(comando('CrearOrden', { id_usuario: 'a/b', domicilio: true, direccion: address }));
  await app.inject({ method: 'POST', url: `/ordenes/${sidecar.published[0]?.record.data.id_orden as string}/despacho` });
  for (const borradas of [1, 0]) {
    const part = await app.inject({ method: 'POST', url: '/usuarios/a%2Fb/borrado', headers: { 'entregas-sujeto': 'op', 'entregas-rol': 'operador' } });
    assert.deepEqual(part.json(), { borradas, abiertas: 1, quedan: 0 });
  }
  const acts = (await app.inject('/actos?tipo=borrado')).json<{ actos: { objeto: string; detalle: string; texto: string; valores: unknown }[] }>().actos;
  assert.deepEqual(acts.map(({ objeto, detalle, texto, valores }) => [objeto, detalle, texto, valores]),
    [['a/b', 'Órdenes: 1.', 'ordenes_borradas', [{ nombre: 'ordenes', numero: 1 }]]]);
});

test('each list is read whole, page by page', withDatabase, async (t) => {
  const { deliver, app } = await newService(t, pool);
  for (let i = 0; i < 5; i++) await deliver(comando('CrearOrden', { id_usuario: 'pages', tienda: i > 2 ? 'granada' : '' }));
  await pool.query(`insert into acto (id, tipo, sujeto, rol, objeto) select gen_random_uuid(), 'aviso', 'pages', 'operador', 'x' from generate_series(1, 5)`);
  for (const [path, field, n] of [['/usuarios/pages/ordenes?limite=2', 'ordenes', 5], ['/ordenes?zona=granada&limite=1', 'ordenes', 2], ['/actos?sujeto=pages&limite=2', 'actos', 5]] as const) {
    const seen = new Set<string>();
    let after = '';
    do {
      const page = (await app.inject(`${path}${after}`)).json<Record<string, Order[]> & { siguiente?: string }>();
      page[field]?.forEach((o) => seen.add(o.id));
      after = page.siguiente === undefined ? '' : `&despues=${encodeURIComponent(page.siguiente)}`;
    } while (after);
    assert.equal(seen.size, n, path);
  }
  assert.deepEqual((await app.inject('/ordenes/zonas')).json<{ zona: string; ordenes: number }[]>().find((z) => z.zona === 'granada'), { zona: 'granada', ordenes: 2 });
});

test('impossible requests name what is wrong', withDatabase, async (t) => {
  const { app } = await newService(t, pool);
  for (const [path, status, field] of [
    ['/ordenes/01938f5e-7c1a-7000-8000-00000000dead', 404, undefined], ['/ordenes/1', 400, 'id'], ['/ordenes?estado=NADA', 400, 'estado'],
    ['/ordenes?estado=CREADA&estado=CANCELADA', 400, 'estado'], ['/ordenes?domicilio=tal', 400, 'domicilio'], ['/ordenes?zona=%00', 400, 'zona'],
    ['/ordenes?limite=201', 400, 'limite'], ['/ordenes?limite=1e1', 400, 'limite'], ['/ordenes?despues=01938f5e-7c1a-7000-8000-000000000001', 400, 'despues'],
    ['/usuarios/a%07/ordenes', 400, 'id'], ['/usuarios/ana/ordenes?despues=1', 400, 'despues'], ['/actos?tipo=baile', 400, 'tipo'],
    ['/actos?desde=ayer', 400, 'desde'], ['/actos?desde=2026-02-02&hasta=2026-02-01', 400, 'hasta'], ['/actos?despues=2026-13-01T00:00:00Z_01938f5e-7c1a-7000-8000-000000000001', 400, 'despues'],
    ['/nada', 404, undefined],
  ] as const) {
    const answer = await app.inject(path);
    const problem = answer.json<{ status: number; detail: string; errores?: { campo: string }[] }>();
    assert.deepEqual([answer.statusCode, problem.errores?.map((e) => e.campo)], [status, field && [field]], path);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
  }
});

test('only the sidecar is served, and health is exactly 200', withDatabase, async (t) => {
  const { app, sidecar } = await newService(t, pool, { appToken: 'secret' });
  for (const [path, token, status] of [
    ['/ordenes/zonas', '', 401], ['/ordenes/zonas', 'secre', 401], ['/ordenes/zonas', 'secret', 200], ['/nada', '', 401], ['/healthz', '', 200], ['/metrics', '', 200],
  ] as const) {
    assert.equal((await app.inject({ url: path, headers: { ...json, 'dapr-api-token': token } })).statusCode, status, path);
  }
  assert.equal((await app.inject('/readyz')).statusCode, 200);
  sidecar.status = 500;
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  assert.equal((await app.inject('/readyz')).statusCode, 503);
  assert.match((await app.inject('/metrics')).body, /entregas_outbox_rows 1|entregas_outbox_rows 0/);
});
