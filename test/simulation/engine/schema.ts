import { compare, isRow, kindOf, NotSimulated, type Row } from './values.ts';

/** The collection validators of the product (`$jsonSchema`), as far as they go. */

type Schema = Readonly<Record<string, unknown>>;

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: (value) => kindOf(value) === 'object',
  array: (value) => kindOf(value) === 'array',
  long: (value) => typeof value === 'bigint',
  int: (value) => typeof value === 'number' && Number.isInteger(value),
  double: (value) => typeof value === 'number' && !Number.isInteger(value),
  string: (value) => kindOf(value) === 'string',
};

/** What is wrong with a document; undefined when the server would take it. */
export function refusalOf(row: Row, validator: Schema): string | undefined {
  const { $jsonSchema: schema, ...rest } = validator;
  if (!isRow(schema) || Object.keys(rest).length > 0) throw new NotSimulated('validators beside $jsonSchema');
  return problem(row, schema, 'document');
}

function problem(value: unknown, schema: Schema, name: string): string | undefined {
  for (const keyword in schema) {
    const wrong = check(value, keyword, schema[keyword], name);
    if (wrong) return wrong;
  }
  return undefined;
}

function check(value: unknown, keyword: string, operand: unknown, name: string): string | undefined {
  switch (keyword) {
    case 'bsonType':
      return [operand].flat().some((type) => isOfType(value, String(type)))
        ? undefined
        : `${name} is no ${String(operand)}`;
    case 'minimum':
      return compare(value, operand) < 0 ? `${name} is ${String(value)}, below ${String(operand)}` : undefined;
    case 'maximum':
      return compare(value, operand) > 0 ? `${name} is ${String(value)}, above ${String(operand)}` : undefined;
    case 'enum':
      return (operand as unknown[]).includes(value) ? undefined : `${name} is ${String(value)}`;
    case 'required':
      return (operand as string[])
        .map((path) => ((value as Row)[path] === undefined ? `no ${path}` : ''))
        .find(Boolean);
    case 'properties':
      return Object.entries(operand as Record<string, Schema>)
        .map(([path, schema]) => {
          const member = (value as Row)[path];
          return member === undefined ? undefined : problem(member, schema, path);
        })
        .find(Boolean);
    default:
      throw new NotSimulated(`the schema keyword ${keyword}`);
  }
}

function isOfType(value: unknown, type: string): boolean {
  const test = TYPES[type];
  if (!test) throw new NotSimulated(`the schema type ${type}`);
  return test(value);
}
