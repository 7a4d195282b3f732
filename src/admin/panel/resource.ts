import { isDeepStrictEqual } from 'node:util';
import { type ActionContext, BaseRecord, BaseResource, type Filter } from 'adminjs';
import type { Document, Filter as MongoFilter } from 'mongodb';
import { can } from '../../auth/roles.ts';
import { AppError } from '../../errors.ts';
import { nativeCollection } from '../../models/connect.ts';
import type { StaffRole } from '../../models/staff.ts';
import { PanelProperty } from './property.ts';
import { fromAddress, toAddress } from './record-id.ts';
import type { PanelCipher, PanelField, PanelSpec } from './spec.ts';

/**
 * A collection as AdminJS reads it: only the fields of its spec, only what the role of the reader may see, and no way
 * to write. Who may not read it gets nothing, whichever way AdminJS asks.
 */

const PAGE_MAX = 100;
const OFFSET_MAX = 10_000;
const COUNT_MAX = 10_000;
const READ_TIMEOUT_MS = 5_000;

export type Member = { id: string; email: string; role: StaffRole };

/** The role of the member AdminJS acts for; without one nothing is shown. */
export function roleOf(context: Pick<ActionContext, 'currentAdmin'> | undefined): StaffRole | undefined {
  return (context?.currentAdmin as Member | undefined)?.role;
}

/** The fields of a collection that a role may see. */
export function fieldsFor(spec: PanelSpec, role: StaffRole | undefined): readonly PanelField[] {
  if (role === undefined || !can(role, spec.permission)) return [];
  return spec.fields.filter(({ permission }) => permission === undefined || can(role, permission));
}

/** What stands where there is nothing to show, as far as it is shown as text. */
function nothing({ type = 'string', reference, choices }: PanelField): string | undefined {
  return type === 'datetime' || reference || choices ? undefined : '—';
}

function projectionOf(fields: readonly PanelField[]): Document {
  return Object.fromEntries(fields.flatMap(({ name, paths }) => (paths ?? [name]).map((path) => [path, 1])));
}

export function refuseSearch(name: string): never {
  throw new AppError('invalid_request', { param: name, message: `${name}: cannot be searched like this` });
}

function momentOf(name: string, value: unknown): Date | undefined {
  if (value === undefined || value === '') return undefined;
  const at = typeof value === 'string' ? new Date(value) : new Date(Number.NaN);
  return Number.isNaN(at.getTime()) ? refuseSearch(name) : at;
}

async function conditionOf(field: PanelField, value: unknown): Promise<MongoFilter<Document>> {
  const { name, filter, between } = field;
  if (between && typeof value === 'object' && value !== null) {
    const members = Object.keys(value);
    if (members.some((member) => member !== 'from' && member !== 'to')) refuseSearch(name);
    return between(momentOf(name, Reflect.get(value, 'from')), momentOf(name, Reflect.get(value, 'to')));
  }
  const condition = typeof value === 'string' ? await filter?.(value.trim()) : undefined;
  return condition ?? refuseSearch(name);
}

/** The conditions for what was searched, each field by its own rule, anything else refused; those of indexes first. */
async function conditionsOf(fields: readonly PanelField[], filter: Filter | undefined) {
  const given = Object.values(filter?.filters ?? {}) as { path: string; value: unknown }[];
  const [indexed, others]: [MongoFilter<Document>[], MongoFilter<Document>[]] = [[], []];
  for (const { path, value } of given.filter((one) => one.value !== '')) {
    const field = fields.find(({ name }) => name === path) ?? refuseSearch(path);
    (field.isIndexed ? indexed : others).push(await conditionOf(field, value));
  }
  return { indexed, others };
}

function matching(conditions: readonly MongoFilter<Document>[]): Document[] {
  return conditions.length === 0 ? [] : [{ $match: { $and: conditions } }];
}

export class PanelResource extends BaseResource {
  readonly spec: PanelSpec;
  private readonly cipher: PanelCipher;
  private readonly shown: readonly PanelProperty[];
  /** How many a search finds, where its page has told it, or has told that they are more than are counted. */
  private readonly totals = new WeakMap<Filter, number>();

  constructor(spec: PanelSpec, cipher: PanelCipher) {
    super(spec);
    this.spec = spec;
    this.cipher = cipher;
    this.shown = spec.fields.map((field, position) => new PanelProperty(field, position));
  }

  static override isAdapterFor(raw: unknown): boolean {
    return raw instanceof PanelResource;
  }

  override databaseName(): string {
    return 'ocelotiq';
  }

  override databaseType(): string {
    return 'other';
  }

  override id(): string {
    return this.spec.id;
  }

  override properties(): PanelProperty[] {
    return [...this.shown];
  }

  override property(path: string): PanelProperty | null {
    return this.shown.find((property) => property.path() === path) ?? null;
  }

  private collection() {
    const { collection: collectionName } = this.spec;
    if (typeof collectionName !== 'string') throw new Error(`${this.spec.id} is in no collection`);
    return nativeCollection<Document>({ collection: { collectionName } });
  }

  protected record(document: Document, fields: readonly PanelField[]): BaseRecord {
    const texts = fields.map((field) => [field.name, field.value(document) ?? nothing(field)] as const);
    const params = Object.fromEntries(texts.filter(([, text]) => text !== undefined));
    return new BaseRecord({ ...params, id: toAddress(String(params.id)) }, this);
  }

  /** Newest first, unless the collection has an order of its own for what was searched, or another is asked for. */
  private orderOf(filter: Filter | undefined, direction: 1 | -1 = -1): Record<string, 1 | -1> {
    const { ordered } = this.spec;
    const searched = Object.values(filter?.filters ?? {}) as { path: string; value: unknown }[];
    const isWithin = ordered && searched.some(({ path, value }) => path === ordered.within && value !== '');
    return isWithin ? { [ordered.by]: ordered.direction ?? direction } : { _id: direction };
  }

  protected idOf(id: string | number): unknown {
    return this.spec.hasNumericId ? Number(id) : fromAddress(String(id));
  }

  override async count(filter: Filter, context?: ActionContext): Promise<number> {
    const known = this.totals.get(filter);
    if (known !== undefined) return known;
    const fields = fieldsFor(this.spec, roleOf(context));
    if (fields.length === 0) return 0;
    const counting = [...(await this.search(fields, filter)), { $limit: COUNT_MAX }, { $count: 'total' }];
    const [found] = await this.collection().aggregate(counting, { maxTimeMS: READ_TIMEOUT_MS }).toArray();
    return Number(found?.total ?? 0);
  }

  /**
   * The stages that find what was searched: by index as far as there is one, the rest among the newest of that. Without
   * an order when none is needed: what cannot be read in the order of an index is looked into, every row, to sort it.
   */
  private async search(
    fields: readonly PanelField[],
    filter: Filter,
    order?: Record<string, 1 | -1>,
  ): Promise<Document[]> {
    const { indexed, others } = await conditionsOf(fields, filter);
    const { scanMax } = this.spec;
    const newestFirst = this.orderOf(filter);
    const isBounded = scanMax !== undefined && others.length > 0;
    const bound = isBounded ? [{ $sort: newestFirst }, { $limit: scanMax }] : [];
    const isOrdered = order === undefined || (isBounded && isDeepStrictEqual(order, newestFirst));
    return [...matching(indexed), ...bound, ...matching(others), ...(isOrdered ? [] : [{ $sort: order }])];
  }

  override async find(
    filter: Filter,
    options: { limit?: number; offset?: number; sort?: { direction?: 'asc' | 'desc' } },
    context?: ActionContext,
  ): Promise<BaseRecord[]> {
    const fields = fieldsFor(this.spec, roleOf(context));
    if (fields.length === 0) return [];
    const offset = Math.min(Math.max(Math.trunc(Number(options.offset)) || 0, 0), OFFSET_MAX);
    const limit = Math.min(Math.max(Math.trunc(Number(options.limit)) || 1, 1), PAGE_MAX);
    const order = this.orderOf(filter, options.sort?.direction === 'asc' ? 1 : -1);
    const stages = [
      ...(await this.search(fields, filter, order)),
      { $skip: offset },
      { $limit: limit },
      ...this.shownMembers(fields),
    ];
    const found = await this.collection().aggregate(stages, { maxTimeMS: READ_TIMEOUT_MS }).toArray();
    const seen = offset + found.length;
    const isLastPage = found.length < limit && (found.length > 0 || offset === 0);
    const isBeyondCounting = found.length > 0 && seen >= COUNT_MAX;
    if (isLastPage || isBeyondCounting) this.totals.set(filter, Math.min(seen, COUNT_MAX));
    return found.map((document) => this.record(document, fields));
  }

  override async findOne(id: string, context?: ActionContext): Promise<BaseRecord | null> {
    const role = roleOf(context);
    const fields = fieldsFor(this.spec, role);
    const [document] = await this.documentsOf([id], fields);
    if (!document || role === undefined) return null;
    const record = this.record(document, fields);
    for (const { name, opened } of fields)
      if (opened) record.params[name] = await opened(document, this.cipher, role).catch(() => '—');
    return record;
  }

  /** What other records refer to: only what they are called by. */
  override async findMany(ids: (string | number)[], context?: ActionContext): Promise<BaseRecord[]> {
    const fields = fieldsFor(this.spec, roleOf(context));
    return this.recordsOf(
      ids,
      fields.filter(({ name }) => name === 'id' || name === this.spec.title),
    );
  }

  private async recordsOf(ids: readonly (string | number)[], fields: readonly PanelField[]): Promise<BaseRecord[]> {
    return (await this.documentsOf(ids, fields)).map((document) => this.record(document, fields));
  }

  protected async documentsOf(ids: readonly (string | number)[], fields: readonly PanelField[]): Promise<Document[]> {
    if (fields.length === 0 || ids.length === 0) return [];
    const wanted = ids.slice(0, PAGE_MAX).map((id) => this.idOf(id));
    const stages = [{ $match: { _id: { $in: wanted as never[] } } }, ...this.shownMembers(fields)];
    return this.collection().aggregate(stages, { maxTimeMS: READ_TIMEOUT_MS }).toArray();
  }

  /** The stages that leave of the documents of a page what its fields read. */
  private shownMembers(fields: readonly PanelField[]): Document[] {
    const { joined } = this.spec;
    const ids = { localField: '_id', pipeline: [{ $project: { _id: 1 } }] };
    const lookup = joined && { from: joined.collection, foreignField: joined.by, as: joined.as, ...ids };
    return [...(lookup ? [{ $lookup: lookup }] : []), { $project: projectionOf(fields) }];
  }

  override create(): never {
    throw new AppError('staff_forbidden');
  }

  override update(): never {
    throw new AppError('staff_forbidden');
  }

  override delete(): never {
    throw new AppError('staff_forbidden');
  }
}
