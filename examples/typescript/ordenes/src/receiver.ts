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
import { cut } from './validator.ts';

const TOPIC = 'comandos-orden';
const MAX_ATTEMPTS = 10;
const RETENTION = 30 * 24 * 3_600_000; // ms; older replies may be deleted
const MAX_KEPT = 1_500_000; // bytes kept of a delivery: a record of 1 MiB in base64 and its envelope fit
const MAX_REASON = 1000; // characters of the reason of a dead letter
const MAX_BEGINNING = 1000;

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
      partitionKey: record.data.id_compra, motivo: words(cause.message, MAX_REASON), intentos: String(attempts), origen: SERVICE,
    };
    if (!message) Object.assign(properties, { bytes: String(delivery.bytes), comienzo: words(delivery.text, MAX_BEGINNING), sha256: sha256(delivery.text) });
    await sidecar.publish(`${TOPIC}-dlq`, JSON.stringify(record), properties, traceparentOf(record.traceparent));
  }
}

/** Reads a delivery of any size and keeps its beginning. Its record is in base64. */
async function readDelivery(payload: Readable): Promise<Delivery> {
  const kept: Buffer[] = [];
  let size = 0;
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    if (size < MAX_KEPT) kept.push(chunk);
    size += chunk.length;
  }
  const text = Buffer.concat(kept).toString('utf8');
  const encoded = /"data_base64"\s*:\s*"([^"]*)/.exec(text)?.[1];
  if (encoded === undefined) throw new Fault('invalido', 'the delivery has no data_base64');
  const record = Buffer.from(encoded, 'base64');
  return { text: record.toString('utf8'), bytes: size < MAX_KEPT ? record.length : Math.floor((size / 4) * 3) };
}

/** Returns text that fits into a property: no control characters but line breaks and tabs, and at most `max` characters. */
function words(text: string, max: number): string {
  return cut(text.replace(/(?![\n\t])\p{Cc}/gu, '\ufffd'), max);
}
