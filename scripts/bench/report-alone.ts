import { markdownTable } from '../report-section.ts';
import { formatFigure, rolesOf } from './goals.ts';
import type { PartResult } from './parts.ts';
import { RELAY } from './relay-alone.ts';
import { type BenchResults, cpuPerThousand, type StepResult, saturated, stepResult, stepsOf } from './results.ts';
import { WORKLOADS } from './seed.ts';
import { longStep, rateStep, streamStep } from './steps.ts';

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

const RELAY_ROLES = ['process', 'redis'];
const LONG_REQUESTS_PER_SECOND = 1_000_000 / WORKLOADS.long.streamMs;

function relayRow(step: string, result: StepResult): string[] {
  const { load } = result;
  const pair = (a: number, b: number) => `${formatFigure(a)} / ${formatFigure(b)}`;
  return [
    step,
    pair(load.firstChunk.p50, load.firstChunk.p99),
    pair(load.oneWay.p50, load.oneWay.p99),
    pair(load.gapJitter.p50, load.gapJitter.p99),
    formatFigure(load.chunksPerSecond),
    formatFigure(usPerChunk(result, RELAY_ROLES)),
  ];
}

/**
 * What the relay alone says about the goals of streams, and what it says together with the writes and the queue of the requests
 * that the streams belong to.
 */
function relayLines(results: BenchResults, peer: string | undefined): string[] {
  const { relay = [], parts = [] } = results.alone ?? {};
  const withoutFront = parts.filter(({ part }) => part !== 'front');
  const alone = (step: string) => stepResult({ measurements: relay }, step, RELAY);
  const others = (step: string) => (peer === undefined ? undefined : stepResult(results, step, peer));
  const direct = (step: string) => stepResult(results, step, 'direct');
  const lines: string[] = [];
  const few = streamStep(50);
  const [ours, theirs, none] = [alone(few), others(few), direct(few)];
  if (ours && theirs && none) {
    const [own, peers] = [ours, theirs].map(({ load }) => formatFigure(load.oneWay.p50 - none.load.oneWay.p50));
    lines.push(
      `With 50 streams it adds ${own} ms to a chunk (p50), the peer ${peers}; jitter p99 ${formatFigure(ours.load.gapJitter.p99)} ms, the peer's ${formatFigure(theirs.load.gapJitter.p99)}.`,
    );
  }
  const many = streamStep(500);
  const [most, peersMost] = [alone(many), others(many)];
  if (most && peersMost) {
    const share = (ownCpu(withoutFront, CALLERS_STEP) * 1_000) / WORKLOADS.stream.chunks;
    const chunkUs = usPerChunk(most, RELAY_ROLES);
    lines.push(
      `With 500 streams a chunk takes ${formatFigure(chunkUs)} us in it, and the writes and the queue of its request ${formatFigure(share)} us more: no more than ${formatFigure(1e6 / (chunkUs + share))} chunks/s on one core, of which the peer brings ${formatFigure(peersMost.load.chunksPerSecond)} (${formatFigure(1e6 / (chunkUs + share) / peersMost.load.chunksPerSecond)}x).`,
    );
  }
  const long = alone(longStep(1_000));
  if (long) {
    const cores = (usPerChunk(long, RELAY_ROLES) * long.load.chunksPerSecond) / 1e6;
    const requests = (ownCpu(withoutFront, rateStep(200)) * LONG_REQUESTS_PER_SECOND) / 1_000;
    lines.push(
      `Of 1000 long streams it brings ${formatFigure((long.load.chunksPerSecond / 20_000) * 100)} % of the chunks on schedule with ${formatFigure(cores)} of the core; the writes and the queue of their ${LONG_REQUESTS_PER_SECOND} requests a second take ${formatFigure(requests)} more.`,
    );
  }
  return lines;
}

function relaySection(results: BenchResults, peer: string | undefined): string[] {
  const { relay = [] } = results.alone ?? {};
  if (relay.length === 0) return [];
  const rows = stepsOf({ measurements: relay }, '').flatMap((step) => {
    const result = stepResult({ measurements: relay }, step, RELAY);
    return result ? [relayRow(step, result)] : [];
  });
  const head = ['load', 'first token p50 / p99', 'one-way p50 / p99', 'jitter p50 / p99', 'chunks/s', 'CPU us/chunk'];
  return [
    `### Relay alone\n\nThe chunks of streams from the provider to the client by the product's own code, over Redis with the sealed log for readers that come back, both halves in one process on the product's core: no key, no money, no queue, no database.\n\n${markdownTable(head, rows)}\n\n${relayLines(results, peer).join(' ')}`,
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
  const { deliveredPerSecond, delivered, lost } = webhooks;
  return [
    `### Webhooks\n\n${formatFigure(deliveredPerSecond)} asynchronous requests per second from acceptance to the signed event at a receiver (32 clients, ${delivered} events, ${lost} lost).`,
  ];
}

function booksSection({ books }: BenchResults): string[] {
  if (!books) return [];
  const { accounts, rows, newRowsPerSecond, oldRowsPerSecond, accountsPerSecond } = books;
  const [fresh = '', old = '', same = ''] = [newRowsPerSecond, oldRowsPerSecond, accountsPerSecond].map(formatFigure);
  return [
    `### Reconciliation\n\nOne process over ${accounts} accounts with ${rows} ledger rows: ${fresh} new rows/s followed, ${old} old rows/s read again, ${same} unchanged accounts/s. All in order, no alert.`,
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
    ...relaySection(results, peer),
    ...webhookSection(results),
    ...booksSection(results),
    ...startUpSection(results),
  ];
}
