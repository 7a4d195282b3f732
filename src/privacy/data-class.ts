import type { Document } from 'mongodb';
import type { ClassId } from '../models/retention-class.ts';

/** What is written down about one class of personal data, and what can be derived from it. */

/** How long a class is kept. `years` are counted from the end of the calendar year, as accounting law does. */
export type Retention = {
  unit: 'days' | 'years';
  default: number;
  min: number;
  max: number;
  /** What the term is counted from. */
  from: string;
  /** Why not shorter, and why not longer. */
  reason: string;
};

/** How rows cease to hold the data: they go as a whole, or an update takes it out of them. */
export type Removal = {
  /** Matches the rows that still hold it. */
  holds: Document;
  update: 'delete' | Document | Document[];
};

/** What happens to a subject's rows when the subject is erased. */
export type Erasure =
  | ({ action: 'destroy' } & Removal)
  /** The rest of the row stays, under a norm, and no longer leads to a person by itself. */
  | ({ action: 'pseudonymise'; norm: string; until: string } & Removal)
  | { action: 'keep'; norm: string; until: string }
  /** The key store's own step: after it nothing sealed can be opened. */
  | { action: 'destroy_key' };

/** Of identifiers that rows are purged by. */
export type PurgedPrefix = 'req' | 'evt' | 'rol' | 'sus';

/** How rows whose term is over are found and removed. */
export type Purge = Removal & {
  /** Rows are met in the order of this field, which an index has: an identifier sorts by time. */
  by:
    | { field: '_id'; prefix: PurgedPrefix }
    | { field: 'revokedAt' | 'releasedAt' | 'closedAt' | 'at' | 'destroyedAt' | 'withdrawnAt' | 'endsAt' };
  /** Live and unsettled rows do not match this, whatever their age. */
  guard: Document;
  /** The row itself tells of a destruction, so that its own end needs no further act. */
  isEvidence?: true;
  /** Rows that others still need although they match: their ids. */
  spares?: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
};

/** Ciphertext under the account's data key. */
export type SealedField = { field: string; isList?: true; context: (rowId: string) => string };

export type MongoStore = {
  kind: 'mongodb';
  collection: string;
  /** Path that names the account: how a subject's rows are found. */
  owner: string;
  /** Top-level fields of this class; `*` is the whole row, where a collection has one class only. */
  fields: readonly string[] | '*';
  sealed?: readonly SealedField[];
};

/** Data that leaves by itself within `secondsMax`; an erasure waits no longer for it. */
export type RedisStore = { kind: 'redis'; families: readonly string[]; secondsMax: number };
export type QueueStore = { kind: 'queue'; payload: readonly string[] };
export type LogStore = { kind: 'log'; members: readonly string[] };
export type Store = MongoStore | RedisStore | QueueStore | LogStore;

export type DataClass<S extends Store = Store> = {
  id: ClassId;
  /** As the policy and an act of destruction name it. */
  category: { en: string; ru: string };
  purpose: string;
  legalBasis: string;
  retention: Retention;
  /**
   * What an access export leaves out: secrets by which somebody could act as the subject, and rows that tell of others;
   * `*` is all of it.
   */
  withheld?: '*' | readonly string[];
  store: S;
} & (S extends MongoStore ? { erasure: Erasure; purge?: Purge } : unknown);
