import { createHash } from 'node:crypto';
import type { RawRow } from '../models/raw-rows.ts';

/**
 * Pages that this process has found right, each by a digest of all that was looked at. A check gives the same for the same
 * bytes, so a page that comes as it was is not looked at again. In memory only: what stands beside the rows could be
 * changed together with them.
 */
export type KnownPages = {
  /** Whether the page that begins there was right when it had this digest. */
  isRight(start: string, digest: string): boolean;
  /** That it is: a check that looked at nothing else found nothing, and will find nothing. */
  keepAsRight(start: string, digest: string): void;
};

/** Twenty million rows in a few megabytes, more than a pass comes by; beyond that the oldest are checked in full again. */
const PAGES_MAX = 20_000;

export function createKnownPages(): KnownPages {
  const digests = new Map<string, string>();
  return {
    isRight: (start, digest) => digests.get(start) === digest,
    keepAsRight: (start, digest) => {
      digests.delete(start);
      digests.set(start, digest);
      const [oldest] = digests.size > PAGES_MAX ? digests.keys() : [];
      if (oldest !== undefined) digests.delete(oldest);
    },
  };
}

/** One text for all of these bytes in this order; rows tell their own length, so they cannot run into one another. */
export function digestOf(rows: Iterable<RawRow>): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(row);
  return hash.digest('base64');
}
