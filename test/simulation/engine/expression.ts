import { compare, frozen, isRow, kindOf, NotSimulated, type Row, sum, valueAt } from './values.ts';

/** Aggregation expressions as far as the product's pipeline updates use them. Anything else throws. */

export type Scope = { row: Row; now: Date };

type Operator = (operands: unknown, scope: Scope) => unknown;

const isNothing = (value: unknown) => value === undefined || value === null;

function list(operands: unknown, scope: Scope): unknown[] {
  if (!Array.isArray(operands)) throw new NotSimulated('an operator without a list of operands');
  return operands.map((operand) => evaluate(operand, scope));
}

function pair(operands: unknown, scope: Scope): [unknown, unknown] {
  const values = list(operands, scope);
  if (values.length !== 2) throw new NotSimulated(`an operator with ${values.length} operands`);
  return [values[0], values[1]];
}

const comparison = (accept: (order: number) => boolean): Operator => {
  return (operands, scope) => accept(compare(...pair(operands, scope)));
};

function add(left: unknown, right: unknown): unknown {
  if (left instanceof Date) return shifted(left, right, 1);
  return right instanceof Date ? shifted(right, left, 1) : sum(left, right);
}

function shifted(date: Date, offset: unknown, sign: 1 | -1): Date {
  if (typeof offset !== 'number' && typeof offset !== 'bigint') throw new NotSimulated(`a date and ${kindOf(offset)}`);
  return new Date(date.getTime() + sign * Number(offset));
}

function subtract(left: unknown, right: unknown): unknown {
  if (left instanceof Date) return shifted(left, right, -1);
  if (typeof right !== 'number' && typeof right !== 'bigint') throw new NotSimulated(`minus a ${kindOf(right)}`);
  return sum(left, -right);
}

function slice(operands: unknown, scope: Scope): unknown {
  const [array, count] = pair(operands, scope);
  if (isNothing(array)) return null;
  if (!Array.isArray(array) || typeof count !== 'number') throw new NotSimulated('$slice of anything but an array');
  return count < 0 ? array.slice(count) : array.slice(0, count);
}

function concatArrays(operands: unknown, scope: Scope): unknown {
  const arrays = list(operands, scope);
  if (arrays.some(isNothing)) return null;
  if (!arrays.every(Array.isArray)) throw new NotSimulated('$concatArrays of anything but arrays');
  return (arrays as unknown[][]).flat(1);
}

function condition(operands: unknown, scope: Scope): unknown {
  if (!Array.isArray(operands) || operands.length !== 3) throw new NotSimulated('$cond in another form than a list');
  const decision = evaluate(operands[0], scope);
  if (typeof decision !== 'boolean') throw new NotSimulated('$cond on anything but a boolean');
  return evaluate(operands[decision ? 1 : 2], scope);
}

/** To teach the engine an operator, add it here and let the conformance test meet it. */
const OPERATORS: Readonly<Record<string, Operator>> = {
  $literal: (operand) => operand,
  $add: (operands, scope) => {
    const values = list(operands, scope);
    return values.some(isNothing) ? null : values.reduce(add);
  },
  $subtract: (operands, scope) => {
    const [left, right] = pair(operands, scope);
    return isNothing(left) || isNothing(right) ? null : subtract(left, right);
  },
  $eq: comparison((order) => order === 0),
  $gt: comparison((order) => order > 0),
  $gte: comparison((order) => order >= 0),
  $lt: comparison((order) => order < 0),
  $lte: comparison((order) => order <= 0),
  $ifNull: (operands, scope) => list(operands, scope).find((value) => !isNothing(value)) ?? null,
  $cond: condition,
  $slice: slice,
  $concatArrays: concatArrays,
};

/** The value of an expression; undefined when it is missing. */
export function evaluate(expression: unknown, scope: Scope): unknown {
  if (typeof expression === 'string') return text(expression, scope);
  if (Array.isArray(expression)) return expression.map((element) => evaluate(element, scope) ?? null);
  if (!isRow(expression)) return expression;
  const names = Object.keys(expression);
  const [name] = names;
  if (name?.startsWith('$') && names.length === 1) {
    const operator = OPERATORS[name];
    if (!operator) throw new NotSimulated(`the expression operator ${name}`);
    return operator(expression[name], scope);
  }
  if (names.some((member) => member.startsWith('$') || member.includes('.')))
    throw new NotSimulated(`an expression with members ${names.join(', ')}`);
  const values: Record<string, unknown> = {};
  for (const member of names) {
    const value = evaluate(expression[member], scope);
    if (value !== undefined) values[member] = value;
  }
  return frozen(values);
}

function text(expression: string, { row, now }: Scope): unknown {
  if (expression === '$$NOW') return now;
  if (expression.startsWith('$$')) throw new NotSimulated(`the variable ${expression}`);
  return expression.startsWith('$') ? valueAt(row, expression.slice(1)) : expression;
}
