import type { AccountWriter } from '../billing/account.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { ProviderAttempt, RequestDocument, RequestError } from '../models/request.ts';
import type { ContentCipher } from '../privacy/content-key.ts';
import type { Breaker } from '../providers/breaker.ts';
import type { Provider } from '../providers/provider.ts';
import type { LogReader } from '../stream/log-reader.ts';
import type { Publisher } from '../stream/publish.ts';
import type { Bill } from './bill.ts';
import type { Catalogue } from './catalogue.ts';
import type { RunningRequests } from './running.ts';
import type { RequestWriter } from './writer.ts';

/** What running a request needs and what it comes to; shared by the steps of a run. */

export type RunDependencies = {
  writer: RequestWriter;
  accounts: AccountWriter;
  running: RunningRequests;
  publisher: Publisher;
  logReader: Pick<LogReader, 'read'>;
  provider: Provider;
  breaker: Breaker;
  catalogue: Catalogue;
  cipher: ContentCipher;
  metrics: Metrics;
  log: Logger;
  /** Told of a request that ended and owes its client an event. */
  notify: (request: RequestDocument) => Promise<void>;
};

/** What became of a claimed request: everything its last write and its client need. */
export type RunOutcome = {
  state: 'done' | 'failed' | 'cancelled';
  bill: Bill;
  attempts: ProviderAttempt[];
  error?: RequestError;
  /** Payloads already relayed, and those still to send once the end is durable. */
  relayed: Buffer[];
  closing: Buffer[];
  firstSeq: number;
  provider?: RequestDocument['provider'];
  firstByteAt?: Date;
};
