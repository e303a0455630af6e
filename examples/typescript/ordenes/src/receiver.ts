import type { Readable } from 'node:stream';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { COMANDO, COMPARED, validate, type Comando } from './comando.ts';
import { codeOf, Fault } from './errors.ts';
import { canonical, fingerprint, sha256 } from './fingerprint.ts';
import { countAttempt, type Command, type Reply } from './inbox.ts';
import { beginningOf, checkEnvelope, decode, type Delivery, type Message } from './message.ts';
import { cancel, create } from './ordenes.ts';
import { SERVICE, traceparentOf, type Sidecar } from './sidecar.ts';
import { cut, UUID } from './validator.ts';

const TOPIC = 'comandos-orden';
const MAX_ATTEMPTS = 10;
const RETENTION = 30 * 24 * 3_600_000; // ms; older replies may be deleted
const MAX_KEPT = 1_500_000; // bytes kept of a delivery: a record of 1 MiB in base64 and its envelope fit
const MAX_WORDS = 1000; // characters of the reason of a dead letter, and of the beginning of its original
const MAX_REASON = 1600; // bytes of the reason in the address: daprd takes 4 KiB of address and headers
const MAX_BEGINNING = 1400; // bytes of the beginning in the address

/**
 * Serves the route that components/subscriptions.yaml names for the commands. The answer SUCCESS acknowledges a message, RETRY gives it back
 * (docs/adr/trouble-is-not-a-bad-message.md): trouble without limit, any other failure MAX_ATTEMPTS times. A bad message is a dead letter.
 */
export function receiveComandos(app: FastifyInstance, pool: Pool, sidecar: Sidecar, maxOpen: number): void {
  void app.register((scope, _, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_: FastifyRequest, payload: Readable) => readDelivery(payload));
    scope.post<{ Body: Delivery }>(`/mensajes/${TOPIC}`, async ({ body, log, headers }) => {
      try {
        await receive(body, log, traceparentOf(headers.traceparent as string | undefined));
        return { status: 'SUCCESS' };
      } catch (error) {
        log.warn({ error: String(error) }, 'message given back to the broker');
        return { status: 'RETRY' };
      }
    });
    done();
  });

  async function receive(delivery: Delivery, log: FastifyBaseLogger, parent: string): Promise<void> {
    let message: Message<Comando> | undefined;
    try {
      message = decode(delivery, COMANDO);
      checkEnvelope(message);
      const traceparent = traceparentOf(message.traceparent) || parent;
      const reply = await respond(message);
      await sidecar.tell(reply.tipo, reply.data, traceparent);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'no-disponible') throw error;
      let attempts = 1;
      if (code !== 'mensaje-malo' && code !== 'invalido') {
        attempts = await countAttempt(pool, `${TOPIC}/${sha256(canonical(message ?? delivery.text))}`);
        if (attempts < MAX_ATTEMPTS) throw error;
      }
      await setAside(delivery, message, error as Error, attempts);
      log.warn({ id_compra: message?.data.id_compra, reason: String(error), attempts }, 'dead letter');
    }
  }

  async function respond(m: Message<Comando>): Promise<Reply> {
    validate(m.type, m.data);
    if (Date.now() - m.time > RETENTION) {
      throw new Fault('mensaje-malo', `el comando es de ${new Date(m.time).toISOString().slice(0, 10)}: ya no se sabe si se cumplió`);
    }
    const command: Command = { idCompra: m.data.id_compra, tipo: m.type, fingerprint: fingerprint(m.data, COMPARED) };
    switch (m.type) {
      case 'CrearOrden': return create(pool, command, m.data, maxOpen);
      case 'CancelarOrden': return cancel(pool, command);
      default: throw new Fault('mensaje-malo', `ordenes no conoce el comando "${m.type}"`);
    }
  }

  /** Publishes a dead letter: the record, and the reason in its properties. A record that could not be read is replaced by what was found. */
  async function setAside(delivery: Delivery, message: Message<Comando> | undefined, cause: Error, attempts: number): Promise<void> {
    const record = message ?? beginningOf(delivery.text, { ...COMANDO, productos: [], precios: [] });
    const properties: Record<string, string> = {
      motivo: words(cause.message, MAX_REASON), intentos: String(attempts), origen: SERVICE,
    };
    if (UUID.test(record.data.id_compra)) properties.partitionKey = record.data.id_compra;
    if (!message) Object.assign(properties, { bytes: String(delivery.bytes), comienzo: words(delivery.text, MAX_BEGINNING) });
    await sidecar.publish(`${TOPIC}-dlq`, JSON.stringify(record), properties, traceparentOf(record.traceparent));
  }
}

/** Reads a delivery of any size and keeps its beginning. Its record is in base64. Throws for what is no delivery: the broker still has it. */
async function readDelivery(payload: Readable): Promise<Delivery> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    if (size < MAX_KEPT) chunks.push(chunk.subarray(0, MAX_KEPT - size));
    size += chunk.length;
  }
  const kept = Buffer.concat(chunks);
  if (kept.length < size) {
    const encoded = /"data_base64"\s*:\s*"([A-Za-z0-9+/]+)/.exec(kept.toString('utf8'))?.[1];
    if (encoded === undefined) throw NO_DELIVERY;
    return { text: Buffer.from(encoded, 'base64').toString('utf8'), bytes: Math.floor((size / 4) * 3) };
  }
  const record = Buffer.from(encodedIn(kept.toString('utf8')), 'base64'); // which leaves out what is not base64
  return { text: record.toString('utf8'), bytes: record.length };
}

const NO_DELIVERY = new Fault('invalido', 'La entrega no tiene un registro en data_base64.');

function encodedIn(text: string): string {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    throw NO_DELIVERY;
  }
  const encoded = typeof event === 'object' && event !== null && 'data_base64' in event ? event.data_base64 : undefined;
  if (typeof encoded !== 'string' || encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) throw NO_DELIVERY;
  return encoded;
}

/**
 * Returns text that fits into a property: no control characters but line breaks and tabs, at most MAX_WORDS characters, and at most `bytes`
 * once it is escaped for an address.
 */
function words(text: string, bytes: number): string {
  const clean = cut(text, MAX_WORDS).replace(/(?![\n\t])\p{Cc}/gu, '\ufffd');
  const characters = Array.from(clean);
  let left = bytes - escaped('…');
  const end = characters.findIndex((c) => (left -= escaped(c)) < 0);
  return end < 0 ? clean : `${characters.slice(0, end).join('')}…`;
}

function escaped(character: string): number {
  return /[\w*. -]/.test(character) ? 1 : 3 * Buffer.byteLength(character);
}
