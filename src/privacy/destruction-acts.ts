import { createHash } from 'node:crypto';
import { type Collection, MongoServerError, type OptionalUnlessRequiredId } from 'mongodb';
import { crashPoint } from '../crash-point.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { nativeCollection } from '../models/connect.ts';
import {
  DestructionAct,
  type DestructionActDocument,
  DestructionEvent,
  type DestructionEventDocument,
} from '../models/destruction.ts';
import type { ClassId } from '../models/retention-class.ts';
import type { DeletionJournal } from './deletion-journal.ts';
import { distinctCount } from './distinct-count.ts';
import { rowClass } from './row-classes.ts';

/** Confirming that personal data was destroyed: events as it happens, and one act for each cause. */

export type Batch = { causeId: string; classId: ClassId; accountIds: readonly string[] };

const NUMBER_TRIES_MAX = 20;
const LISTED_MAX = 100;
/** An event names up to 500 subjects, and what is read of them at a time is in memory. */
const EVENTS_PER_READ = 20;
const DUPLICATE_KEY = 11_000;
const METHOD =
  'физическое удаление записей из базы данных без возможности восстановления; в резервных копиях — уничтожение ключа шифрования';

const events = () => nativeCollection<DestructionEventDocument>(DestructionEvent);
const acts = () => nativeCollection<DestructionActDocument>(DestructionAct);

/**
 * Runs `destroy` between an event that announces it and its confirmation; gives what `destroy` gives. An event that an act
 * has counted does not change any more, however late its process comes back.
 */
export async function recorded(
  { causeId, classId, accountIds }: Batch,
  destroy: () => Promise<number>,
): Promise<number> {
  const rows = new Map<string, number>();
  for (const accountId of accountIds) rows.set(accountId, (rows.get(accountId) ?? 0) + 1);
  const event: DestructionEventDocument = {
    _id: newId('des'),
    causeId,
    classId,
    at: new Date(),
    subjects: [...rows].map(([accountId, count]) => ({ accountId, rows: count })),
    count: 0,
    isConfirmed: false,
  };
  await events().insertOne(event);
  crashPoint('erase.after_announce');
  const count = await destroy();
  crashPoint('erase.before_confirm');
  const open = { _id: event._id, isAbandoned: { $exists: false } };
  if (count === 0) await events().deleteOne(open);
  else await events().updateOne(open, { $set: { count, isConfirmed: true } });
  return count;
}

/** How many rows of a class were destroyed for a cause, by whichever process. */
export async function countDestroyed(causeId: string, classId: ClassId): Promise<number> {
  const found = await events()
    .find({ causeId, classId }, { projection: { count: 1 } })
    .toArray();
  return found.reduce((sum, { count }) => sum + count, 0);
}

type Summary = Pick<DestructionActDocument, 'categories' | 'subjects' | 'events' | 'unconfirmed' | 'extractHash'> & {
  accountId?: string;
};

async function summarize(causeId: string): Promise<Summary> {
  const hash = createHash('sha256');
  const counts = new Map<ClassId, number>();
  const subjects = distinctCount();
  let first: string | undefined;
  let [seen, unconfirmed] = [0, 0];
  for await (const met of eventsOf(causeId)) {
    const event = met.isConfirmed ? met : await abandon(met);
    if (!event) continue;
    seen++;
    if (!event.isConfirmed) unconfirmed++;
    hash.update(extractLine(event));
    counts.set(event.classId, (counts.get(event.classId) ?? 0) + event.count);
    for (const { accountId } of event.subjects) subjects.add(accountId);
    first ??= event.subjects[0]?.accountId;
  }
  const count = subjects.count();
  return {
    categories: [...counts].map(([classId, count]) => ({ classId, category: rowClass(classId).category.ru, count })),
    subjects: count,
    ...(first !== undefined && count === 1 ? { accountId: first } : {}),
    events: seen,
    unconfirmed,
    extractHash: hash.digest('hex'),
  };
}

/** An event without a confirmation as the act tells of it; null when it ended meanwhile without having destroyed anything. */
async function abandon({ _id }: DestructionEventDocument): Promise<DestructionEventDocument | null> {
  await events().updateOne({ _id, isConfirmed: false }, { $set: { isAbandoned: true } });
  return events().findOne({ _id });
}

/**
 * The act about everything destroyed for one cause; drawn once, however often it is asked for. Undefined when nothing was.
 * @param reason the norm.
 * @param journal where the act and its events outlive a restore.
 */
export async function drawAct(
  causeId: string,
  reason: string,
  journal: Pick<DeletionJournal, 'append'>,
): Promise<DestructionActDocument | undefined> {
  const act = (await acts().findOne({ causeId })) ?? (await drawNew(causeId, reason));
  if (!act) return undefined;
  crashPoint('erase.after_number');
  await journal.append({ kind: 'act', causeId, at: act.destroyedAt, act }, eventsOf(causeId, act.events));
  return act;
}

async function drawNew(causeId: string, reason: string): Promise<DestructionActDocument | undefined> {
  const summary = await summarize(causeId);
  return summary.events === 0 ? undefined : numbered(causeId, reason, summary);
}

async function numbered(causeId: string, reason: string, summary: Summary): Promise<DestructionActDocument> {
  for (let attempt = 0; attempt < NUMBER_TRIES_MAX; attempt++) {
    const drawn = await acts().findOne({ causeId });
    if (drawn) return drawn;
    const last = await acts().findOne({}, { sort: { _id: -1 } });
    const act = {
      _id: (last?._id ?? 0) + 1,
      causeId,
      reason,
      method: METHOD,
      systems: ['Ocelotiq'],
      destroyedAt: new Date(),
      ...summary,
      previousHash: last?.hash ?? '',
    };
    try {
      const document = { ...act, hash: hashOf(act) };
      await acts().insertOne(document);
      return document;
    } catch (error) {
      // Another act has taken the number, or this one was drawn by somebody else.
      if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
    }
  }
  throw new Error('no number could be had for an act of destruction');
}

/** Puts an act that a restore has lost back into its place, with its events. */
export async function putBackAct(
  act: DestructionActDocument,
  lost: AsyncIterable<DestructionEventDocument>,
): Promise<void> {
  for await (const event of lost) await insertMissing(events(), event);
  await insertMissing(acts(), act);
}

async function insertMissing<T extends { _id: string | number }>(rows: Collection<T>, row: T): Promise<void> {
  await rows.insertOne(row as OptionalUnlessRequiredId<T>).catch((error: unknown) => {
    if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
  });
}

/** @throws `not_found`. */
export async function findAct(actNumber: number): Promise<DestructionActDocument> {
  const act = await acts().findOne({ _id: actNumber });
  if (!act) throw new AppError('not_found', { message: 'There is no such act.' });
  return act;
}

/** The last acts, newest first; at most 100. */
export function listActs(): Promise<DestructionActDocument[]> {
  return acts().find().sort({ _id: -1 }).limit(LISTED_MAX).toArray();
}

/** The events of a cause in order. @param max only the first of them. */
export function eventsOf(causeId: string, max = 0): AsyncIterable<DestructionEventDocument> {
  return events().find({ causeId }).sort({ _id: 1 }).limit(max).batchSize(EVENTS_PER_READ);
}

/** One line of the extract as a file: the act's `extractHash` is the SHA-256 of all lines. */
export function extractLine(event: DestructionEventDocument): string {
  return `${canonical(event)}\n`;
}

/** Numbers of acts that are not what they were, or stand after a missing one. Acts past their term may be gone at the front. */
export async function brokenActs(): Promise<number[]> {
  const broken: number[] = [];
  let previous: DestructionActDocument | undefined;
  for await (const act of acts().find().sort({ _id: 1 })) {
    const { hash, ...rest } = act;
    const follows = !previous || (act._id === previous._id + 1 && act.previousHash === previous.hash);
    if (!follows || hash !== hashOf(rest)) broken.push(act._id);
    previous = act;
  }
  return broken;
}

function hashOf(act: object): string {
  return createHash('sha256').update(canonical(act)).digest('hex');
}

/** JSON with members in the order of their names, so that equal values have equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
