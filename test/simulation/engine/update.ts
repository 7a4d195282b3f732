import { evaluate } from './expression.ts';
import { type Filter, matches } from './filter.ts';
import { frozen, isRow, NotSimulated, type Row, sum, valueAt, withValueAt } from './values.ts';

/** Updates, in operator and in pipeline form, as far as the product uses them. Anything else throws. */

export type Update = Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[];

type Modifier = (row: Row, path: string, operand: unknown) => Row;

function push(row: Row, path: string, operand: unknown): Row {
  const values = isRow(operand) && '$each' in operand ? operand.$each : [operand];
  if (isRow(operand) && '$each' in operand && Object.keys(operand).length > 1)
    throw new NotSimulated('$push with more than $each');
  const before = valueAt(row, path) ?? [];
  if (!Array.isArray(before) || !Array.isArray(values)) throw new NotSimulated('$push to anything but an array');
  return withValueAt(row, path, frozen([...(before as unknown[]), ...(values as unknown[])]));
}

function pull(row: Row, path: string, operand: unknown): Row {
  const before = valueAt(row, path);
  if (before === undefined) return row;
  if (!Array.isArray(before) || !isRow(operand)) throw new NotSimulated('$pull of anything but documents');
  const after = (before as Row[]).filter((element) => !matches(element, operand));
  return after.length === before.length ? row : withValueAt(row, path, Object.freeze(after));
}

/** To teach the engine a modifier, add it here and let the conformance test meet it. */
const MODIFIERS: Readonly<Record<string, Modifier>> = {
  $set: (row, path, operand) => withValueAt(row, path, frozen(operand)),
  $unset: (row, path) => (valueAt(row, path) === undefined ? row : withValueAt(row, path, undefined)),
  $inc: (row, path, operand) => withValueAt(row, path, sum(valueAt(row, path) ?? 0, operand)),
  $push: push,
  $pull: pull,
  // Only an upsert that inserts takes it; see `inserted`.
  $setOnInsert: (row) => row,
};

/** The document after an update. */
export function updated(row: Row, update: Update, now: Date): Row {
  if (isPipeline(update)) return update.reduce((before: Row, stage) => staged(before, stage, now), row);
  let after = row;
  for (const name in update) {
    const modifier = MODIFIERS[name];
    const changes = update[name];
    if (!modifier || !isRow(changes)) throw new NotSimulated(`the update operator ${name}`);
    for (const path in changes) if (changes[path] !== undefined) after = modifier(after, path, changes[path]);
  }
  return after;
}

/** The document that an upsert inserts when nothing matched. */
export function inserted(filter: Filter, update: Update, now: Date): Row {
  if (isPipeline(update)) throw new NotSimulated('an upsert by a pipeline');
  const { $setOnInsert: initial = {}, ...rest } = update;
  if (Object.values(filter).some(isRow) || !isRow(initial)) throw new NotSimulated('an upsert by a condition');
  return updated(frozen({ ...filter, ...initial }) as Row, rest, now);
}

function isPipeline(update: Update): update is readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(update);
}

/** All expressions of a stage see the document as it was before the stage. */
function staged(row: Row, stage: Readonly<Record<string, unknown>>, now: Date): Row {
  const [name, ...others] = Object.keys(stage);
  const operand = name === undefined ? undefined : stage[name];
  if (others.length > 0) throw new NotSimulated('a stage with several operators');
  if (name === '$unset') {
    const paths = (Array.isArray(operand) ? operand : [operand]) as string[];
    return paths.reduce((after, path) => withValueAt(after, path, undefined), row);
  }
  if (name !== '$set' || !isRow(operand)) throw new NotSimulated(`the update stage ${name}`);
  let after = row;
  for (const path in operand) after = withValueAt(after, path, frozen(evaluate(operand[path], { row, now })));
  return after;
}
