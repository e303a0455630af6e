import { createHash } from 'node:crypto';

type Json = string | number | boolean | null | Json[] | { [field: string]: Json };

/** Returns the fingerprint of the data of a command, of which only the fields in `compared` count (docs/adr/stored-replies.md). */
export function fingerprint(data: object, compared: readonly string[]): string {
  const fields = Object.fromEntries(Object.entries(data).filter(([name]) => compared.includes(name))) as Json;
  return sha256(canonical(withoutEmpty(fields) ?? null));
}

export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** Returns the canonical JSON of a value (RFC 8785). Numbers are integers. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) =>
    typeof v === 'object' && v !== null && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v,
  );
}

/** Returns the value without empty fields, or undefined when nothing is left. An array keeps its length. */
function withoutEmpty(value: Json): Json | undefined {
  if (Array.isArray(value)) return value.length > 0 ? value.map((v) => withoutEmpty(v) ?? null) : undefined;
  if (typeof value !== 'object' || value === null) return value || undefined;
  const left = Object.entries(value).flatMap(([name, v]) => {
    const rest = withoutEmpty(v);
    return rest === undefined ? [] : [[name, rest] as const];
  });
  return left.length > 0 ? Object.fromEntries(left) : undefined;
}
