import assert from 'node:assert/strict';
import test from 'node:test';
import { COMANDO, validate, type Comando } from '../src/comando.ts';
import { Fault } from '../src/errors.ts';

const good: Comando = {
  ...COMANDO, id_compra: '01938f5e-7c1a-7000-8000-000000000001', id_usuario: 'ana', productos: [{ id_producto: '1', cantidad: 2 }], precios: [],
};
const address = { destinatario: 'Ana', calle: 'Calle 1', ciudad: 'Bogotá', telefono: '+57 (601) 234-5678' };
const lines = (n: number) => Array.from({ length: n }, (_, i) => ({ id_producto: String(i), cantidad: 1 }));

// Which field is wrong in each command; none where it is valid.
const cases: [string, Partial<Comando>, string?][] = [
  ['a purchase', {}],
  ['home delivery', { domicilio: true, direccion: address }],
  ['a shop that was closed', { tienda: 'usaquen' }],
  ['100 lines', { productos: lines(100) }],
  ['64 characters of two code units', { id_usuario: '😀'.repeat(64) }],
  ['joined emoji', { id_usuario: '👩\u200d🚀' }],
  ['prices', { moneda: 'COP', total: 500, precios: [{ id_producto: '1', precio: 250 }] }],
  ['a code', { codigo: '00000011' }],
  ['no id', { id_compra: '' }, 'id_compra'],
  ['an id with capitals', { id_compra: good.id_compra.toUpperCase().replace('F', 'F') }, 'id_compra'],
  ['ids exchanged', { id_compra: 'a3bb189e-8bf9-4888-9912-ace4e6543002', id_usuario: '01938f5e-7c1a-7000-8000-000000000001' }, 'id_compra'],
  ['no customer', { id_usuario: '' }, 'id_usuario'],
  ['65 characters', { id_usuario: 'a'.repeat(65) }, 'id_usuario'],
  ['a control character', { id_usuario: 'a\u0007' }, 'id_usuario'],
  ['half a surrogate', { id_usuario: 'a\ud800' }, 'id_usuario'],
  ['a bidirectional override', { id_usuario: 'a\u202eb' }, 'id_usuario'],
  ['a line break', { id_usuario: 'a\nb' }, 'id_usuario'],
  ['no lines', { productos: [] }, 'productos'],
  ['101 lines', { productos: lines(101) }, 'productos'],
  ['a product twice', { productos: [...lines(1), ...lines(1)] }, 'productos[1].id_producto'],
  ['no units', { productos: [{ id_producto: '1', cantidad: 0 }] }, 'productos[0].cantidad'],
  ['too many units', { productos: [{ id_producto: '1', cantidad: 1_000_001 }] }, 'productos[0].cantidad'],
  ['an address without home delivery', { direccion: address }, 'direccion'],
  ['half an address', { domicilio: true, direccion: { ...address, calle: '' } }, 'direccion.calle'],
  ['a telephone with letters', { domicilio: true, direccion: { ...address, telefono: '601 CALL ME' } }, 'direccion.telefono'],
  ['a shop with home delivery', { domicilio: true, tienda: 'granada' }, 'tienda'],
  ['a code with a wrong character', { codigo: '00000012' }, 'codigo'],
  ['a price for no line', { moneda: 'COP', total: 1, precios: [] }, 'precios'],
  ['another currency', { moneda: 'XXX', total: 500, precios: [{ id_producto: '1', precio: 250 }] }, 'moneda'],
  ['another sum', { moneda: 'COP', total: 501, precios: [{ id_producto: '1', precio: 250 }] }, 'total'],
];

for (const [name, change, field] of cases) {
  test(`CrearOrden: ${name}`, () => {
    let wrong: string[] = [];
    try {
      validate('CrearOrden', { ...good, ...change });
    } catch (error) {
      wrong = (error as Fault).fields.map((f) => f.campo);
    }
    assert.deepEqual(wrong, field === undefined ? [] : [field]);
  });
}

test('a rollback needs only the purchase', () => {
  validate('CancelarOrden', { ...good, id_usuario: '', productos: [] });
  assert.throws(() => { validate('CancelarOrden', { ...good, productos: lines(101) }); }, Fault);
});
