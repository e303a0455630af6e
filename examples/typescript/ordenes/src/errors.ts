/** A wrong field of an input. `detalle` says in Spanish what would be right. */
export interface InvalidField {
  campo: string;
  detalle: string;
}

const KINDS = {
  invalido: [400, 'Petición inválida'],
  'mensaje-malo': [400, 'Mensaje inválido'],
  'no-autenticado': [401, 'No autenticado'],
  'no-encontrado': [404, 'No encontrado'],
  conflicto: [409, 'Conflicto con el estado actual'],
  'no-disponible': [503, 'Servicio no disponible'],
  interno: [500, 'Error interno'],
} as const;

export type Code = keyof typeof KINDS;

/** An error with a code, and a message in Spanish for a person. */
export class Fault extends Error {
  readonly code: Code;
  readonly fields: InvalidField[];

  constructor(code: Code, message: string, fields: InvalidField[] = []) {
    super(message);
    this.code = code;
    this.fields = fields;
  }
}

/** Returns the problem (RFC 9457) for an error. It never has the text of an internal error. */
export function problemOf(error: unknown): { status: number; body: object } {
  const code = codeOf(error);
  const [status, title] = KINDS[code];
  let detail = 'Algo falló de nuestro lado. Quedó registrado.';
  if (code === 'no-disponible') detail = 'Algo de lo que dependemos no responde. Intente de nuevo en unos segundos.';
  if (error instanceof Fault) detail = error.fields.length > 0 ? 'Hay campos inválidos.' : error.message;
  const errores = error instanceof Fault && error.fields.length > 0 ? error.fields : undefined;
  return { status, body: { type: `urn:entregas:problema:${code}`, title, status, detail, errores } };
}

export function codeOf(error: unknown): Code {
  if (error instanceof Fault) return error.code;
  return isTrouble(error) ? 'no-disponible' : 'interno';
}

// 08 connection, 40 rollback and deadlock, 53 resources, 57 shutdown, 58 system; an idle transaction, a lock timeout.
const TROUBLE_OF_POSTGRES = /^(08|25P03|25P04|40|53|55P03|57|58)/;
const TROUBLE_OF_THE_NETWORK = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|EAI_AGAIN|ENOTFOUND|UND_ERR)/;

/** Reports whether a later try can succeed: a database, broker or sidecar does not answer (docs/adr/trouble-is-not-a-bad-message.md). */
function isTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return true;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (TROUBLE_OF_POSTGRES.test(code) || TROUBLE_OF_THE_NETWORK.test(code)) return true;
  if (/Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable/.test(error.message)) return true; // pg has no code for these
  if (error instanceof AggregateError && error.errors.some(isTrouble)) return true;
  return isTrouble(error.cause);
}
