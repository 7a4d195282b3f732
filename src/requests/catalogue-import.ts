import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import {
  AiModel,
  type AiModelDocument,
  Price,
  type PriceDocument,
  Provider,
  type ProviderDocument,
  type RouteQuirks,
  UNKNOWN_COUNTRY,
} from '../models/ai-model.ts';
import { nativeCollection } from '../models/connect.ts';
import { parseRub } from '../money.ts';
import { checkLimits, country, MODEL_MEMBERS, PROVIDER_MEMBERS, QUIRKS, ROUTE_MEMBERS } from './catalogue-entries.ts';

/** The catalogue of a file, for the first start. Afterwards the catalogue is the operators'. */

const MEDIA_PART_TOKENS_DEFAULT = 2_000;

const rub = z.string().transform((text, context) => {
  const micros = parseRub(text);
  if (micros !== undefined) return micros;
  context.addIssue({ code: 'custom', message: 'must be rubles such as "12.50"' });
  return z.NEVER;
});

const { maxTokensParam, noStreamOptions, dropParams, reasoningOutsideCompletion } = QUIRKS;

const catalogueFile = z.strictObject({
  providers: z.array(
    z.strictObject({
      ...PROVIDER_MEMBERS,
      kind: z.literal('openai-compatible'),
      headers: PROVIDER_MEMBERS.headers.default({}),
      country: country.default(UNKNOWN_COUNTRY),
      needsKey: PROVIDER_MEMBERS.needsKey.default(true),
      enabled: z.boolean().default(true),
    }),
  ),
  models: z.array(
    z
      .strictObject({
        ...MODEL_MEMBERS,
        createdAt: z.iso.date(),
        enabled: z.boolean().default(true),
        mediaPartTokensMax: MODEL_MEMBERS.mediaPartTokensMax.default(MEDIA_PART_TOKENS_DEFAULT),
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
            ...ROUTE_MEMBERS,
            provider: z.string(),
            priority: ROUTE_MEMBERS.priority.default(0),
            weight: ROUTE_MEMBERS.weight.default(0),
            enabled: ROUTE_MEMBERS.enabled.default(true),
            country: country.optional(),
            quirks: z
              .strictObject({
                maxTokensParam: maxTokensParam.optional(),
                noStreamOptions: noStreamOptions.optional(),
                dropParams: dropParams.optional(),
                reasoningOutsideCompletion: reasoningOutsideCompletion.optional(),
              })
              .default({}),
          }),
        ),
      })
      .check(checkLimits),
  ),
});

type CatalogueFile = z.infer<typeof catalogueFile>;
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
      quirks: quirks as RouteQuirks,
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

/** The provider that is part of the product. */
export const SANDBOX = 'sandbox';

/**
 * The sandbox is where this start has put it; without one (in production) nothing is sent there. Whether it is on is the
 * operators' as soon as they have said so.
 */
export async function placeSandbox(url: string | undefined): Promise<void> {
  const providers = nativeCollection<ProviderDocument>(Provider);
  await providers.updateOne({ _id: SANDBOX }, { $set: url ? { baseUrl: url } : { enabled: false } });
  if (url) await providers.updateOne({ _id: SANDBOX, version: { $exists: false } }, { $set: { enabled: true } });
}
