import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Logger } from '../log.ts';
import {
  AiModel,
  type AiModelDocument,
  Price,
  type PriceDocument,
  Provider,
  type ProviderDocument,
  UNKNOWN_COUNTRY,
} from '../models/ai-model.ts';
import { nativeCollection } from '../models/connect.ts';
import type { PriceSnapshot } from '../models/request.ts';
import { parseRub } from '../money.ts';
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

function resolve(
  rows: Rows,
  providerKeys: ReadonlyMap<string, string | undefined>,
  at: Date,
): Map<string, CatalogueModel> {
  const providers = new Map(
    rows.providers.filter((provider) => provider.enabled).map((provider) => [provider._id, provider]),
  );
  const result = new Map<string, CatalogueModel>();
  for (const model of rows.models.filter(({ enabled }) => enabled)) {
    const price = priceInForce(rows.prices, model._id, at);
    const routes = [...model.routes]
      .filter(({ enabled }) => enabled)
      .sort((a, b) => a.priority - b.priority)
      .flatMap((route): ResolvedRoute[] => {
        const provider = providers.get(route.providerId);
        const apiKey = providerKeys.get(route.providerId);
        if (!provider || (provider.needsKey && apiKey === undefined)) return [];
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

const rub = z.string().transform((text, context) => {
  const micros = parseRub(text);
  if (micros !== undefined) return micros;
  context.addIssue({ code: 'custom', message: 'must be rubles such as "12.50"' });
  return z.NEVER;
});
const tokens = z.number().int().min(1).max(100_000_000);
const country = z.string().regex(/^[A-Z]{2}$/, 'must be two capital letters, ISO 3166-1');
const slug = z.string().regex(/^[\w./:@-]{1,128}$/);

const catalogueFile = z.strictObject({
  providers: z.array(
    z.strictObject({
      id: z.string().regex(/^[a-z0-9_]{1,40}$/),
      kind: z.literal('openai-compatible'),
      baseUrl: z.url().transform((url) => url.replace(/\/+$/, '')),
      headers: z.record(z.string(), z.string()).default({}),
      country: country.default(UNKNOWN_COUNTRY),
      needsKey: z.boolean().default(true),
      enabled: z.boolean().default(true),
    }),
  ),
  models: z.array(
    z.strictObject({
      id: slug,
      name: z.string().max(200),
      ownedBy: z.string().max(100),
      createdAt: z.iso.date(),
      enabled: z.boolean().default(true),
      contextTokensMax: tokens,
      outputTokensMax: tokens,
      outputTokensDefault: tokens,
      mediaPartTokensMax: z.number().int().min(0).max(1_000_000).default(2_000),
      /** Rubles for a million tokens; `request` is rubles for each request. */
      price: z.strictObject({
        input: rub,
        cachedInput: rub.optional(),
        cacheWrite: rub.optional(),
        output: rub,
        reasoning: rub.optional(),
        request: rub.optional(),
      }),
      routes: z.array(
        z.strictObject({
          id: z.string().regex(/^[\w./:@-]{1,128}$/),
          provider: z.string(),
          upstreamModel: z.string().min(1).max(200),
          priority: z.number().int().default(0),
          weight: z.number().int().min(0).max(100).default(0),
          enabled: z.boolean().default(true),
          country: country.optional(),
          quirks: z
            .strictObject({
              maxTokensParam: z.enum(['max_tokens', 'max_completion_tokens']).optional(),
              noStreamOptions: z.boolean().optional(),
              dropParams: z.array(z.string()).optional(),
              reasoningOutsideCompletion: z.boolean().optional(),
            })
            .default({}),
        }),
      ),
    }),
  ),
});

export type CatalogueFile = z.infer<typeof catalogueFile>;
type ModelEntry = CatalogueFile['models'][number];

function priceRates(entry: ModelEntry) {
  const { input, cachedInput, cacheWrite, output, reasoning, request } = entry.price;
  return {
    inputMicrosPerMillion: input,
    cachedInputMicrosPerMillion: cachedInput ?? input,
    cacheWriteMicrosPerMillion: cacheWrite ?? input,
    outputMicrosPerMillion: output,
    reasoningMicrosPerMillion: reasoning ?? output,
    requestMicros: request ?? 0n,
  };
}

/** Adds a price version when the file's rates differ from the newest one; versions are never edited. */
async function importPrice(entry: ModelEntry, at: Date): Promise<void> {
  const prices = nativeCollection<PriceDocument>(Price);
  const newest = await prices.find({ modelId: entry.id }).sort({ version: -1 }).limit(1).next();
  const rates = priceRates(entry);
  const same = newest && Object.entries(rates).every(([name, value]) => newest[name as keyof typeof rates] === value);
  if (same) return;
  const version = (newest?.version ?? 0) + 1;
  await prices.insertOne({ _id: `${entry.id}#${version}`, modelId: entry.id, version, validFrom: at, ...rates });
}

/**
 * Brings the catalogue of a file into the database: providers and models are replaced, changed prices become new
 * versions. Throws a readable error for a file that is not right.
 * @param overrides base URL per provider id, e.g. where the sandbox listens.
 */
export async function importCatalogue(
  path: string,
  overrides: Readonly<Record<string, string>> = {},
): Promise<{ models: number; providers: number }> {
  const parsed = catalogueFile.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (!parsed.success) throw new Error(`catalogue file ${path} is not right:\n${z.prettifyError(parsed.error)}`);
  const { providers, models } = parsed.data;
  for (const { id, baseUrl, ...rest } of providers) {
    await nativeCollection<ProviderDocument>(Provider).replaceOne(
      { _id: id },
      { baseUrl: overrides[id] ?? baseUrl, ...rest },
      { upsert: true },
    );
  }
  for (const entry of models) {
    const { id, price: _price, createdAt, routes, ...rest } = entry;
    const mapped = routes.map(({ provider, country, quirks, ...route }) => ({
      ...route,
      ...(country === undefined ? {} : { country }),
      providerId: provider,
      quirks: quirks as ResolvedRoute['quirks'],
    }));
    await nativeCollection<AiModelDocument>(AiModel).replaceOne(
      { _id: id },
      { ...rest, createdAt: new Date(createdAt), routes: mapped },
      { upsert: true },
    );
    await importPrice(entry, new Date());
  }
  return { models: models.length, providers: providers.length };
}
