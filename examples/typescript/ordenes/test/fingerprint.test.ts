import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { COMPARED } from '../src/comando.ts';
import { fingerprint } from '../src/fingerprint.ts';

interface Vectors {
  compared: Record<string, string[]>;
  vectors: { name: string; tema: string; data: object; fingerprint: string }[];
}

const { compared, vectors } = JSON.parse(readFileSync(new URL('../../../../contracts/testdata/fingerprints.json', import.meta.url), 'utf8')) as Vectors;

test('the compared fields are those of the contract', () => {
  assert.deepEqual(COMPARED, compared['comandos-orden']);
});

for (const v of vectors) {
  test(`fingerprint: ${v.name}`, () => {
    assert.equal(fingerprint(v.data, compared[v.tema] ?? []), v.fingerprint);
  });
}
