import { v7 as uuidv7 } from 'uuid';
import { Fault } from './errors.ts';
import { cut, length, Validator } from './validator.ts';

/** The envelope of every record on every topic (contracts/avro). */
export interface Message<D> {
  id: string;
  time: number; // milliseconds since 1970
  ingestion: number;
  specversion: string;
  type: string;
  datacontenttype: string;
  service_name: string;
  traceparent: string;
  data: D;
}

const EMPTY = { id: '', time: 0, ingestion: 0, specversion: '', type: '', datacontenttype: '', service_name: '', traceparent: '' };
const MAX_RECORD = 1 << 20; // bytes of a record as JSON
const MAX_RECORD_ID = 255; // characters of the envelope's id, which may have any form
const MAX_ENVELOPE = 100; // characters of another text of the envelope
const END_OF_TIME = 253402300799999;

export function newMessage<D>(service: string, type: string, traceparent: string, data: D): Message<D> {
  const now = Date.now();
  return {
    id: uuidv7(), time: now, ingestion: now, specversion: '1.0', type, datacontenttype: 'application/json', service_name: service, traceparent, data,
  };
}

/** A record as the sidecar delivers it: JSON that the pub/sub component made of Avro. A very large one is cut. */
export interface Delivery {
  text: string;
  bytes: number; // of the whole record
}

/** Reads a record. `data` is a record with each field empty: it says the type of each. Throws a Fault (mensaje-malo) for another record. */
export function decode<D extends object>(delivery: Delivery, data: D): Message<D> {
  if (delivery.bytes > MAX_RECORD) throw unreadable(`tiene ${delivery.bytes} bytes; puede tener a lo sumo ${MAX_RECORD}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(delivery.text);
  } catch (error) {
    throw unreadable(String(error));
  }
  const message = like({ ...EMPTY, data }, parsed, '');
  if (message.id === '' || message.type === '') throw unreadable('sin id o sin type');
  return message;
}

function unreadable(why: string): Fault {
  return new Fault('mensaje-malo', `mensaje ilegible: ${why}`);
}

/**
 * Returns the fields of `model` with the values of `value`; what is missing stays empty. Throws for a value of another type, and for a field
 * that `model` does not have. An integer that a number cannot hold exactly would be published as another one, or not at all.
 */
function like<T>(model: T, value: unknown, path: string): T {
  if (value === undefined || value === null) return Array.isArray(model) ? ([] as T) : model;
  if (Array.isArray(model)) {
    if (!Array.isArray(value)) throw unreadable(`${path} no es una lista`);
    return value.map((v, i) => like<unknown>(model[0], v, `${path}[${i}]`)) as T;
  }
  if (typeof value !== typeof model || Array.isArray(value)) throw unreadable(`${path || 'el mensaje'} no es de su tipo`);
  if (typeof model === 'number' && !Number.isSafeInteger(value)) throw unreadable(`${path} no es un número entero, o pasa de 2^53 - 1`);
  if (typeof model !== 'object' || model === null) return value as T;
  const fields = value as Record<string, unknown>;
  const unknown = Object.keys(fields).find((name) => !Object.hasOwn(model, name));
  if (unknown !== undefined) throw unreadable(`${path || 'el mensaje'} tiene un campo desconocido, ${JSON.stringify(cut(unknown, 64))}`);
  return Object.fromEntries(Object.entries(model).map(([name, m]) => [name, like<unknown>(m, fields[name], path ? `${path}.${name}` : name)])) as T;
}

export function checkEnvelope(m: Message<unknown>): void {
  const v = new Validator();
  if (length(m.id) > MAX_RECORD_ID) v.fail('id', `puede tener a lo sumo ${MAX_RECORD_ID} caracteres`);
  for (const field of ['type', 'specversion', 'datacontenttype', 'service_name'] as const) v.freeText(field, m[field], MAX_ENVELOPE);
  for (const field of ['time', 'ingestion'] as const) v.integer(field, m[field], 0, END_OF_TIME);
  v.check();
}

/** Returns a record for the dead letter of a text that is cut or no record of its topic: the fields that can be found, with their limits. */
export function beginningOf<D extends { id_compra: string }>(text: string, data: D): Message<D> {
  const find = (field: string, max: number) => {
    try {
      return cut(JSON.parse(new RegExp(`"${field}"\\s*:\\s*("(?:[^"\\\\]|\\\\.)*")`).exec(text)?.[1] ?? '""') as string, max);
    } catch {
      return '';
    }
  };
  const millis = (field: string) => Number(new RegExp(`"${field}"\\s*:\\s*(\\d{1,15})[,}\\s]`).exec(text)?.[1] ?? 0);
  return {
    id: find('id', MAX_RECORD_ID), time: millis('time'), ingestion: millis('ingestion'), specversion: find('specversion', MAX_ENVELOPE),
    type: find('type', MAX_ENVELOPE), datacontenttype: find('datacontenttype', MAX_ENVELOPE), service_name: find('service_name', MAX_ENVELOPE),
    traceparent: '', data: { ...data, id_compra: find('id_compra', 64) },
  };
}
