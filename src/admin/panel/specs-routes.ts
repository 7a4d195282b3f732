import type { Document } from 'mongodb';
import { AppError } from '../../errors.ts';
import { AiModel, type AiModelDocument, CATALOGUE_MAX } from '../../models/ai-model.ts';
import { nativeCollection } from '../../models/connect.ts';
import type { SharedRouteHealth } from '../../providers/route-health.ts';
import { choiceField, exactField, switchField, textField, timeField, versionField } from './fields.ts';
import { filled, ROUTE_FORM } from './forms-routing.ts';
import { type PanelFacts, type PanelSpec, REASON, SEEN_VERSION } from './spec.ts';

/** Every route of every model: where it leads, its place and weight, and how it stands in the workers. */

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
      .find({}, { projection: { routes: 1, enabled: 1, version: 1 }, maxTimeMS: READ_TIMEOUT_MS })
      .sort({ _id: 1 })
      .limit(CATALOGUE_MAX.models)
      .toArray(),
    routeHealth().catch(unavailable),
  ]);
  const byRoute = new Map(health.map((one) => [one.routeId, one]));
  return models.flatMap(({ _id: modelId, enabled, routes, version }) =>
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
        routeOn: route.enabled,
        upstreamModel: route.upstreamModel,
        country: route.country,
        ...route.quirks,
        version,
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
    textField('upstreamModel'),
    textField('country'),
    textField('maxTokensParam'),
    switchField('noStreamOptions'),
    switchField('reasoningOutsideCompletion'),
    textField('dropParams'),
    switchField('routeOn', { isHidden: true }),
    versionField(),
  ],
  commands: [
    {
      action: 'rewriteRoute',
      operation: 'routes.change',
      icon: 'Edit',
      fields: [
        SEEN_VERSION,
        ...filled(ROUTE_FORM).map((field) => (field.name === 'enabled' ? { ...field, filledFrom: 'routeOn' } : field)),
        REASON,
      ],
    },
    {
      action: 'removeRoute',
      operation: 'routes.remove',
      icon: 'Trash2',
      fields: [SEEN_VERSION, REASON],
      when: ({ routeOn }) => routeOn === 'no',
      isDangerous: true,
    },
  ],
  related: [{ resourceId: 'models', filter: 'modelId', by: 'modelId' }],
};
