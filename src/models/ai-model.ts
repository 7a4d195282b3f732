import { model, Schema } from 'mongoose';

/** The catalogue: what clients may call, where it is sent, what it costs. Data, not code. */

export const PROVIDER_KINDS = ['openai-compatible'] as const;

/** All of it is read every few seconds by every process. */
export const CATALOGUE_MAX = { providers: 200, models: 500, routesOfModel: 50, headersOfProvider: 20 } as const;

/** Where an upstream works, as ISO 3166-1 alpha-2. `ZZ` is not known, and counts as abroad. */
export const UNKNOWN_COUNTRY = 'ZZ';
const country = { type: String, match: /^[A-Z]{2}$/ } as const;

/** Differences of one upstream that the adapter has to mind (facts about providers, not about us). */
export type RouteQuirks = {
  /** Name of the output limit in the upstream's body. */
  maxTokensParam?: 'max_tokens' | 'max_completion_tokens';
  /** The upstream refuses `stream_options`; usage is then estimated unless it comes by itself. */
  noStreamOptions?: boolean;
  /** Top-level members the upstream refuses; they are removed. */
  dropParams?: string[];
  /** Reasoning tokens come on top of completion_tokens instead of inside them. */
  reasoningOutsideCompletion?: boolean;
};

export type Route = {
  id: string;
  providerId: string;
  upstreamModel: string;
  /** Its place: the smallest is tried first. */
  priority: number;
  /** Its share of the first calls of its model; absent in rows of earlier versions, as 0 is. */
  weight?: number;
  enabled: boolean;
  /** Where this one goes, when it is another country than its provider's. */
  country?: string;
  quirks: RouteQuirks;
  /** When staff added it; absent when it came with the file of the first start. */
  addedAt?: Date;
};

/** How often staff changed it, so that nobody writes over what he has not seen; absent until the first time. */
type Versioned = { version?: number };
const version = { type: Number, min: 1 } as const;

export type AiModelDocument = Versioned & {
  _id: string;
  name: string;
  ownedBy: string;
  createdAt: Date;
  enabled: boolean;
  contextTokensMax: number;
  /** Largest output a client may ask for. */
  outputTokensMax: number;
  /** Output limit applied (and priced in the hold) when the client gives none. */
  outputTokensDefault: number;
  /** Upper bound of tokens one image or audio part may cost; text is bounded by its bytes. */
  mediaPartTokensMax: number;
  routes: Route[];
};

const modelSchema = new Schema<AiModelDocument>(
  {
    _id: { type: String, required: true },
    name: { type: String, required: true },
    ownedBy: { type: String, required: true },
    createdAt: { type: Date, required: true },
    enabled: { type: Boolean, default: true },
    contextTokensMax: { type: Number, required: true },
    outputTokensMax: { type: Number, required: true },
    outputTokensDefault: { type: Number, required: true },
    mediaPartTokensMax: { type: Number, required: true },
    routes: [
      {
        _id: false,
        id: { type: String, required: true },
        providerId: { type: String, required: true },
        upstreamModel: { type: String, required: true },
        priority: { type: Number, default: 0 },
        weight: { type: Number, min: 0, max: 100, default: 0 },
        enabled: { type: Boolean, default: true },
        country,
        quirks: { type: Schema.Types.Mixed, default: {} },
        addedAt: Date,
      },
    ],
    version,
  },
  { collection: 'models', versionKey: false, minimize: false, strict: 'throw' },
);
export const AiModel = model('AiModel', modelSchema);

export type ProviderDocument = Versioned & {
  _id: string;
  kind: (typeof PROVIDER_KINDS)[number];
  baseUrl: string;
  /** Extra headers of every call, e.g. an organisation or a data-logging switch. Never secrets. */
  headers: Record<string, string>;
  /** Where it works; absent in rows of earlier versions. */
  country?: string;
  /** False for upstreams that take no key, such as the sandbox. */
  needsKey: boolean;
  enabled: boolean;
};

const providerSchema = new Schema<ProviderDocument>(
  {
    _id: { type: String, required: true },
    kind: { type: String, enum: PROVIDER_KINDS, required: true },
    baseUrl: { type: String, required: true },
    headers: { type: Schema.Types.Mixed, default: {} },
    country,
    needsKey: { type: Boolean, default: true },
    enabled: { type: Boolean, default: true },
    version,
  },
  { collection: 'providers', versionKey: false, minimize: false, strict: 'throw' },
);
export const Provider = model('Provider', providerSchema);

/** Micro-rubles for a million tokens of each class, and a fixed part for each request. */
export type PriceRates = {
  inputMicrosPerMillion: bigint;
  cachedInputMicrosPerMillion: bigint;
  cacheWriteMicrosPerMillion: bigint;
  outputMicrosPerMillion: bigint;
  reasoningMicrosPerMillion: bigint;
  requestMicros: bigint;
};

/** One version of a model's price. Versions are never edited; a new one gets a later `validFrom`. */
export type PriceDocument = PriceRates & { _id: string; modelId: string; version: number; validFrom: Date };

const rate = { type: BigInt, required: true } as const;
const priceSchema = new Schema<PriceDocument>(
  {
    _id: { type: String, required: true },
    modelId: { type: String, required: true },
    version: { type: Number, required: true },
    validFrom: { type: Date, required: true },
    inputMicrosPerMillion: rate,
    cachedInputMicrosPerMillion: rate,
    cacheWriteMicrosPerMillion: rate,
    outputMicrosPerMillion: rate,
    reasoningMicrosPerMillion: rate,
    requestMicros: rate,
  },
  { collection: 'prices', versionKey: false, strict: 'throw' },
);
priceSchema.index({ modelId: 1, version: 1 }, { unique: true });

export const Price = model('Price', priceSchema);
