import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { createLogger } from '../../src/log.ts';
import { type EndOfAnswer, encodeFrames, type Frame } from '../../src/stream/events.ts';
import type { OnFrames } from '../../src/stream/log-reader.ts';
import { createRelay, type Relay, type SubscribeOptions } from '../../src/stream/subscribe.ts';
import { DONE_END, dataFrame, endFrame, FAILED_END, requestId, wholeAnswer } from './frames.ts';

/** The order of one follower's events, with both sources in the hand of the test: what comes live, and what the log says. */
type Tail = { id: string; onFrames: OnFrames; stopped: boolean };

const log = createLogger({ role: 'test', level: 'silent' });
let wire: EventEmitter & { subscribe: () => Promise<number>; disconnect: () => void };
let tails: Tail[];
let relay: Relay;

beforeEach(async () => {
  wire = Object.assign(new EventEmitter(), { subscribe: async () => 1, disconnect: () => undefined });
  tails = [];
  relay = await createRelay({
    subscriber: wire as unknown as Redis,
    logReader: {
      tail: (id, _open, onFrames) => {
        const tail: Tail = { id, onFrames, stopped: false };
        tails.push(tail);
        return () => {
          tail.stopped = true;
        };
      },
      read: async () => [],
      close: async () => undefined,
    },
    prefix: 'test',
    instanceId: 'api_test',
    log,
  });
});

const live = (...frames: Frame[]) => wire.emit('messageBuffer', Buffer.from(relay.channel), encodeFrames(frames));
const logged = (...frames: Frame[]) => {
  for (const tail of tails) if (!tail.stopped) void tail.onFrames(frames);
};

type Heard = { seqs: number[]; texts: string[]; ends: EndOfAnswer[]; afterEnd: number };

function listen(id: string, options: Partial<SubscribeOptions> = {}) {
  const heard: Heard = { seqs: [], texts: [], ends: [], afterEnd: 0 };
  const subscription = relay.subscribe(
    { requestId: id, afterSeq: 0, catchUp: false, open: (bytes) => Buffer.from(bytes), ...options },
    {
      onEvent: (seq, payload) => {
        if (heard.ends.length > 0) heard.afterEnd++;
        heard.seqs.push(seq);
        heard.texts.push(payload.toString());
      },
      onEnd: (end) => heard.ends.push(end),
      room: () => undefined,
      onGap: () => undefined,
    },
  );
  return { heard, subscription };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('a follower', () => {
  test('hears each event once and in order, then the end once, whatever comes twice', () => {
    const id = requestId();
    const { heard } = listen(id);
    const frames = wholeAnswer(id, 5);
    for (const frame of frames) live(frame, frame);
    live(...frames);
    expect(heard).toEqual({ seqs: upTo(5), texts: upTo(5).map((n) => `event ${n}`), ends: [DONE_END], afterEnd: 0 });
  });

  test('fills a gap from the log before it goes on', () => {
    const id = requestId();
    const { heard } = listen(id);
    const frames = wholeAnswer(id, 6);
    live(dataFrame(id, 1), dataFrame(id, 4));
    expect(heard.seqs).toEqual([1]);
    expect(tails).toHaveLength(1);
    live(dataFrame(id, 5));
    logged(...frames.slice(0, 3));
    expect(heard.seqs).toEqual([1, 2, 3]);
    logged(...frames);
    expect(heard).toMatchObject({ seqs: upTo(6), ends: [DONE_END] });
    expect(tails).toEqual([expect.objectContaining({ stopped: true })]);
  });

  test('does not take an end for an end while events before it are missing', () => {
    const id = requestId();
    const { heard } = listen(id);
    live(dataFrame(id, 1), endFrame(id, 4));
    expect(heard.ends).toEqual([]);
    logged(...wholeAnswer(id, 3));
    expect(heard).toMatchObject({ seqs: [1, 2, 3], ends: [DONE_END] });
  });

  test('of a plain answer whose body was lost asks for it elsewhere, instead of ending empty', () => {
    const id = requestId();
    const heard: unknown[] = [];
    relay.subscribe(
      { requestId: id, afterSeq: 0, catchUp: false },
      {
        onEvent: (seq) => heard.push(seq),
        onEnd: (end) => heard.push(end),
        room: () => undefined,
        onGap: () => heard.push('gap'),
      },
    );
    live(endFrame(id, 2));
    expect(heard).toEqual(['gap']);
    live(dataFrame(id, 1), endFrame(id, 2));
    expect(heard).toEqual(['gap', 1, DONE_END]);
  });

  test('starts behind what it has seen and hears none of it again', () => {
    const id = requestId();
    const { heard } = listen(id, { afterSeq: 3, catchUp: true });
    expect(tails).toHaveLength(1);
    logged(...wholeAnswer(id, 5));
    expect(heard).toMatchObject({ seqs: [4, 5], ends: [DONE_END] });
  });

  test('that comes back to an answer of a second attempt hears what comes next, and none of it again', () => {
    const id = requestId();
    const said = upTo(5).map((seq) => dataFrame(id, seq, `event ${seq}`, 2));
    const [begun, has] = [listen(id, { afterSeq: 3, catchUp: true }), listen(id, { afterSeq: 5, catchUp: true })];
    logged(...said, endFrame(id, 6, DONE_END, 2));
    expect(begun.heard).toEqual({ seqs: [4, 5], texts: ['event 4', 'event 5'], ends: [DONE_END], afterEnd: 0 });
    expect(has.heard).toEqual({ seqs: [], texts: [], ends: [DONE_END], afterEnd: 0 });
  });

  test('never hears another request, not even in the same message', () => {
    const [mine, other] = [requestId(), requestId()];
    const { heard } = listen(mine);
    live(dataFrame(other, 1, 'secret'), dataFrame(mine, 1), endFrame(other, 2), endFrame(mine, 2));
    expect(heard).toEqual({ seqs: [1], texts: ['event 1'], ends: [DONE_END], afterEnd: 0 });
  });

  test('that has gone hears nothing and leaves nothing behind', () => {
    const id = requestId();
    const { heard, subscription } = listen(id, { catchUp: true });
    live(dataFrame(id, 1));
    subscription.close();
    subscription.close();
    live(dataFrame(id, 2), endFrame(id, 3));
    expect(heard).toMatchObject({ seqs: [1], ends: [] });
    expect(tails.every((tail) => tail.stopped)).toBe(true);
  });

  test('that goes in the middle of a batch hears no more of that batch', () => {
    const id = requestId();
    const seqs: number[] = [];
    const subscription = relay.subscribe(
      { requestId: id, afterSeq: 0, catchUp: true, open: (bytes) => Buffer.from(bytes) },
      {
        onEvent: (seq) => {
          seqs.push(seq);
          if (seq === 2) subscription.close();
        },
        onEnd: () => seqs.push(-1),
        room: () => undefined,
        onGap: () => seqs.push(-2),
      },
    );
    logged(...wholeAnswer(id, 5));
    expect(seqs).toEqual([1, 2]);
  });

  test('survives a message that is not one', () => {
    const id = requestId();
    const { heard } = listen(id);
    wire.emit('messageBuffer', Buffer.from(relay.channel), Buffer.from('nonsense'));
    live(...wholeAnswer(id, 1));
    expect(heard.ends).toEqual([DONE_END]);
  });

  test('catches up when the live connection comes back, although it saw no gap', () => {
    const id = requestId();
    const { heard } = listen(id);
    live(dataFrame(id, 1));
    wire.emit('ready');
    expect(tails).toHaveLength(1);
    logged(...wholeAnswer(id, 2));
    expect(heard).toMatchObject({ seqs: [1, 2], ends: [DONE_END] });
  });
});

describe('after a worker was given up', () => {
  test('what it still writes is dropped from the number on at which its successor took over', () => {
    const id = requestId();
    const { heard } = listen(id);
    live(dataFrame(id, 1), dataFrame(id, 2));
    live(dataFrame(id, 3, 'failure', 2), dataFrame(id, 3, 'zombie'), dataFrame(id, 4, 'zombie'));
    live(endFrame(id, 4, FAILED_END, 2), endFrame(id, 5));
    expect(heard).toMatchObject({ texts: ['event 1', 'event 2', 'failure'], ends: [FAILED_END] });
  });

  test('the failure is told even to a follower that has heard the zombie speak', () => {
    const id = requestId();
    const { heard } = listen(id);
    live(dataFrame(id, 1), dataFrame(id, 2, 'zombie'), dataFrame(id, 3, 'zombie'));
    live(dataFrame(id, 2, 'failure', 2), endFrame(id, 3, FAILED_END, 2), dataFrame(id, 4, 'zombie'));
    logged(dataFrame(id, 2, 'failure', 2), endFrame(id, 3, FAILED_END, 2));
    expect(heard.texts.at(-1)).toBe('failure');
    expect(heard.texts.filter((text) => text === 'failure')).toHaveLength(1);
    expect(heard.seqs).toEqual([...new Set(heard.seqs)].sort((a, b) => a - b));
    expect(heard).toMatchObject({ ends: [FAILED_END], afterEnd: 0 });
  });
});

test('the end of a third attempt does not pass for that of the second, whose failure was heard of', () => {
  const id = requestId();
  const { heard } = listen(id);
  live(dataFrame(id, 1), dataFrame(id, 2, 'zombie'), dataFrame(id, 2, 'second', 2), endFrame(id, 3, FAILED_END, 3));
  expect(heard.ends).toEqual([]);
  logged(dataFrame(id, 2, 'third', 3), endFrame(id, 3, FAILED_END, 3));
  expect(heard).toMatchObject({ texts: ['event 1', 'zombie', 'third'], ends: [FAILED_END] });
});

describe('any loss, repetition and interleaving of the two sources', () => {
  test('gives the whole answer in order, once', () => {
    const steps = fc.array(fc.constantFrom('live', 'live', 'lose', 'twice', 'log', 'reconnect'), { maxLength: 60 });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 12 }),
        fc.nat(12),
        fc.constantFrom(1, 2),
        fc.boolean(),
        steps,
        (...given) => {
          const [events, after, attempt, catchUp, script] = given;
          // A second attempt is not heard of by its end alone.
          const count = attempt === 1 ? events : Math.max(1, events);
          const id = requestId();
          const afterSeq = Math.min(after, count);
          const frames = wholeAnswer(id, count, attempt);
          const { heard } = listen(id, { afterSeq, catchUp: catchUp || afterSeq > 0 });
          const [nextLive, nextLog] = [frames.values(), frames.values()];
          const take = (from: Iterator<Frame>, deliver: (frame: Frame) => void) => {
            const next = from.next();
            if (!next.done) deliver(next.value);
          };
          for (const step of script) {
            if (step === 'live') take(nextLive, (frame) => live(frame));
            else if (step === 'twice') take(nextLive, (frame) => live(frame, frame));
            else if (step === 'lose') take(nextLive, () => undefined);
            else if (step === 'reconnect') wire.emit('ready');
            else if (tails.length > 0) take(nextLog, (frame) => logged(frame));
          }
          // What is not lost arrives in the end, and the log has everything.
          wire.emit('ready');
          for (const frame of frames) logged(frame);
          expect(heard.seqs).toEqual(upTo(count).slice(afterSeq));
          expect(heard).toMatchObject({ ends: [DONE_END], afterEnd: 0 });
          expect(tails.every((tail) => tail.stopped)).toBe(true);
          tails.length = 0;
        },
      ),
    );
  });

  test('tells the failure of a lost worker last and once, whatever that worker still says', () => {
    const words = fc.array(fc.constantFrom('zombie', 'failure', 'end', 'lose', 'reconnect'), { maxLength: 30 });
    fc.assert(
      fc.property(fc.nat(6), words, (count, script) => {
        const id = requestId();
        const { heard } = listen(id);
        const said = wholeAnswer(id, count).slice(0, -1);
        let zombieSeq = count;
        const successor = [dataFrame(id, count + 1, 'failure', 2), endFrame(id, count + 2, FAILED_END, 2)];
        const order: Frame[] = [...said];
        const say = (frame: Frame, lost: boolean) => {
          order.push(frame);
          if (!lost) live(frame);
          logged(frame);
        };
        live(...said);
        let lost = false;
        for (const word of script) {
          if (word === 'lose') lost = true;
          else if (word === 'reconnect') {
            lost = false;
            const before = tails.length;
            wire.emit('ready');
            if (tails.length > before) logged(...order);
          } else if (word === 'zombie') say(dataFrame(id, ++zombieSeq, 'zombie'), lost);
          else
            for (const frame of successor.filter(({ type }) => (type === 'end') === (word === 'end'))) say(frame, lost);
        }
        for (const frame of successor) say(frame, false);
        logged(...order);
        expect(heard.texts.slice(0, count)).toEqual(said.map(({ payload }) => payload.toString()));
        expect(heard.texts.filter((text) => text === 'failure')).toHaveLength(1);
        expect(heard.texts.at(-1)).toBe('failure');
        expect(heard.seqs).toEqual(upTo(heard.seqs.length));
        expect(heard).toMatchObject({ ends: [FAILED_END], afterEnd: 0 });
        tails.length = 0;
      }),
    );
  });
});
