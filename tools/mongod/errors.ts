/** MongoDB's error codes, and what DocumentDB's and PostgreSQL's error states mean in them. */
import { encode } from './bson.ts';

export type WireErrorDetails = { labels?: readonly string[]; extra?: Record<string, unknown> };

/** An error as it goes over the wire. */
export class WireError extends Error {
  readonly code: number;
  readonly codeName: string;
  readonly labels: readonly string[];
  readonly extra: Record<string, unknown>;

  constructor(code: number, codeName: string, message: string, details: WireErrorDetails = {}) {
    super(message);
    this.code = code;
    this.codeName = codeName;
    this.labels = details.labels ?? [];
    this.extra = details.extra ?? {};
  }

  toReply(): Buffer {
    const labels = this.labels.length > 0 ? { errorLabels: this.labels } : {};
    return encode({ ok: 0, errmsg: this.message, code: this.code, codeName: this.codeName, ...this.extra, ...labels });
  }
}

export const TRANSIENT = 'TransientTransactionError';
export const RETRYABLE = 'RetryableWriteError';
export const UNKNOWN_COMMIT = 'UnknownTransactionCommitResult';
export const DUPLICATE_KEY = 11000;
export const WRITE_CONFLICT = 112;

type Code = readonly [code: number, name: string];

/** DocumentDB raises the state 'M' and an ordinal in base 36. These are the ordinals that an application can meet. */
const BY_ORDINAL: ReadonlyMap<number, Code> = new Map([
  [0, [1, 'InternalError']],
  [1, [2, 'BadValue']],
  [2, [5, 'GraphContainsCycle']],
  [3, [9, 'FailedToParse']],
  [4, [14, 'TypeMismatch']],
  [5, [15, 'Overflow']],
  [6, [20, 'IllegalOperation']],
  [7, [23, 'AlreadyInitialized']],
  [8, [26, 'NamespaceNotFound']],
  [9, [27, 'IndexNotFound']],
  [10, [28, 'PathNotViable']],
  [13, [40, 'ConflictingUpdateOperators']],
  [14, [43, 'CursorNotFound']],
  [15, [48, 'NamespaceExists']],
  [16, [52, 'DollarPrefixedFieldName']],
  [17, [53, 'InvalidIdField']],
  [18, [54, 'NotSingleValueField']],
  [19, [56, 'EmptyFieldName']],
  [20, [57, 'DottedFieldName']],
  [21, [61, 'ShardKeyNotFound']],
  [22, [66, 'ImmutableField']],
  [23, [67, 'CannotCreateIndex']],
  [24, [68, 'IndexAlreadyExists']],
  [25, [72, 'InvalidOptions']],
  [26, [73, 'InvalidNamespace']],
  [27, [85, 'IndexOptionsConflict']],
  [28, [86, 'IndexKeySpecsConflict']],
  [30, [115, 'CommandNotSupported']],
  [32, [146, 'ExceededMemoryLimit']],
  [35, [166, 'CommandNotSupportedOnView']],
  [36, [167, 'OptionNotSupportedOnView']],
  [38, [197, 'InvalidIndexSpecificationOption']],
  [39, [224, 'QueryFeatureNotAllowed']],
  [41, [241, 'ConversionFailure']],
  [42, [263, 'OperationNotSupportedInTransaction']],
  [48, [DUPLICATE_KEY, 'DuplicateKey']],
  [58, [15955, 'Location15955']],
  [456, [121, 'DocumentValidationFailure']],
  [492, [16, 'InvalidLength']],
  [525, [143, 'CursorInUse']],
]);

const BY_STATE: ReadonlyMap<string, Code> = new Map([
  ['23505', [DUPLICATE_KEY, 'DuplicateKey']],
  ['23P01', [DUPLICATE_KEY, 'DuplicateKey']],
  ['40001', [WRITE_CONFLICT, 'WriteConflict']],
  ['40P01', [WRITE_CONFLICT, 'WriteConflict']],
  ['57014', [50, 'MaxTimeMSExpired']],
  ['25P02', [251, 'NoSuchTransaction']],
  ['42P01', [26, 'NamespaceNotFound']],
  ['0A000', [115, 'CommandNotSupported']],
  ['53100', [14031, 'OutOfDiskSpace']],
  ['22P02', [2, 'BadValue']],
  ['22023', [2, 'BadValue']],
  ['25006', [10107, 'NotWritablePrimary']],
]);

/** The MongoDB code for an SQL state. Waiting too long for a lock is a write conflict only inside a transaction. */
export function codeOfState(state: string, inTransaction: boolean): Code {
  if (state.startsWith('M')) {
    const ordinal = Number.parseInt(state.slice(1), 36);
    return BY_ORDINAL.get(ordinal) ?? [8000 + ordinal, `DocumentDB${state}`];
  }
  if (state === '55P03') return inTransaction ? [WRITE_CONFLICT, 'WriteConflict'] : [24, 'LockTimeout'];
  return BY_STATE.get(state) ?? [1, 'InternalError'];
}

/** Inside a reply's writeErrors the engine packs the state into a number, six bits for each of its five characters. */
export function stateOfPackedCode(packed: number): string {
  let state = '';
  for (let rest = packed, place = 0; place < 5; place++, rest >>= 6) state += String.fromCharCode((rest & 63) + 48);
  return state;
}

/** An error that PostgreSQL reported, or a broken connection to it. */
export class StorageError extends Error {
  /** The SQL state; '08000' when the connection broke. */
  readonly state: string;
  readonly constraint: string | undefined;

  constructor(message: string, state: string, constraint?: string) {
    super(message);
    this.state = state;
    this.constraint = constraint;
  }
}

/** Whether the connection broke or the server is going down, so that it is not known what became of the statement. */
export function isLost(error: unknown): boolean {
  return error instanceof StorageError && /^(08|57P0)/.test(error.state);
}

/** Whether the statement lost against another one and may simply be tried again. */
export function isConflict(error: unknown): boolean {
  return error instanceof StorageError && isConflictState(error.state);
}

export function isConflictState(state: string): boolean {
  return state === '40001' || state === '40P01';
}
