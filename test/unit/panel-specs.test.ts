import { expect, it } from '@jest/globals';
import { EN } from '../../src/admin/panel/locale-en.ts';
import { RU } from '../../src/admin/panel/locale-ru.ts';
import { SPECS } from '../../src/admin/panel/specs.ts';

/** What the panel reads and says, checked without a database or a browser. */

it.each(SPECS)('$id reads no member of a document within another one, which MongoDB refuses', ({ fields }) => {
  const paths = [...new Set(fields.flatMap(({ name, paths: given }) => given ?? [name]))];
  const within = paths.filter((path) => paths.some((other) => path.startsWith(`${other}.`)));
  expect(within).toEqual([]);
});

it.each([
  ['en', EN],
  ['ru', RU],
] as const)('every field, value, command and explanation of the panel has words in %s', (_language, words) => {
  const labels = words.labels as Record<string, Record<string, unknown> | string>;
  const missing = SPECS.flatMap(({ id, fields, nextStep, commands = [], collectionCommands = [] }) => {
    const steps = fields.find(({ name }) => name === nextStep)?.choices ?? [];
    const all = [...commands, ...collectionCommands];
    const asked = all.flatMap((command) => command.fields);
    const values = [...fields, ...asked].flatMap(({ name, choices = [] }) => choices.map((choice) => [name, choice]));
    return [
      ...[id, `one_${id}`].map((name) => (labels[name] === undefined ? `label ${name}` : undefined)),
      ...[...fields, ...asked].map(({ name }) => (name in words.properties ? undefined : `property ${name}`)),
      ...values.map(([name = '', choice = '']) => {
        const found = choice
          .split('.')
          .reduce<unknown>((at, part) => at && Reflect.get(at as object, part), labels[name]);
        return typeof found === 'string' ? undefined : `label ${name}.${choice}`;
      }),
      ...steps.map((step) => (`help_${nextStep}_${step}` in words.messages ? undefined : `help of ${step}`)),
      ...all.map(({ action }) => (action in words.actions ? undefined : `action ${action}`)),
      ...all.map(({ action, explanation = `explain_${action}` }) =>
        explanation in words.messages ? undefined : `message ${explanation}`,
      ),
    ].filter((one) => one !== undefined);
  });
  expect([...new Set(missing)]).toEqual([]);
});

/** Lists of what is part of the product: never without a row. */
const NEVER_EMPTY = new Set(['queues', 'retention', 'settings', 'staff']);

it.each([
  ['en', EN],
  ['ru', RU],
] as const)('every list that may be empty says in %s what to do', (_language, { messages }) => {
  const silent = SPECS.filter(({ id }) => !NEVER_EMPTY.has(id) && !(`empty_${id}` in messages)).map(({ id }) => id);
  expect(silent).toEqual([]);
});
