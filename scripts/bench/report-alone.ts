import { markdownTable } from '../report-section.ts';
import { formatFigure, rolesOf } from './goals.ts';
import type { PartResult } from './parts.ts';
import {
  type BenchResults,
  cpuPerThousand,
  type ServedPart,
  type StepResult,
  saturated,
  stepResult,
  stepsOf,
} from './results.ts';
import { PART_ROLES, RELAY, TOGETHER } from './served-part.ts';
import { rateStep, streamStep } from './steps.ts';

/** The sections of the report that are about parts of the product rather than about loads on all of it. */

function partRow({ part, step, perSecond, pathP50Ms, pathP99Ms, cpuPerThousand: cpu }: PartResult): string[] {
  const cells = [perSecond, pathP50Ms, pathP99Ms, cpu.process, cpu.redis, cpu.engine].map(formatFigure);
  const [rate = '', p50 = '', p99 = '', own = '', redis = '', engine = ''] = cells;
  return [part, step, rate, `${p50} / ${p99}`, own, redis, engine];
}

const RATES_ALONE = [50, 200, 400];

/** The step in which a part has 32 callers. */
const CALLERS_STEP = 'closed';

/** CPU seconds per thousand requests on the product's core, of all parts together. */
function ownCpu(parts: readonly PartResult[], step: string): number {
  return parts
    .filter((one) => one.step === step)
    .reduce((sum, { cpuPerThousand: cpu }) => sum + cpu.process + cpu.redis, 0);
}

/** What the parts alone say about the goals that are ratios to the peer. */
function boundLines(results: BenchResults, parts: readonly PartResult[], peer: string | undefined): string[] {
  const sum = ownCpu(parts, CALLERS_STEP);
  const lines = [
    `Together they take ${formatFigure(sum)} CPU seconds per 1000 requests on the product's core with 32 callers: no arrangement of the rest makes it answer more than ${formatFigure(1_000 / sum)} requests/s per core.`,
  ];
  const closed = peer === undefined ? undefined : saturated(results, peer);
  if (closed && peer !== undefined) {
    const theirs = cpuPerThousand(closed, rolesOf(peer));
    lines.push(
      `The peer's whole request takes ${formatFigure(theirs)} in the same run: ${formatFigure(sum / theirs)}x.`,
    );
  }
  for (const perSecond of RATES_ALONE) {
    const rate = rateStep(perSecond);
    const waits = parts.filter(({ step, part }) => step === rate && part !== 'front');
    if (waits.length === 0) continue;
    const path = waits.reduce((total, { pathP50Ms }) => total + pathP50Ms, 0);
    const [theirs, direct] = [peer ?? '', 'direct'].map((name) => stepResult(results, rate, name)?.load.latency.p50);
    if (theirs === undefined || direct === undefined) continue;
    lines.push(
      `At ${perSecond} rps a client waits ${formatFigure(path)} ms for database and queue alone (p50, front not counted), the peer adds ${formatFigure(theirs - direct)} ms in all; the parts use ${formatFigure((ownCpu(parts, rate) * perSecond) / 1_000)} of the product's core.`,
    );
  }
  return lines;
}

function usPerChunk({ load, use }: StepResult, roles: readonly string[]): number {
  const seconds = roles.reduce((sum, role) => sum + (use.cpuSeconds[role] ?? 0), 0);
  return (seconds * 1e6) / use.seconds / load.chunksPerSecond;
}

function streamRow(step: string, result: StepResult): string[] {
  const { load } = result;
  const pair = (a: number, b: number) => `${formatFigure(a)} / ${formatFigure(b)}`;
  return [
    step,
    pair(load.firstChunk.p50, load.firstChunk.p99),
    pair(load.oneWay.p50, load.oneWay.p99),
    pair(load.gapJitter.p50, load.gapJitter.p99),
    formatFigure(load.chunksPerSecond),
    formatFigure(usPerChunk(result, PART_ROLES)),
  ];
}

function plainRow(step: string, result: StepResult): string[] {
  const { latency, answeredPerSecond } = result.load;
  const [own, engine] = [PART_ROLES, ['engine']].map((roles) => formatFigure(cpuPerThousand(result, roles)));
  const times = [latency.p50, latency.p95, latency.p99].map(formatFigure).join(' / ');
  return [step, times, formatFigure(answeredPerSecond), own ?? '', engine ?? ''];
}

const STREAM_HEAD = [
  'load',
  'first token p50 / p99',
  'one-way p50 / p99',
  'jitter p50 / p99',
  'chunks/s',
  'CPU us/chunk',
];
const PLAIN_HEAD = ['load', 'p50 / p95 / p99', 'answered/s', 'CPU s per 1000', 'engine'];

/** One row for each step of a served part, in their order. */
function rowsOf(part: ServedPart, name: string, isStream: boolean): string[][] {
  return stepsOf(part, '')
    .filter((step) => step.includes('streams') === isStream)
    .flatMap((step) => {
      const result = stepResult(part, step, name);
      if (!result) return [];
      return [isStream ? streamRow(step, result) : plainRow(step, result)];
    });
}

/** What the relay alone adds to the chunks of few streams, beside what the peer adds in all. */
function relayLine(results: BenchResults, relay: ServedPart, peer: string | undefined): string {
  const few = streamStep(50);
  const [ours, theirs, none] = [
    stepResult(relay, few, RELAY),
    peer === undefined ? undefined : stepResult(results, few, peer),
    stepResult(results, few, 'direct'),
  ];
  if (!ours || !theirs || !none) return '';
  const [own, peers] = [ours, theirs].map(({ load }) => formatFigure(load.oneWay.p50 - none.load.oneWay.p50));
  return `\n\nWith 50 streams it adds ${own} ms to a chunk (p50), the peer ${peers}; jitter p99 ${formatFigure(ours.load.gapJitter.p99)} ms, the peer's ${formatFigure(theirs.load.gapJitter.p99)}.`;
}

function servedSections(results: BenchResults, peer: string | undefined): string[] {
  if (!results.alone) return [];
  const { relay, together } = results.alone;
  const tableOf = (part: ServedPart, name: string, isStream: boolean) =>
    markdownTable(isStream ? STREAM_HEAD : PLAIN_HEAD, rowsOf(part, name, isStream));
  const held = together.sustained?.perSecond
    ? `${together.sustained.perSecond} requests/s`
    : 'none of the rates that were tried';
  return [
    `### Relay alone\n\nThe chunks of streams from the provider to the client by the product's own code, over Redis with the sealed log for readers that come back, both halves in one process on the product's core: no key, no money, no queue, no database.\n\n${tableOf(relay, RELAY, true)}${relayLine(results, relay, peer)}`,
    `### The parts together\n\nA request's writes, its way over the queue, the provider's answer and the relay, by the product's own code and under the same loads as the whole, both halves in one process on the product's core; and nothing around it: no key, no limit, no price, prompts neither sealed nor checked, no other schedule. What this does not reach, no arrangement of the rest can.\n\n${tableOf(together, TOGETHER, false)}\n\n${tableOf(together, TOGETHER, true)}\n\nOpen loop with p99 < 100 ms: ${held}.`,
  ];
}

function aloneSection(results: BenchResults, peer: string | undefined): string[] {
  const alone = results.alone?.parts;
  if (!alone || alone.length === 0) return [];
  const head = ['part', 'load', 'per second', 'path p50 / p99', 'CPU s per 1000', 'redis', 'engine'];
  return [
    `### Parts alone\n\nThe writes of a request in their order (insert, hold, claim, finish; then settle, mark, flush), a job over the queue with its answer over the relay, and Express before undici: each alone, in one process on the product's core, by the product's own code.\n\n${markdownTable(head, alone.map(partRow))}\n\n${boundLines(results, alone, peer).join(' ')}`,
  ];
}

function webhookSection({ webhooks }: BenchResults): string[] {
  if (!webhooks) return [];
  const { clients, deliveredPerSecond, delivered, lost, rounds, cpuPerThousand: cpu } = webhooks;
  const used = Object.entries(cpu).map(([role, seconds]) => `${role} ${formatFigure(seconds)}`);
  return [
    `### Webhooks\n\n${formatFigure(deliveredPerSecond)} asynchronous requests per second from acceptance to the signed event at a receiver (${clients} clients, the best of those tried; ${delivered} events in ${rounds} rounds of which this is the middle one, ${lost} lost). CPU seconds per 1000: ${used.join(', ')}.`,
  ];
}

function booksSection({ books }: BenchResults): string[] {
  if (!books) return [];
  const { accounts, rows, newRowsPerSecond, oldRowsPerSecond, knownRowsPerSecond, accountsPerSecond } = books;
  const perSecond = [newRowsPerSecond, oldRowsPerSecond, knownRowsPerSecond, accountsPerSecond];
  const [fresh = '', old = '', known = '', same = ''] = perSecond.map(formatFigure);
  return [
    `### Reconciliation\n\nOne process over ${accounts} accounts with ${rows} ledger rows: ${fresh} new rows/s followed, ${old} old rows/s read again, ${known} of those that this process knows to be right, ${same} unchanged accounts/s. All in order, no alert.`,
  ];
}

function startUpSection({ startUpMs }: BenchResults): string[] {
  const parts = Object.entries(startUpMs ?? {}).map(([role, ms]) => `${role} ${formatFigure(ms)} ms`);
  if (parts.length === 0) return [];
  return [`### Start-up\n\nFrom the start of a process to its readiness, engines running: ${parts.join(', ')}.`];
}

/** Markdown sections, those that were measured. */
export function renderParts(results: BenchResults, peer: string | undefined): string[] {
  return [
    ...aloneSection(results, peer),
    ...servedSections(results, peer),
    ...webhookSection(results),
    ...booksSection(results),
    ...startUpSection(results),
  ];
}
