import { MongoServerError, type UpdateFilter } from 'mongodb';
import { checkCallbackUrl } from '../callback-address.ts';
import { AppError } from '../errors.ts';
import { lowestIdAt } from '../ids.ts';
import {
  AiModel,
  type AiModelDocument,
  CATALOGUE_MAX,
  Provider,
  type ProviderDocument,
  type Route,
} from '../models/ai-model.ts';
import { nativeCollection } from '../models/connect.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import { SANDBOX } from './catalogue-import.ts';

/**
 * What staff make and change in the catalogue; every process reads it again within seconds. Whoever changes something
 * says which version he has seen, and is refused with `state_conflict` when there is a newer one.
 */

const models = () => nativeCollection<AiModelDocument>(AiModel);
const providers = () => nativeCollection<ProviderDocument>(Provider);

/** Of `headers` only what changes is given; one without a value goes. */
export type ProviderTerms = Required<Pick<ProviderDocument, 'baseUrl' | 'headers' | 'country' | 'needsKey'>>;
export type ModelTerms = Omit<AiModelDocument, '_id' | 'createdAt' | 'enabled' | 'routes' | 'version'>;
export type RouteTerms = Omit<Route, 'addedAt'>;
/** What somebody changes, as he has seen it. */
export type Seen = { id: string; version: number };

function stale(): never {
  throw new AppError('state_conflict', { param: 'version', message: 'It was changed meanwhile. Open it again.' });
}

function taken(param: string): never {
  throw new AppError('state_conflict', { param, message: `${param}: there is one already` });
}

function full(): never {
  throw new AppError('state_conflict', { message: 'There are as many as the catalogue may have.' });
}

const versionIs = ({ version }: Seen) => ({ version: version === 0 ? { $exists: false } : version });

/** Requests, and the key of the provider, go to where this says: https, a public name, nothing that leads inside. */
function checkAddress(baseUrl: string): void {
  const checked = checkCallbackUrl(baseUrl, { allowLoopback: false });
  if (checked.ok) return;
  throw new AppError('invalid_request', { param: 'baseUrl', message: `baseUrl: is refused (${checked.reason})` });
}

/** What is there, with what was given over it. */
function mergedHeaders(present: Record<string, string>, given: Record<string, string>): Record<string, string> {
  const left = Object.entries({ ...present, ...given }).filter(([, value]) => value !== '');
  return left.length > CATALOGUE_MAX.headersOfProvider ? full() : Object.fromEntries(left);
}

/** Makes a provider, switched off. @throws `invalid_request`, `state_conflict`. */
export async function createProvider(id: string, terms: ProviderTerms): Promise<void> {
  checkAddress(terms.baseUrl);
  if ((await providers().countDocuments()) >= CATALOGUE_MAX.providers) full();
  const headers = mergedHeaders({}, terms.headers);
  const made = { kind: 'openai-compatible', ...terms, headers, enabled: false } as const;
  const { upsertedCount } = await providers().updateOne({ _id: id }, { $setOnInsert: made }, { upsert: true });
  if (upsertedCount === 0) taken('provider');
}

/** An address from the configuration may lead anywhere; a new one may not. @throws `invalid_request`, `not_found`, `state_conflict`. */
export async function changeProvider(seen: Seen, terms: ProviderTerms): Promise<void> {
  const found = await providers().findOne({ _id: seen.id });
  if (!found) throw new AppError('not_found', { message: 'There is no such provider.' });
  if (terms.baseUrl !== found.baseUrl.replace(/\/+$/, '')) {
    if (seen.id === SANDBOX)
      throw new AppError('state_conflict', { param: 'baseUrl', message: 'The sandbox is where SANDBOX_URL says.' });
    checkAddress(terms.baseUrl);
  }
  const { matchedCount } = await providers().updateOne(
    { _id: seen.id, ...versionIs(seen) },
    { $set: { ...terms, headers: mergedHeaders(found.headers, terms.headers) }, $inc: { version: 1 } },
  );
  if (matchedCount !== 1) stale();
}

/** Makes a model without routes, switched off. @throws `state_conflict`. */
export async function createModel(id: string, terms: ModelTerms): Promise<void> {
  if ((await models().countDocuments()) >= CATALOGUE_MAX.models) full();
  const made = { ...terms, createdAt: new Date(), enabled: false, routes: [] };
  const { upsertedCount } = await models().updateOne({ _id: id }, { $setOnInsert: made }, { upsert: true });
  if (upsertedCount === 0) taken('modelId');
}

async function modelOf({ id, version }: Seen): Promise<AiModelDocument> {
  const found = await models().findOne({ _id: id });
  if (!found) throw new AppError('not_found', { message: 'There is no such model.' });
  return (found.version ?? 0) === version ? found : stale();
}

async function writeModel(seen: Seen, update: UpdateFilter<AiModelDocument>): Promise<void> {
  const { matchedCount } = await models().updateOne(
    { _id: seen.id, ...versionIs(seen) },
    { ...update, $inc: { version: 1 } },
  );
  if (matchedCount !== 1) stale();
}

/** Changes names and limits. Requests that are accepted keep their price and hold. @throws `not_found`, `state_conflict`. */
export async function changeModel(seen: Seen, terms: ModelTerms): Promise<void> {
  await modelOf(seen);
  await writeModel(seen, { $set: terms });
}

async function checkProvider(id: string): Promise<void> {
  if (await providers().findOne({ _id: id }, { projection: { _id: 1 } })) return;
  throw new AppError('invalid_request', { param: 'providerId', message: 'providerId: there is no such provider' });
}

/**
 * Adds a route to a model. Breakers know a route by its id alone, so no other model may have it.
 * @param mayMove whether the route may be said to be in another country than its provider.
 * @throws `invalid_request`, `not_found`, `staff_forbidden`, `state_conflict`.
 */
export async function addRoute(seen: Seen, route: RouteTerms, mayMove: boolean): Promise<void> {
  const { routes } = await modelOf(seen);
  if (route.country !== undefined && !mayMove) refuseMove();
  if (routes.length >= CATALOGUE_MAX.routesOfModel) full();
  if (await models().findOne({ 'routes.id': route.id }, { projection: { _id: 1 } })) taken('route');
  await checkProvider(route.providerId);
  await writeModel(seen, { $push: { routes: { ...route, addedAt: new Date() } } });
}

/** Whose data may not go abroad is sent where a route says it stays at home. */
function refuseMove(): never {
  throw new AppError('staff_forbidden', { message: 'The country of a route is for an admin to state.' });
}

function routeOf({ routes }: AiModelDocument, routeId: string): Route {
  const found = routes.find(({ id }) => id === routeId);
  if (!found) throw new AppError('not_found', { message: 'There is no such route of this model.' });
  return found;
}

/**
 * Changes where a route of the model leads and how. Calls under way go on as they began.
 * @param mayMove whether the route may be said to be in another country, or take the country it states to another provider.
 * @throws `invalid_request`, `not_found`, `staff_forbidden`, `state_conflict`.
 */
export async function rewriteRoute(seen: Seen, route: RouteTerms, mayMove: boolean): Promise<void> {
  const model = await modelOf(seen);
  const { addedAt, country, providerId } = routeOf(model, route.id);
  const isMoved = country !== route.country || (country !== undefined && providerId !== route.providerId);
  if (isMoved && !mayMove) refuseMove();
  await checkProvider(route.providerId);
  const changed = { ...route, ...(addedAt === undefined ? {} : { addedAt }) };
  await writeModel(seen, { $set: { routes: model.routes.map((one) => (one.id === route.id ? changed : one)) } });
}

const SEARCH_TIMEOUT_MS = 3_000;
const TIME_IS_OVER = 50;
/** Longer than any request may wait. */
const WAIT_MS_MAX = 86_400_000;

/** Whether a request has gone by the route; `undefined` when that could not be told in time. */
async function isNamedByRequests(modelId: string, { id, addedAt }: Route): Promise<boolean | undefined> {
  const since = addedAt ? { _id: { $gte: lowestIdAt('req', addedAt.getTime() - WAIT_MS_MAX) } } : {};
  try {
    const named = await nativeCollection<RequestDocument>(Request).findOne(
      { ...since, model: modelId, 'attempts.routeId': id },
      { projection: { _id: 1 }, maxTimeMS: SEARCH_TIMEOUT_MS },
    );
    return named !== null;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === TIME_IS_OVER) return undefined;
    throw error;
  }
}

/** Takes away a route that is off and that no request names; any other stays, switched off. @throws `not_found`, `state_conflict`. */
export async function removeRoute(seen: Seen, routeId: string): Promise<void> {
  const model = await modelOf(seen);
  const route = routeOf(model, routeId);
  if (route.enabled) throw new AppError('state_conflict', { message: 'Turn the route off first.' });
  if ((await isNamedByRequests(seen.id, route)) !== false)
    throw new AppError('state_conflict', { message: 'Requests name this route. It stays, switched off.' });
  await writeModel(seen, { $pull: { routes: { id: routeId } } });
}
