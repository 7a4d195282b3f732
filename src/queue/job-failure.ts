import { AppError } from '../errors.ts';

/** Why a job failed, as a short code. The queue keeps it, so the text of an error, which may quote content, must not be in it. */

const CODE = /^[A-Za-z]\w{0,63}(:\w{1,40})?$/;
const OTHER = 'other';

/** What the queue itself writes, in words. */
const QUEUE_REASONS: Readonly<Record<string, string>> = {
  'job stalled more than allowable limit': 'stalled_too_often',
  'job started more than allowable limit': 'started_too_often',
};

/** Thrown by a handler, or made of what one threw: neither message nor stack tell more than the code. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';

  constructor(code: string) {
    super(CODE.test(code) ? code : OTHER);
    this.stack = `${this.name}: ${this.message}`;
  }
}

/** An error's code of ours, or its class and the code that its library gave it. */
export function toJobFailure(error: unknown): JobFailure {
  if (error instanceof JobFailure) return error;
  if (error instanceof AppError) return new JobFailure(error.code);
  if (!(error instanceof Error)) return new JobFailure(OTHER);
  const code: unknown = Reflect.get(error, 'code');
  const isCode = typeof code === 'string' || typeof code === 'number';
  return new JobFailure(isCode ? `${error.name}:${code}` : error.name);
}

/** A kept reason as it may be shown; texts of earlier releases are not. */
export function shownReason(kept: string): string {
  const known = Object.hasOwn(QUEUE_REASONS, kept) ? QUEUE_REASONS[kept] : undefined;
  return known ?? (CODE.test(kept) ? kept : OTHER);
}
