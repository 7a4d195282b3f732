import { AppError } from '../errors.ts';
import { AiModel, type AiModelDocument, Provider, type ProviderDocument } from '../models/ai-model.ts';
import { nativeCollection } from '../models/connect.ts';

/** What operators change in the catalogue while it is in use; every process reads it again within seconds. */

const models = () => nativeCollection<AiModelDocument>(AiModel);
const providers = () => nativeCollection<ProviderDocument>(Provider);

/** Offers a model, or takes it off. What runs is finished. @throws `not_found`. */
export async function switchModel(modelId: string, enabled: boolean): Promise<void> {
  const { matchedCount } = await models().updateOne({ _id: modelId }, { $set: { enabled }, $inc: { version: 1 } });
  if (matchedCount !== 1) throw new AppError('not_found', { message: 'There is no such model.' });
}

/** Sends requests to a provider, or none. @throws `not_found`. */
export async function switchProvider(providerId: string, enabled: boolean): Promise<void> {
  const { matchedCount } = await providers().updateOne(
    { _id: providerId },
    { $set: { enabled }, $inc: { version: 1 } },
  );
  if (matchedCount !== 1) throw new AppError('not_found', { message: 'There is no such provider.' });
}

/** Turns one route of a model on or off and gives it its place: the smallest number is tried first. @throws `not_found`. */
export async function changeRoute(
  modelId: string,
  route: { routeId: string; enabled: boolean; priority: number },
): Promise<void> {
  const { matchedCount } = await models().updateOne(
    { _id: modelId, 'routes.id': route.routeId },
    { $set: { 'routes.$.enabled': route.enabled, 'routes.$.priority': route.priority }, $inc: { version: 1 } },
  );
  if (matchedCount !== 1) throw new AppError('not_found', { message: 'There is no such route of this model.' });
}

/** Gives one route of a model its share of the first calls, from 0 to 100 against the others'. @throws `not_found`. */
export async function weighRoute(
  modelId: string,
  { routeId, weight }: { routeId: string; weight: number },
): Promise<void> {
  const { matchedCount } = await models().updateOne(
    { _id: modelId, 'routes.id': routeId },
    { $set: { 'routes.$.weight': weight }, $inc: { version: 1 } },
  );
  if (matchedCount !== 1) throw new AppError('not_found', { message: 'There is no such route of this model.' });
}
