import { describe, expect, test } from '@jest/globals';
import { sampleOf } from '../../src/sandbox/schema.ts';

const tree = {
  $ref: '#/$defs/node',
  $defs: {
    node: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
        list: { type: 'array', items: { $ref: '#/$defs/node' } },
      },
      required: ['name', 'next', 'list'],
    },
  },
};

describe('sampleOf', () => {
  test.each<[string, unknown, unknown]>([
    ['const', { const: 7 }, 7],
    ['enum', { enum: ['a', 'b'] }, 'a'],
    ['text of a length', { type: 'string', minLength: 9, maxLength: 9 }, 'sandbox..'],
    ['short text', { type: 'string', maxLength: 3 }, 'san'],
    ['format', { type: 'string', format: 'date' }, '2024-01-01'],
    ['number in a range', { type: 'number', minimum: 2.2, maximum: 2.9 }, 2.5],
    ['integer above', { type: 'integer', exclusiveMinimum: 4 }, 5],
    ['integer below', { type: 'integer', maximum: -3 }, -3],
    ['multiple', { type: 'integer', minimum: 7, multipleOf: 5 }, 10],
    ['array of a length', { type: 'array', minItems: 2, items: { type: 'boolean' } }, [true, true]],
    ['empty array', { type: 'array', maxItems: 0, items: { type: 'boolean' } }, []],
    ['first of several types', { type: ['string', 'null'] }, 'sandbox'],
    [
      'parts joined',
      { allOf: [{ properties: { a: { const: 1 } } }, { properties: { b: { const: 2 } } }] },
      { a: 1, b: 2 },
    ],
    ['object without properties', { type: 'object' }, {}],
    ['no schema', true, {}],
  ])('makes %s', (_, schema, sample) => {
    expect(sampleOf(schema)).toEqual(sample);
  });

  test('ends in recursive schemas and still has every required field', () => {
    const text = JSON.stringify(sampleOf(tree));
    expect(text.length).toBeLessThan(100_000);
    expect(JSON.parse(text)).toMatchObject({ name: 'sandbox', next: { name: 'sandbox' }, list: [{ name: 'sandbox' }] });
  });

  test('is bounded for schemas that recurse without end', () => {
    const properties = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`p${index}`, { $ref: '#' }]));
    const schema = { type: 'object', properties, required: Object.keys(properties) };
    expect(JSON.stringify(sampleOf(schema)).length).toBeLessThan(1_000_000);
    expect(sampleOf({ $ref: '#' })).toBeNull();
  });
});
