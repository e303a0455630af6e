import { Validator } from './validator.ts';

export type Comando = typeof COMANDO;

/** The data of a command to ordenes (contracts/avro/comandos-orden.avsc) with each field empty. */
export const COMANDO = {
  id_compra: '',
  id_usuario: '',
  productos: [{ id_producto: '', cantidad: 0 }],
  domicilio: false,
  direccion: { destinatario: '', calle: '', ciudad: '', telefono: '' },
  tienda: '',
  moneda: '',
  total: 0,
  precios: [{ id_producto: '', precio: 0 }],
  codigo: '',
};

/** The fields that make a command another one (x-compared in contracts/asyncapi.yaml). */
export const COMPARED = ['id_compra', 'id_usuario', 'productos', 'domicilio', 'direccion', 'tienda', 'moneda', 'total', 'precios'];

/** The data of a message of eventos-orden (contracts/avro/eventos-orden.avsc). */
export interface Evento {
  id_compra: string;
  responde_a: string;
  id_orden: string;
  motivo: string;
  sujeto: string;
  rol: string;
}

const MAX_LINEAS = 100;
const MAX_CANTIDAD = 1_000_000;
const MAX_PRECIO = 10_000_000_000;
const MONEDAS = ['BRL', 'CLP', 'COP', 'EUR', 'JPY', 'KWD', 'MXN', 'PEN', 'USD'];

/** Throws a Fault that names every wrong field of a command. */
export function validate(tipo: string, d: Comando): void {
  const v = new Validator();
  v.uuid('id_compra', d.id_compra);
  if (exchanged(d.id_compra, d.id_usuario)) v.fail('id_compra', 'parece el id del cliente');
  if (tipo === 'CrearOrden') {
    v.line('id_usuario', d.id_usuario);
    lineas(v, d);
    entrega(v, d);
    if (d.codigo !== '' && !isCodigo(d.codigo)) v.fail('codigo', 'debe ser el código de una compra');
    importes(v, d);
  } else { // a rollback needs only id_compra
    if (d.id_usuario !== '') v.line('id_usuario', d.id_usuario);
    if (d.productos.length > 0) lineas(v, d);
  }
  v.check();
}

/** Reports whether the ids of purchase and customer have changed places: a customer's UUIDv7 is older than the purchase. */
function exchanged(idCompra: string, idUsuario: string): boolean {
  const v7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7/i;
  return v7.test(idUsuario) && idUsuario.length === 36 && (!v7.test(idCompra) || idCompra.slice(0, 13) < idUsuario.slice(0, 13).toLowerCase());
}

function lineas(v: Validator, { productos }: Comando): void {
  if (productos.length === 0 || productos.length > MAX_LINEAS) {
    v.fail('productos', `debe tener de 1 a ${MAX_LINEAS} líneas {id_producto, cantidad}`);
    return;
  }
  const seen = new Set<string>();
  productos.forEach(({ id_producto, cantidad }, i) => {
    v.line(`productos[${i}].id_producto`, id_producto);
    if (seen.has(id_producto)) v.fail(`productos[${i}].id_producto`, 'está repetido: junte las cantidades en una sola línea');
    seen.add(id_producto);
    v.integer(`productos[${i}].cantidad`, cantidad, 1, MAX_CANTIDAD);
  });
}

export function hasDireccion({ direccion }: Comando): boolean {
  return Object.values(direccion).some((text) => text !== '');
}

/** Checks where a purchase goes: to an address with home delivery, to a shop without it, or to neither. */
function entrega(v: Validator, d: Comando): void {
  if (hasDireccion(d)) {
    if (d.domicilio) direccion(v, d.direccion);
    else v.fail('direccion', 'solo va en una compra con domicilio');
  }
  if (d.tienda === '') return;
  if (d.domicilio) v.fail('tienda', 'no va en una compra con domicilio');
  else v.line('tienda', d.tienda);
}

function direccion(v: Validator, { destinatario, calle, ciudad, telefono }: Comando['direccion']): void {
  v.line('direccion.destinatario', destinatario, 100);
  v.line('direccion.calle', calle, 200);
  v.line('direccion.ciudad', ciudad, 100);
  const digits = telefono.replace(/\D/g, '').length;
  if (!/^[\d+()-][\d +()-]{5,18}[\d+()-]$/.test(telefono) || digits < 7 || digits > 15) {
    v.fail('direccion.telefono', 'debe tener de 7 a 20 caracteres, con 7 a 15 dígitos; solo dígitos, espacios y los signos + ( ) -');
  }
}

/** Requires no price at all, or one for each line, in the order of the lines, and their sum as the total. */
function importes(v: Validator, { moneda, total, precios, productos }: Comando): void {
  if (moneda === '' && total === 0 && precios.length === 0) return;
  if (!MONEDAS.includes(moneda)) v.fail('moneda', `debe ser una de ${MONEDAS.join(', ')}`);
  if (precios.length !== productos.length) {
    v.fail('precios', 'debe tener un precio por línea');
    return;
  }
  precios.forEach(({ id_producto, precio }, i) => {
    if (id_producto !== productos[i]?.id_producto) v.fail(`precios[${i}].id_producto`, 'debe ser el de la línea');
    v.integer(`precios[${i}].precio`, precio, 1, MAX_PRECIO);
  });
  const sum = precios.reduce((s, { precio }, i) => s + BigInt(precio) * BigInt(productos[i]?.cantidad ?? 0), 0n);
  if (sum !== BigInt(total) || total > Number.MAX_SAFE_INTEGER) {
    v.fail('total', `debe ser la suma de los precios por las cantidades, de a lo sumo ${Number.MAX_SAFE_INTEGER}`);
  }
}

/** Reports whether a text is a code: seven digits of Crockford's base 32, and their check character (docs/participant.md). */
function isCodigo(text: string): boolean {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  if (!/^[0-9A-HJKMNP-TV-Z]{8}$/.test(text)) return false;
  const number = Array.from(text.slice(0, 7)).reduce((n, c) => n * 32 + alphabet.indexOf(c), 0);
  return alphabet[number % 37] === text[7];
}
