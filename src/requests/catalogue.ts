import type { Logger } from '../log.ts';
import {
  AiModel,
  type AiModelDocument,
  CATALOGUE_MAX,
  Price,
  type PriceDocument,
  Provider,
  type ProviderDocument,
  UNKNOWN_COUNTRY,
} from '../models/ai-model.ts';
import { nativeCollection } from '../models/connect.ts';
import type { PriceSnapshot } from '../models/request.ts';
import { runPeriodically } from '../periodic.ts';
import type { RouteTarget } from '../providers/provider.ts';
import type { ProviderKeyStore } from './provider-keys.ts';

/** Models, providers and prices, held in the process and read again every few seconds. */

export type ResolvedRoute = {
  target: RouteTarget;
  upstreamModel: string;
  /** Its share of the first calls of its model. */
  weight: number;
  /** Where requests go by it. */
  country: string;
  quirks: AiModelDocument['routes'][number]['quirks'];
};

export type CatalogueModel = { model: AiModelDocument; price: PriceSnapshot; routes: ResolvedRoute[] };

export type Catalogue = {
  /** A model that can be called now: enabled, priced, with at least one usable route. */
  find(modelId: string): CatalogueModel | undefined;
  list(): CatalogueModel[];
  close(): Promise<void>;
};

const REFRESH_MS = 2_000;

type Rows = { models: AiModelDocument[]; providers: ProviderDocument[]; prices: PriceDocument[] };

function snapshot(price: PriceDocument): PriceSnapshot {
  const { _id, modelId: _modelId, validFrom: _validFrom, ...rates } = price;
  return { ...rates, priceId: _id };
}

/** The version of a model's price that holds at a moment: the last one that has begun; it begins at its very millisecond. */
export function priceInForce(prices: readonly PriceDocument[], modelId: string, at: Date): PriceDocument | undefined {
  return prices
    .filter((candidate) => candidate.modelId === modelId && candidate.validFrom <= at)
    .reduce<PriceDocument | undefined>((best, one) => (best && best.version > one.version ? best : one), undefined);
}

/** The routes of a model that are on and lead to a provider that is on, in their places. */
function openRoutesOf(model: AiModelDocument, providers: readonly ProviderDocument[]) {
  return [...model.routes]
    .filter(({ enabled }) => enabled)
    .sort((a, b) => a.priority - b.priority)
    .flatMap((route) => {
      const provider = providers.find(({ _id, enabled }) => enabled && _id === route.providerId);
      return provider ? [{ route, provider }] : [];
    });
}

function resolve(
  rows: Rows,
  providerKeys: ReadonlyMap<string, string | undefined>,
  at: Date,
): Map<string, CatalogueModel> {
  const result = new Map<string, CatalogueModel>();
  for (const model of rows.models.filter(({ enabled }) => enabled)) {
    const price = priceInForce(rows.prices, model._id, at);
    const routes = openRoutesOf(model, rows.providers).flatMap(({ route, provider }): ResolvedRoute[] => {
      const apiKey = providerKeys.get(route.providerId);
      if (provider.needsKey && apiKey === undefined) return [];
      const { _id: providerId, baseUrl, headers } = provider;
      return [
        {
          target: { routeId: route.id, providerId, baseUrl, headers, apiKey },
          upstreamModel: route.upstreamModel,
          weight: route.weight ?? 0,
          country: route.country ?? provider.country ?? UNKNOWN_COUNTRY,
          quirks: route.quirks,
        },
      ];
    });
    if (price && routes.length > 0) result.set(model._id, { model, price: snapshot(price), routes });
  }
  return result;
}

/** Whether customers can call a model, and what it lacks first when they cannot. Keys of providers are not looked at. */
export const OFFERS = ['offered', 'off', 'unpriced', 'unrouted'] as const;

export async function offerOf(modelId: string, at: Date): Promise<(typeof OFFERS)[number] | undefined> {
  const [model, prices, providers] = await Promise.all([
    nativeCollection<AiModelDocument>(AiModel).findOne({ _id: modelId }),
    nativeCollection<PriceDocument>(Price).find({ modelId }).toArray(),
    nativeCollection<ProviderDocument>(Provider).find().limit(CATALOGUE_MAX.providers).toArray(),
  ]);
  if (!model) return undefined;
  if (openRoutesOf(model, providers).length === 0) return 'unrouted';
  if (!priceInForce(prices, modelId, at)) return 'unpriced';
  return model.enabled ? 'offered' : 'off';
}

async function readRows(): Promise<Rows> {
  const [models, providers, prices] = await Promise.all([
    nativeCollection<AiModelDocument>(AiModel).find().sort({ _id: 1 }).toArray(),
    nativeCollection<ProviderDocument>(Provider).find().toArray(),
    nativeCollection<PriceDocument>(Price).find().toArray(),
  ]);
  return { models, providers, prices };
}

/**
 * Loads the catalogue and keeps it fresh. While MongoDB is away the last good one is used. A key that operators set stands
 * before the configuration's; one that does not open takes its provider out instead of falling back to an older key.
 */
export async function openCatalogue(
  configuredKeys: ReadonlyMap<string, string>,
  storedKeys: Pick<ProviderKeyStore, 'readAll'>,
  log: Logger,
): Promise<Catalogue> {
  const read = async () => {
    const [rows, stored] = await Promise.all([readRows(), storedKeys.readAll()]);
    for (const [provider, key] of stored)
      if (key === undefined) log.warn({ provider }, 'the key set for this provider does not open');
    return resolve(rows, new Map([...configuredKeys, ...stored]), new Date());
  };
  let models = await read();
  const refresh = runPeriodically(
    { intervalMs: REFRESH_MS },
    async () => {
      models = await read();
    },
    (error) => log.warn({ err: error }, 'catalogue not refreshed'),
  );
  return {
    find: (modelId) => models.get(modelId),
    list: () => [...models.values()],
    close: refresh.stop,
  };
}
