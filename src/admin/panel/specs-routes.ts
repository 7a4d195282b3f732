import type { Document } from 'mongodb';
import { AppError } from '../../errors.ts';
import { AiModel, type AiModelDocument } from '../../models/ai-model.ts';
import { nativeCollection } from '../../models/connect.ts';
import type { SharedRouteHealth } from '../../providers/route-health.ts';
import { choiceField, exactField, switchField, textField, timeField } from './fields.ts';
import type { PanelFacts, PanelSpec } from './spec.ts';

/** Every route of every model: its place and weight, and how it stands in the workers. */

const MODELS_MAX = 500;
const READ_TIMEOUT_MS = 3_000;
const PERCENT = 100;

/** `idle`: no worker has called it lately, and none keeps it closed off. */
const STATES = ['idle', 'closed', 'half_open', 'open'] as const;

function unavailable(cause: unknown): never {
  throw new AppError('unavailable', { cause });
}

function healthMembers(health: SharedRouteHealth | undefined): Document {
  if (!health) return { state: 'idle' };
  const { state, sinceMs, calls, failed, inState, workers } = health;
  const rate = calls === 0 ? '—' : `${((failed / calls) * PERCENT).toFixed(1)} %`;
  return {
    state,
    errors: `${rate} (${failed} / ${calls})`,
    inState: `${inState} / ${workers}`,
    ...(sinceMs === undefined ? {} : { since: new Date(sinceMs) }),
  };
}

async function rows({ routeHealth }: PanelFacts): Promise<Document[]> {
  const [models, health] = await Promise.all([
    nativeCollection<AiModelDocument>(AiModel)
      .find({}, { projection: { routes: 1, enabled: 1 }, maxTimeMS: READ_TIMEOUT_MS })
      .sort({ _id: 1 })
      .limit(MODELS_MAX)
      .toArray(),
    routeHealth().catch(unavailable),
  ]);
  const byRoute = new Map(health.map((one) => [one.routeId, one]));
  return models.flatMap(({ _id: modelId, enabled, routes }) =>
    [...routes]
      .sort((a, b) => a.priority - b.priority)
      .map((route) => ({
        _id: `${modelId} ${route.id}`,
        modelId,
        route: route.id,
        providerId: route.providerId,
        priority: route.priority,
        weight: route.weight ?? 0,
        enabled: enabled && route.enabled,
        ...healthMembers(byRoute.get(route.id)),
      })),
  );
}

export const ROUTES: PanelSpec = {
  id: 'routes',
  collection: rows,
  icon: 'GitBranch',
  permission: 'routing.read',
  title: 'route',
  fields: [
    exactField('id', { path: '_id', isHidden: true }),
    exactField('route', { listed: true }),
    exactField('modelId', { listed: true }),
    exactField('providerId', { listed: true }),
    textField('routePlace', { path: 'priority', listed: true }),
    textField('weight', { listed: true }),
    switchField('enabled', { listed: true }),
    choiceField('breakerState', STATES, { path: 'state', listed: true }),
    timeField('breakerSince', { path: 'since', listed: true }),
    textField('recentErrors', { path: 'errors', listed: true }),
    textField('inState', { listed: true }),
  ],
  related: [{ resourceId: 'models', filter: 'modelId', by: 'modelId' }],
};
