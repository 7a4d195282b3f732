import { allowsModel } from '../../auth/principal.ts';
import { AppError } from '../../errors.ts';
import { formatRub } from '../../money.ts';
import type { CatalogueModel } from '../../requests/catalogue.ts';
import { type ApiDependencies, type Handler, principalOf } from '../context.ts';

function presentModel({ model, price }: CatalogueModel) {
  return {
    id: model._id,
    object: 'model',
    created: Math.floor(model.createdAt.getTime() / 1_000),
    owned_by: model.ownedBy,
    name: model.name,
    context_length: model.contextTokensMax,
    max_output_tokens: model.outputTokensMax,
    default_max_output_tokens: model.outputTokensDefault,
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
      .filter(({ model }) => allowsModel(principal, model._id))
      .map(presentModel);
    response.json({ object: 'list', data });
  };
}

/** `GET /v1/models/{id}`: ids may contain slashes, sent plainly or as %2F. */
export function showModel({ catalogue }: Pick<ApiDependencies, 'catalogue'>): Handler {
  return (request, response) => {
    const segments: unknown = request.params.modelId;
    const modelId = Array.isArray(segments) ? segments.join('/') : String(segments);
    const found = allowsModel(principalOf(request), modelId) ? catalogue.find(modelId) : undefined;
    if (!found) throw new AppError('model_not_found', { param: 'model' });
    response.json(presentModel(found));
  };
}
