import type { Evento } from './comando.ts';
import { Fault } from './errors.ts';
import { newMessage } from './message.ts';

export const SERVICE = 'ordenes';
const PUBLISH_TIMEOUT = 10_000; // ms

/** Speaks with the sidecar of the service. */
export class Sidecar {
  private readonly address: string;
  private readonly token: string;

  constructor(port: number, token: string) {
    this.address = `http://127.0.0.1:${port}`;
    this.token = token;
  }

  /** Publishes an event on eventos-orden, and returns when the broker has stored it. */
  async tell(tipo: string, data: Evento, traceparent: string, timeout = PUBLISH_TIMEOUT): Promise<void> {
    const record = JSON.stringify(newMessage(SERVICE, tipo, traceparent, data));
    await this.publish('eventos-orden', record, { partitionKey: data.id_compra }, traceparent, timeout);
  }

  /** Publishes a record, given as JSON, of which the pub/sub component makes Avro. */
  async publish(topic: string, record: string, metadata: Record<string, string>, traceparent: string, timeout = PUBLISH_TIMEOUT): Promise<void> {
    const query = new URLSearchParams({ 'metadata.rawPayload': 'true' }); // no CloudEvent around the record
    for (const [name, value] of Object.entries(metadata)) query.set(`metadata.${name}`, value);
    const headers: Record<string, string> = { 'content-type': 'application/json', 'dapr-api-token': this.token };
    if (traceparent) {
      query.set('metadata.traceparent', traceparent);
      headers.traceparent = traceparent;
    }
    const answer = await fetch(`${this.address}/v1.0/publish/pubsub/${topic}?${query}`, {
      method: 'POST', headers, body: record, signal: AbortSignal.timeout(timeout),
    });
    const text = await answer.text();
    if (answer.status >= 500) throw new Fault('no-disponible', `publish on ${topic}: ${answer.status} ${text}`);
    if (!answer.ok) throw new Error(`publish on ${topic}: ${answer.status} ${text}`);
  }

  /** Throws when the sidecar or a component of it is not ready. */
  async ready(): Promise<void> {
    const answer = await fetch(`${this.address}/v1.0/healthz/outbound`, { signal: AbortSignal.timeout(2_000) });
    await answer.text();
    if (answer.status !== 204) throw new Error(`the sidecar answered ${answer.status}`);
  }
}

/** Returns a W3C traceparent in the form of version 00, or "" for another text, which a sidecar would refuse. */
export function traceparentOf(text: string | undefined): string {
  const [, version, trace, parent, flags, more] = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text ?? '') ?? [];
  const valid = trace && parent && flags && version !== 'ff' && !/^0+$/.test(trace) && !/^0+$/.test(parent) && !(version === '00' && more);
  return valid ? `00-${trace}-${parent}-${flags}` : '';
}
