import { Fault, type InvalidField } from './errors.ts';

export const MAX_IDENTIFIER = 64;

/** Collects the wrong fields of an input. The limits are those of contracts/openapi.yaml and contracts/asyncapi.yaml. */
export class Validator {
  private readonly fields: InvalidField[] = [];

  fail(campo: string, detalle: string): void {
    this.fields.push({ campo, detalle });
  }

  /** Throws a Fault that names every wrong field. */
  check(): void {
    if (this.fields.length > 0) {
      throw new Fault('invalido', this.fields.map((f) => `${f.campo}: ${f.detalle}`).join('; '), this.fields);
    }
  }

  uuid(campo: string, value: string): void {
    if (!UUID.test(value)) this.fail(campo, 'debe ser un UUID, por ejemplo 01938f5e-7c1a-7000-8000-000000000001');
  }

  /** Requires at most `max` characters (code points), none of which is a control character. */
  freeText(campo: string, value: string, max: number): void {
    const control = CONTROL.exec(value);
    if (control) {
      const point = (control[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      const position = length(value.slice(0, control.index)) + 1;
      this.fail(campo, `no puede tener el carácter de control U+${point}, que está en la posición ${position}`);
    } else if (length(value) > max) {
      this.fail(campo, `puede tener a lo sumo ${max} caracteres`);
    }
  }

  /** Requires 1 to `max` characters in one line, without spaces at either end. */
  line(campo: string, value: string, max = MAX_IDENTIFIER): void {
    if (value === '') this.fail(campo, 'falta');
    else if (value.trim() !== value) this.fail(campo, 'no puede empezar ni terminar con espacios');
    else if (/[\n\r\t\u2028\u2029]/.test(value)) this.fail(campo, 'no puede tener saltos de línea ni tabuladores');
    else this.freeText(campo, value, max);
  }

  /** Requires a whole number from `min` to `max`. */
  integer(campo: string, value: number, min: number, max: number): void {
    if (!Number.isInteger(value) || value < min || value > max) this.fail(campo, `debe ser un número entero de ${min} a ${max}`);
  }
}

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

// Control and format characters, and half of a pair of surrogates. Line breaks, tabs, joiners and the tags of emoji are valid.
const CONTROL = /(?![\n\r\t]|\u200c|\u200d|[\u{e0020}-\u{e007f}])[\p{Cc}\p{Cf}\p{Cs}]/u;

export function length(text: string): number {
  return Array.from(text).length;
}

/** Returns `text`, or its first `max` characters, of which the last is an ellipsis. */
export function cut(text: string, max: number): string {
  const characters = Array.from(text.slice(0, 2 * max + 1));
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join('')}…`;
}
