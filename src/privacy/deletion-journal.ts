import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { BSON } from 'mongodb';
import type { DestructionActDocument, DestructionEventDocument } from '../models/destruction.ts';
import type { ClassId } from '../models/retention-class.ts';

/**
 * What was deleted, written down outside of the database and before it is deleted: a restore brings the database back to
 * where it was, and the journal tells what has to go again. One small file an entry, so that any number of processes may
 * write into one folder; writing an entry again changes nothing. It names accounts and holds nothing else about anybody.
 */
export type JournalEntry = { at: Date; causeId: string } & (
  | { kind: 'erasure'; accountId: string }
  /** Rows of the class from before a moment, except those of accounts that were held. */
  | { kind: 'purge'; classId: ClassId; before: Date; held: string[] }
  /** Evidence is kept for three years, whatever the database goes back to. The events follow, one a line. */
  | { kind: 'act'; act: DestructionActDocument }
);

export type DeletionJournal = {
  /** Resolves when it is on the disk; what it announces must not be begun before. */
  append(entry: JournalEntry, events?: AsyncIterable<DestructionEventDocument>): Promise<void>;
  /** In the order of time. */
  entries(): Promise<JournalEntry[]>;
  /** The events of an act. */
  eventsOf(causeId: string): AsyncIterable<DestructionEventDocument>;
  /** Deletes entries from before a moment: no backup is older. Gives how many. */
  dropBefore(before: Date): Promise<number>;
};

const SUFFIX = '.jsonl';
/** Entries, and drafts that a process left when it died. */
const OUR_NAME = /^(?:dsr|ret|rst)_\w+\.[\w.]+\.jsonl(?:\.[0-9a-f]{8})?$/;

/** Of an installation that takes no backups. */
export const NO_JOURNAL: DeletionJournal = {
  append: async () => undefined,
  entries: async () => [],
  eventsOf: async function* () {},
  dropBefore: async () => 0,
};

/** @param folder not on the disk of the database; made when it is not there. Nothing is journaled without one. */
export function createDeletionJournal(folder: string | undefined): DeletionJournal {
  if (folder === undefined) return NO_JOURNAL;
  const fileOf = (name: string) => path.join(folder, name);

  async function names(): Promise<string[]> {
    await mkdir(folder as string, { recursive: true, mode: 0o700 });
    return (await readdir(folder as string)).filter((name) => OUR_NAME.test(name));
  }

  return {
    append: async (entry, events) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const file = fileOf(nameOf(entry));
      // Several processes may write the same entry at once.
      const draft = `${file}.${randomBytes(4).toString('hex')}`;
      await writeLines(draft, entry, events);
      await rename(draft, file);
      await sync(folder);
    },
    entries: async () => {
      const found: JournalEntry[] = [];
      for (const name of await names()) if (name.endsWith(SUFFIX)) found.push(await readEntry(fileOf(name)));
      return found.sort((a, b) => a.at.getTime() - b.at.getTime());
    },
    eventsOf: (causeId) => readEvents(fileOf(`${causeId}.act${SUFFIX}`)),
    dropBefore: async (before) => {
      let dropped = 0;
      for (const file of (await names()).map(fileOf)) {
        if ((await stat(file)).mtime >= before) continue;
        await rm(file, { force: true });
        dropped++;
      }
      return dropped;
    },
  };
}

function nameOf(entry: JournalEntry): string {
  return `${entry.causeId}.${entry.kind === 'purge' ? entry.classId : entry.kind}${SUFFIX}`;
}

async function writeLines(
  file: string,
  entry: JournalEntry,
  events: AsyncIterable<DestructionEventDocument> | undefined,
): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(`${BSON.EJSON.stringify(entry)}\n`);
    for await (const event of events ?? []) await handle.writeFile(`${BSON.EJSON.stringify(event)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A new name is on the disk when its folder is. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* readLines(file: string): AsyncGenerator<object> {
  const handle = await open(file);
  try {
    for await (const line of handle.readLines()) yield BSON.EJSON.parse(line) as object;
  } catch (error) {
    throw new Error(`${file} is not an entry of the deletion journal`, { cause: error });
  } finally {
    await handle.close();
  }
}

async function readEntry(file: string): Promise<JournalEntry> {
  for await (const line of readLines(file)) return line as JournalEntry;
  throw new Error(`${file} is an empty entry of the deletion journal`);
}

async function* readEvents(file: string): AsyncGenerator<DestructionEventDocument> {
  let isEntry = true;
  for await (const line of readLines(file)) {
    if (!isEntry) yield line as DestructionEventDocument;
    isEntry = false;
  }
}
