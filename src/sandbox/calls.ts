import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** What became of the calls that carried one request id. A call that the sandbox cut itself is in neither sum. */
export type CallCounts = { count: number; aborted: number; completed: number };

export type CallTotals = {
  calls: number;
  uniqueRequests: number;
  maxCallsPerRequest: number;
  aborted: number;
  completed: number;
  running: number;
  byModel: Record<string, number>;
};

/** How a call ended: answered to the end, left by the client, or cut by a fault. */
export type CallEnd = 'completed' | 'aborted' | 'cut';

/** One running call. `count` is its number among the calls of the same request id, from 1. */
export type Call = { readonly count: number; end(how: CallEnd): void };

/** The last request received under one id, for tests of what a caller passes through. */
export type Received = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  bodyBytes: number;
  truncated: boolean;
};

export type Calls = {
  /** Counts one call that has arrived in full; without an id it counts in the totals only. */
  begin(requestId: string | undefined, model: string): Call;
  /** Keeps headers and body of a call; keys and cookies are redacted before they are stored. */
  keep(requestId: string, request: IncomingMessage, body: Buffer): void;
  countsOf(requestId: string): CallCounts;
  totals(): CallTotals;
  received(requestId: string): Received | undefined;
  /** Forgets everything; calls that run meanwhile no longer count. */
  reset(): void;
};

type Kept = Omit<Received, 'body'> & { bytes: Buffer };
type Sums = Omit<CallTotals, 'byModel'> & { byModel: Map<string, number> };

const idsMax = 200_000;
const modelsMax = 1000;
const keptMax = 1000;
const keptBytesMax = 65_536;
const secretHeaders = ['authorization', 'proxy-authorization', 'x-api-key', 'cookie'];

/** Makes the book of calls. Its memory is bounded: the oldest ids and bodies are dropped first. */
export function createCalls(): Calls {
  const counts = new Map<string, CallCounts>();
  const kept = new Map<string, Kept>();
  let totals = emptyTotals();

  function begin(requestId: string | undefined, model: string): Call {
    const ofTotals = totals;
    const ofRequest = requestId === undefined ? emptyCounts() : countsToChange(requestId);
    const count = ofRequest.count + 1;
    ofRequest.count = count;
    ofTotals.calls += 1;
    ofTotals.running += 1;
    ofTotals.maxCallsPerRequest = Math.max(ofTotals.maxCallsPerRequest, count);
    countModel(ofTotals.byModel, model);
    return {
      count,
      end: (how) => {
        ofTotals.running -= 1;
        if (how === 'cut') return;
        ofTotals[how] += 1;
        ofRequest[how] += 1;
      },
    };
  }

  function countsToChange(requestId: string): CallCounts {
    const known = counts.get(requestId);
    if (known !== undefined) return known;
    const created = emptyCounts();
    counts.set(requestId, created);
    totals.uniqueRequests += 1;
    dropOldest(counts, idsMax);
    return created;
  }

  function keep(requestId: string, request: IncomingMessage, body: Buffer): void {
    kept.delete(requestId);
    kept.set(requestId, {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: redacted(request.headers),
      // A copy, because a slice would keep the whole of a large body alive.
      bytes: body.length > keptBytesMax ? Buffer.from(body.subarray(0, keptBytesMax)) : body,
      bodyBytes: body.length,
      truncated: body.length > keptBytesMax,
    });
    dropOldest(kept, keptMax);
  }

  function received(requestId: string): Received | undefined {
    const found = kept.get(requestId);
    if (found === undefined) return undefined;
    const { bytes, ...rest } = found;
    return { ...rest, body: bytes.toString('utf8') };
  }

  function reset(): void {
    counts.clear();
    kept.clear();
    totals = emptyTotals();
  }

  return {
    begin,
    keep,
    countsOf: (requestId) => ({ ...(counts.get(requestId) ?? emptyCounts()) }),
    totals: () => ({ ...totals, byModel: Object.fromEntries(totals.byModel) }),
    received,
    reset,
  };
}

function emptyCounts(): CallCounts {
  return { count: 0, aborted: 0, completed: 0 };
}

function emptyTotals(): Sums {
  return {
    calls: 0,
    uniqueRequests: 0,
    maxCallsPerRequest: 0,
    aborted: 0,
    completed: 0,
    running: 0,
    byModel: new Map(),
  };
}

/** Counts a model by name; names beyond the bound share one entry. */
function countModel(byModel: Map<string, number>, model: string): void {
  const known = byModel.get(model);
  const name = known === undefined && byModel.size >= modelsMax ? '(others)' : model;
  byModel.set(name, (byModel.get(name) ?? 0) + 1);
}

function redacted(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const copy = { ...headers };
  for (const name of secretHeaders) if (copy[name] !== undefined) copy[name] = '[redacted]';
  return copy;
}

function dropOldest(map: Map<string, unknown>, sizeMax: number): void {
  if (map.size <= sizeMax) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
