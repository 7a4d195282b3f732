import { createWriteStream, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import type { Config } from '../src/config.ts';
import type { Logger } from '../src/log.ts';
import { SIGNATURE_KINDS, type SignatureKind } from '../src/models/act-signature.ts';
import { ACT_FILES } from '../src/privacy/act-papers.ts';
import { SIGNATURE_BYTES_MAX, signaturesOf } from '../src/privacy/act-signatures.ts';
import { brokenActs, listActs } from '../src/privacy/destruction-acts.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';

const USAGE = `Usage: npm run acts -- <command>

  list                         the last acts of destruction, and whether their chain is whole
  write <number> --out <folder> --by <person>
                               the act and its extract from the event log, as PDF, JSON and lines of JSON
  sign <number> --file <file> --kind <${SIGNATURE_KINDS.join('|')}> --by <person>
                               keeps a scan of the signed paper, or a detached signature, with the act`;

type Values = Partial<Record<'out' | 'file' | 'kind' | 'by', string>>;
type Command = (context: { config: Config; log: Logger }) => Promise<string>;

function needed(values: Values, name: keyof Values): string {
  const value = values[name];
  if (value === undefined || value === '') throw new UsageError(`--${name} is needed`);
  return value;
}

const list: Command = async () => {
  const rows: string[][] = [];
  for (const { _id, destroyedAt, causeId, subjects, reason } of await listActs()) {
    const signed = (await signaturesOf(_id)).length > 0 ? 'signed' : 'not signed';
    rows.push([String(_id), destroyedAt.toISOString(), causeId, String(subjects), signed, reason]);
  }
  const broken = await brokenActs();
  const chain = broken.length === 0 ? 'The acts are whole.' : `Changed or missing acts: ${broken.join(', ')}`;
  return `${table([['ACT', 'DESTROYED', 'CAUSE', 'SUBJECTS', 'COPY', 'NORM'], ...rows])}\n\n${chain}`;
};

function write(actNumber: number, values: Values): Command {
  const [out, by] = [needed(values, 'out'), needed(values, 'by')];
  return async (context) => {
    const written: string[] = [];
    for (const name of ACT_FILES) {
      const command = { name: 'acts.download', targetId: String(actNumber), input: { file: name } } as const;
      const { file: paper } = await performByScript(context, command, by);
      if (!paper) throw new Error(`${name} was not given`);
      const file = path.join(out, paper.name);
      await pipeline(paper.content, createWriteStream(file, { mode: 0o600, flags: 'wx' }));
      written.push(`written to ${file}`);
    }
    return written.join('\n');
  };
}

function sign(actNumber: number, values: Values): Command {
  const file = needed(values, 'file');
  const kind = SIGNATURE_KINDS.find((one) => one === (needed(values, 'kind') as SignatureKind));
  if (!kind) throw new UsageError(`--kind is one of ${SIGNATURE_KINDS.join(', ')}`);
  const by = needed(values, 'by');
  return async (context) => {
    if (statSync(file).size > SIGNATURE_BYTES_MAX) throw new UsageError('--file: the file is over 8 MiB');
    const input = { signatureKind: kind, content: readFileSync(file) };
    const command = { name: 'acts.sign', targetId: String(actNumber), input } as const;
    return `${(await performByScript(context, command, by)).madeId} is kept with act ${actNumber}`;
  };
}

function commandOf([name, number, ...rest]: string[], values: Values): Command {
  if (name === 'list' && number === undefined) return list;
  if (number === undefined || !/^\d{1,9}$/.test(number) || rest.length > 0) throw new UsageError('unknown command');
  if (name === 'write') return write(Number(number), values);
  if (name === 'sign') return sign(Number(number), values);
  throw new UsageError(`unknown command "${name}"`);
}

const text = { type: 'string' } as const;

await runScript(USAGE, (words) => {
  const options = { out: text, file: text, kind: text, by: text };
  const { values, positionals } = parseArgs({ args: words, allowPositionals: true, options });
  return commandOf(positionals, values);
});
