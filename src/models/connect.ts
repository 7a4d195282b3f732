import { Binary, type Collection, type Document, type MongoClient } from 'mongodb';
import mongoose, { type Connection, type Model } from 'mongoose';
import { ArchivePiece } from './access-archive.ts';
import { ACCOUNT_VALIDATOR, Account } from './account.ts';
import { AccountContact } from './account-contact.ts';
import { ActSignature } from './act-signature.ts';
import { ADJUSTMENT_VALIDATOR, Adjustment } from './adjustment.ts';
import { AiModel, Price, Provider } from './ai-model.ts';
import { Announcement } from './announcement.ts';
import { ApiKey } from './api-key.ts';
import { AuditEntry } from './audit-entry.ts';
import { mendClosedConnections } from './closed-connection.ts';
import { Consent, ConsentDocument } from './consent.ts';
import { ContentGrant } from './content-grant.ts';
import { DataKey } from './data-key.ts';
import { Delivery } from './delivery.ts';
import { DestructionAct, DestructionEvent } from './destruction.ts';
import { Incident, IncidentAccount } from './incident.ts';
import { mendDocumentOptions } from './lean-documents.ts';
import { LEDGER_VALIDATOR, LedgerEntry } from './ledger-entry.ts';
import { LegalHold } from './legal-hold.ts';
import { PolicyAcceptance, PolicyVersion } from './policy.ts';
import { PriceProposal } from './price-proposal.ts';
import { PrivacyRequest, ProductionCalendar } from './privacy-request.ts';
import { ProviderKey } from './provider-key.ts';
import { ReconciliationAlert } from './reconciliation-alert.ts';
import { ReconciliationSegment } from './reconciliation-segment.ts';
import { ReconciliationWalk } from './reconciliation-walk.ts';
import { REQUEST_VALIDATOR, Request } from './request.ts';
import { Restore } from './restore.ts';
import { RetentionClass } from './retention-class.ts';
import { RetentionRun } from './retention-run.ts';
import { AccountRollup, Rollup } from './rollup.ts';
import { RollupWalk } from './rollup-walk.ts';
import { Staff, StaffSession, StaffThrottle } from './staff.ts';
import { SuspensionRequest } from './suspension-request.ts';
import { Ticket } from './ticket.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** Longest silence of a connection that has a command to answer. */
const SOCKET_TIMEOUT_MS = 15_000;
/** Longest wait for a connection of the pool. */
const POOL_WAIT_MS = 10_000;
const PING_TIMEOUT_MS = 2_000;

export type MongoOptions = {
  uri: string;
  database: string;
  poolMax: number;
  /** Where the data keys are: apart from the data, and backed up apart. The same server and `<database>_keys` when left out. */
  keys?: { uri?: string | undefined; database?: string | undefined };
  /** For work that takes long on purpose, such as building indexes. */
  socketTimeoutMs?: number;
  /** For the restore itself: everybody else is refused while the database is not whole. */
  isRestoring?: boolean;
};

/** Every model, with the validator its collection carries. */
const COLLECTIONS: readonly { model: Model<never>; validator?: Document }[] = [
  { model: Account as unknown as Model<never>, validator: ACCOUNT_VALIDATOR },
  { model: Request as unknown as Model<never>, validator: REQUEST_VALIDATOR },
  { model: LedgerEntry as unknown as Model<never>, validator: LEDGER_VALIDATOR },
  { model: Adjustment as unknown as Model<never>, validator: ADJUSTMENT_VALIDATOR },
  ...[
    ApiKey,
    Consent,
    ConsentDocument,
    PolicyAcceptance,
    PolicyVersion,
    AiModel,
    Provider,
    Price,
    PriceProposal,
    ProviderKey,
    Delivery,
    ReconciliationAlert,
    ReconciliationSegment,
    ReconciliationWalk,
    RetentionClass,
    RetentionRun,
    DestructionAct,
    DestructionEvent,
    ActSignature,
    LegalHold,
    PrivacyRequest,
    ProductionCalendar,
    Incident,
    IncidentAccount,
    Staff,
    StaffSession,
    StaffThrottle,
    AuditEntry,
    SuspensionRequest,
    Ticket,
    ContentGrant,
    Rollup,
    AccountRollup,
    RollupWalk,
    Announcement,
    Restore,
    AccountContact,
    ArchivePiece,
  ].map((model) => ({
    model: model as unknown as Model<never>,
  })),
];

/**
 * Connects mongoose (and with it every model) to the primary, with majority writes and int64 as bigint. Refuses a
 * standalone server: retryable writes, which the money protocol leans on, exist on replica sets only.
 */
export async function connectMongo(options: MongoOptions): Promise<void> {
  mendClosedConnections();
  mendDocumentOptions();
  mongoose.set({ strictQuery: 'throw', sanitizeFilter: false, autoIndex: false, autoCreate: false });
  await mongoose.connect(options.uri, { ...connectOptions(options), dbName: options.database });
  const keysDatabase = options.keys?.database ?? `${options.database}_keys`;
  keyStore = options.keys?.uri
    ? await mongoose
        .createConnection(options.keys.uri, { ...connectOptions(options), dbName: keysDatabase })
        .asPromise()
    : mongoose.connection.useDb(keysDatabase);
  for (const connection of [mongoose.connection, keyStore]) await refuseStandalone(connection);
  if (options.isRestoring || !(await isBeingRestored(CONNECT_TIMEOUT_MS))) return;
  await mongoose.disconnect();
  throw new Error('This database is being restored, or its restore did not come to its end: npm run restore');
}

/** Whether a restore of this database has begun and not ended. */
async function isBeingRestored(timeoutMs: number): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutMs);
  return (await nativeCollection(Restore).findOne({ endedAt: { $exists: false } }, { signal })) !== null;
}

/** The database of the data keys; every other collection is in the default one. */
let keyStore: Connection = mongoose.connection;

function connectOptions(options: MongoOptions) {
  return {
    maxPoolSize: options.poolMax,
    useBigInt64: true,
    readPreference: 'primary',
    writeConcern: { w: 'majority', wtimeoutMS: CONNECT_TIMEOUT_MS },
    retryWrites: true,
    serverSelectionTimeoutMS: CONNECT_TIMEOUT_MS,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    waitQueueTimeoutMS: POOL_WAIT_MS,
    socketTimeoutMS: options.socketTimeoutMs ?? SOCKET_TIMEOUT_MS,
    bufferCommands: false,
  } as const;
}

async function refuseStandalone(connection: Connection): Promise<void> {
  const hello = await connection.db?.admin().command({ hello: 1 });
  if (!hello?.setName && hello?.msg !== 'isdbgrid') {
    await mongoose.disconnect();
    throw new Error(
      'MongoDB is a standalone server. Run it as a replica set (one member is enough): --replSet rs0 and rs.initiate()',
    );
  }
}

export async function disconnectMongo(): Promise<void> {
  await mongoose.disconnect();
}

/** Creates collections, validators and indexes; changes nothing where they are as they should be. Run before serving. */
export async function migrate(): Promise<void> {
  const db = mongoose.connection.db;
  if (!db) throw new Error('migrate: not connected');
  await createKeyStore();
  const existing = new Set((await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name));
  for (const { model, validator } of COLLECTIONS) {
    const name = model.collection.collectionName;
    if (!existing.has(name)) await db.createCollection(name, validator ? { validator } : {});
    else if (validator) await db.command({ collMod: name, validator });
    await model.createIndexes();
  }
}

/** Keys are read by `_id` alone, so a collection without indexes is all there is to make. */
async function createKeyStore(): Promise<void> {
  const name = DataKey.collection.collectionName;
  const found = await keyStore.db?.listCollections({ name }, { nameOnly: true }).toArray();
  if (found?.length === 0) await keyStore.db?.createCollection(name);
}

/** The driver's objects are costly to make, and would be made for every operation; they belong to one connection. */
const collections = new Map<string, { client: MongoClient; database: string; collection: Collection }>();

/** Bytes as a read gave them, with or without `promoteBuffers`. */
export function bytesOf(value: Uint8Array | Binary): Uint8Array {
  return value instanceof Binary ? value.buffer.subarray(0, value.position) : value;
}

/**
 * The driver's collection behind a model, for the hot path: no casting, no hydration. Filters and updates given to it
 * are built by typed functions, never from a client's object.
 */
export function nativeCollection<T extends Document>(model: { collection: { collectionName: string } }): Collection<T> {
  const { collectionName } = model.collection;
  const home = collectionName === DataKey.collection.collectionName ? keyStore : mongoose.connection;
  const client = home.getClient();
  const { name } = home;
  const known = collections.get(collectionName);
  if (known?.client === client && known.database === name) return known.collection as unknown as Collection<T>;
  const collection = client.db(name).collection<T>(collectionName);
  collections.set(collectionName, { client, database: name, collection: collection as unknown as Collection });
  return collection;
}

export type DatabaseHandle = { client: MongoClient; name: string };

/** The databases of this installation: its data, and the keys to what is sealed in them. */
export function databases(): { data: DatabaseHandle; keys: DatabaseHandle } {
  const handle = (connection: Connection) => ({ client: connection.getClient(), name: connection.name });
  return { data: handle(mongoose.connection), keys: handle(keyStore) };
}

/** Whether the primary answers now, with a database that is whole. */
export async function pingMongo(): Promise<boolean> {
  if (mongoose.connection.readyState !== mongoose.ConnectionStates.connected) return false;
  return !(await isBeingRestored(PING_TIMEOUT_MS));
}
