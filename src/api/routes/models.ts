import { allowsModel, type Principal } from '../../auth/principal.ts';
import { AppError } from '../../errors.ts';
import { formatRub } from '../../money.ts';
import type { CatalogueModel } from '../../requests/catalogue.ts';
import { openRoutes } from '../../requests/cross-border.ts';
import { type ApiDependencies, type Handler, principalOf } from '../context.ts';

/** The countries where the model's routes lead that are open to the caller, in the order in which they are tried. */
function countriesOf(model: CatalogueModel, { domesticOnly }: Principal): string[] {
  return [...new Set(openRoutes(model, domesticOnly).map(({ country }) => country))];
}

function mayCall({ model, routes }: CatalogueModel, principal: Principal): boolean {
  return allowsModel(principal, model._id) && openRoutes({ routes }, principal.domesticOnly).length > 0;
}

function presentModel(entry: CatalogueModel, principal: Principal) {
  const { model, price } = entry;
  return {
    id: model._id,
    object: 'model',
    created: Math.floor(model.createdAt.getTime() / 1_000),
    owned_by: model.ownedBy,
    name: model.name,
    context_length: model.contextTokensMax,
    max_output_tokens: model.outputTokensMax,
    default_max_output_tokens: model.outputTokensDefault,
    provider_countries: countriesOf(entry, principal),
    pricing: {
      currency: 'RUB',
      version: price.priceId,
      input: formatRub(price.inputMicrosPerMillion),
      cached_input: formatRub(price.cachedInputMicrosPerMillion),
      cache_write: formatRub(price.cacheWriteMicrosPerMillion),
      output: formatRub(price.outputMicrosPerMillion),
      reasoning: formatRub(price.reasoningMicrosPerMillion),
      request: formatRub(price.requestMicros),
    },
  };
}

/** `GET /v1/models`: the models this key may call. */
export function listModels({ catalogue }: Pick<ApiDependencies, 'catalogue'>): Handler {
  return (request, response) => {
    const principal = principalOf(request);
    const data = catalogue
      .list()
      .filter((entry) => mayCall(entry, principal))
      .map((entry) => presentModel(entry, principal));
    response.json({ object: 'list', data });
  };
}

/** `GET /v1/models/{id}`: ids may contain slashes, sent plainly or as %2F. */
export function showModel({ catalogue }: Pick<ApiDependencies, 'catalogue'>): Handler {
  return (request, response) => {
    const segments: unknown = request.params.modelId;
    const modelId = Array.isArray(segments) ? segments.join('/') : String(segments);
    const principal = principalOf(request);
    const found = catalogue.find(modelId);
    if (!found || !mayCall(found, principal)) throw new AppError('model_not_found', { param: 'model' });
    response.json(presentModel(found, principal));
  };
}
