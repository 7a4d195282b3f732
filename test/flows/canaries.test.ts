import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { expectNoOpenStreams, type MeasuredApi, PATIENT_TIMERS, startMeasuredApi } from '../helpers/measured.ts';
import { seeded } from '../helpers/seeded.ts';
import { closingError, isDone, openSse, type SseClient, spokenText, streamBody } from '../helpers/sse-client.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';

const CLIENTS = 200;
const CUSTOMERS = 25;
const WORDS = 20;
const TRIES_MAX = 5;
const SEED = Number(process.env.CANARY_SEED ?? 20_260_101);

const stores = useStores();
let system: System;
let apis: MeasuredApi[];
let customers: Customer[];
beforeAll(async () => {
  system = await startSystem(stores, {
    apis: 0,
    workers: 2,
    env: PATIENT_TIMERS,
  });
  apis = await Promise.all([startMeasuredApi(system), startMeasuredApi(system)]);
  customers = await Promise.all(Array.from({ length: CUSTOMERS }, () => system.customer()));
});
afterAll(() => system.stop());

type Story = 'stays' | 'leaves' | 'resumes' | 'doubles';
type Play = { story: Story; secret: string; text: string; customer: Customer; home: number; leaveAfter: number };
type Heard = { play: Play; requestId: string; answers: SseClient[]; whole: string };

/** What each client will do, decided before anything runs, so that a seed is a whole play. */
function plays(): Play[] {
  const random = seeded(SEED);
  return Array.from({ length: CLIENTS }, (_, n): Play => {
    const secret = `c${String(n).padStart(3, '0')}${random.hex(8)}`;
    const customer = customers[n % CUSTOMERS];
    if (!customer) throw new Error('no customer');
    const story = random.chance(0.35)
      ? 'stays'
      : random.chance(0.3)
        ? 'leaves'
        : random.chance(0.6)
          ? 'resumes'
          : 'doubles';
    return {
      story,
      secret,
      text: Array.from({ length: WORDS }, () => secret).join(' '),
      customer,
      home: random.integer(0, 1),
      leaveAfter: random.integer(1, WORDS + 10),
    };
  });
}

/** Who leaves for good asks for a slow answer, so that it is still running when the grace is over. */
const opening = ({ story, text, customer }: Play, api: number, headers: Record<string, string>) => {
  const body = streamBody(`[[sandbox d=${story === 'leaves' ? 40 : 5}]]${text}`);
  return openSse({ url: apis[api]?.url ?? '', key: customer.key, body, headers });
};

const continuing = ({ customer }: Play, requestId: string, after: number, api: number) =>
  openSse({
    url: apis[api]?.url ?? '',
    key: customer.key,
    path: `/v1/requests/${requestId}/stream`,
    headers: { 'last-event-id': String(after) },
  });

/** As an SDK does it: a 503 is tried again when it says (under the same Idempotency-Key where it is a new request). */
async function opened(open: () => SseClient): Promise<SseClient> {
  for (let tries = 1; ; tries++) {
    const client = open();
    if ((await client.status) !== 503 || tries === TRIES_MAX) return client;
    await delay(Number(client.header('retry-after') ?? 1) * 1_000);
  }
}

async function perform(play: Play): Promise<Heard> {
  const headers: Record<string, string> = { 'idempotency-key': play.secret };
  if (play.story === 'resumes') headers['x-on-disconnect'] = 'finish';
  const answers = [opened(() => opening(play, play.home, headers))];
  if (play.story === 'doubles') answers.push(opened(() => opening(play, 1 - play.home, headers)));
  const [first, second] = await Promise.all(answers);
  if (!first) throw new Error('no answer');
  if (second) {
    await Promise.all([first.closed, second.closed]);
    expect(second.header('x-request-id')).toBe(first.header('x-request-id'));
    expect(second.bytes()).toBe(first.bytes());
    return { play, requestId: first.header('x-request-id') ?? '', answers: [first, second], whole: first.bytes() };
  }
  if (play.story === 'stays') await first.closed;
  else await first.until(play.leaveAfter);
  const requestId = first.header('x-request-id') ?? '';
  if (play.story === 'stays') return { play, requestId, answers: [first], whole: first.bytes() };
  first.abort();
  const seen = first.events();
  if (play.story === 'leaves') return { play, requestId, answers: [first], whole: '' };
  const rest = await opened(() => continuing(play, requestId, seen.length, 1 - play.home));
  expect(await rest.closed).toBe('ended');
  const complete = first
    .bytes()
    .split('\n\n')
    .slice(0, seen.length)
    .map((block) => `${block}\n\n`)
    .join('');
  return { play, requestId, answers: [first, rest], whole: complete + rest.bytes() };
}

function expectOwnTextOnly({ play, answers }: Heard): void {
  for (const answer of answers) {
    const secrets = answer.text().match(/c\d{3}[0-9a-f]{8}/g) ?? [];
    expect([...new Set(secrets)].filter((secret) => secret !== play.secret)).toEqual([]);
  }
}

test(`${CLIENTS} clients hear their own text and not a byte of another's, whatever the others do (seed ${SEED})`, async () => {
  const heard = await Promise.all(plays().map(perform));
  for (const one of heard) expectOwnTextOnly(one);

  for (const { play, answers, whole } of heard.filter(({ play: { story } }) => story !== 'leaves')) {
    const events = answers.length === 1 || play.story === 'doubles' ? answers.slice(0, 1) : answers;
    const said = events.flatMap((answer) => answer.events());
    const [how, statuses] = [await answers.at(-1)?.closed, await Promise.all(answers.map(({ status }) => status))];
    const unfinished = { story: play.story, statuses, how, last: said.at(-1)?.data };
    expect(isDone(said) ? [] : [unfinished]).toEqual([]);
    expect(said.map(({ id }) => id)).toEqual(Array.from({ length: said.length }, (_, i) => i + 1));
    expect(spokenText(said)).toBe(play.text);
    expect(whole).toMatch(/data: \[DONE\]\n\n$/);
  }

  await waitForQuiet(90_000);
  for (const { play, requestId, answers, whole } of heard) {
    const kept = await opened(() => continuing(play, requestId, 0, 1 - play.home));
    expect(await kept.closed).toBe('ended');
    expectOwnTextOnly({ play, requestId, answers: [kept], whole: '' });
    if (play.story === 'leaves') {
      const delivered = answers[0]?.bytes() ?? '';
      const complete = delivered.slice(0, delivered.lastIndexOf('\n\n') + 2);
      expect(kept.bytes().slice(0, complete.length)).toBe(complete);
      expect(isDone(kept.events()) || closingError(kept.events())?.code === 'cancelled').toBe(true);
      expect(play.text.startsWith(spokenText(kept.events()))).toBe(true);
    } else expect(kept.bytes()).toBe(whole);
  }

  const states = await requests().distinct('state');
  expect(states.filter((state) => state !== 'aborted').sort()).toEqual(['cancelled', 'done']);
  expect(new Set(heard.map(({ requestId }) => requestId)).size).toBe(CLIENTS);
  await expectNoOpenStreams(apis);
  await expectInvariants(system.sandboxUrl);
}, 240_000);
