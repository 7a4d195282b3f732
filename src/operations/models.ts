import { z } from 'zod';
import { can } from '../auth/roles.ts';
import type { RouteQuirks } from '../models/ai-model.ts';
import { addRoute, changeModel, createModel, removeRoute, rewriteRoute } from '../requests/catalogue-edits.ts';
import {
  checkLimits,
  country,
  MODEL_MEMBERS,
  PROVIDER_MEMBERS,
  QUIRKS,
  ROUTE_MEMBERS,
  SLUG,
} from '../requests/catalogue-entries.ts';
import { changeRoute, switchModel, weighRoute } from '../requests/catalogue-switches.ts';
import { type Actor, operation, reason, version, withReason, yesNo } from './define.ts';

/** Commands about what customers may call, and by which routes it is served. */

/** A model and one of its routes. */
const ROUTE_TARGET = /^[\w./:@-]{1,128} [\w./:@-]{1,128}$/;

const word = z.string().trim();
const digits = word.regex(/^\d{1,9}$/, 'must be a whole number').transform(Number);

const modelTerms = {
  name: word.pipe(MODEL_MEMBERS.name),
  ownedBy: word.pipe(MODEL_MEMBERS.ownedBy),
  contextTokensMax: digits.pipe(MODEL_MEMBERS.contextTokensMax),
  outputTokensMax: digits.pipe(MODEL_MEMBERS.outputTokensMax),
  outputTokensDefault: digits.pipe(MODEL_MEMBERS.outputTokensDefault),
  mediaPartTokensMax: digits.pipe(MODEL_MEMBERS.mediaPartTokensMax),
};

const routePlace = digits.pipe(ROUTE_MEMBERS.priority);
const weight = digits.pipe(ROUTE_MEMBERS.weight);
const routeId = word.pipe(ROUTE_MEMBERS.id);

const routeTerms = {
  providerId: word.pipe(PROVIDER_MEMBERS.id),
  upstreamModel: word.pipe(ROUTE_MEMBERS.upstreamModel),
  routePlace,
  weight,
  enabled: yesNo,
  country: word.pipe(country).optional(),
  maxTokensParam: QUIRKS.maxTokensParam.optional(),
  noStreamOptions: yesNo.pipe(QUIRKS.noStreamOptions).optional(),
  reasoningOutsideCompletion: yesNo.pipe(QUIRKS.reasoningOutsideCompletion).optional(),
  dropParams: word
    .max(2_000)
    .transform((text) => text.split(/[\s,]+/).filter((name) => name !== ''))
    .pipe(QUIRKS.dropParams)
    .optional(),
};

type GivenRoute = z.output<z.ZodObject<typeof routeTerms>>;

/** What was left out is not among the quirks. */
function routeFrom(id: string, given: GivenRoute) {
  const { providerId, upstreamModel, enabled, country: stated, maxTokensParam, dropParams } = given;
  const quirks: RouteQuirks = {
    ...(maxTokensParam === undefined ? {} : { maxTokensParam }),
    ...(given.noStreamOptions ? { noStreamOptions: true } : {}),
    ...(given.reasoningOutsideCompletion ? { reasoningOutsideCompletion: true } : {}),
    ...(dropParams === undefined || dropParams.length === 0 ? {} : { dropParams }),
  };
  const where = { providerId, upstreamModel, priority: given.routePlace, weight: given.weight, enabled };
  return { id, ...where, ...(stated === undefined ? {} : { country: stated }), quirks };
}

function mayMove(actor: Actor): boolean {
  return actor.kind === 'script' || can(actor.role, 'providers.change');
}

/** The route that a command is about, and the version of its model that was seen. */
function seenRoute(targetId: string, seen: number) {
  const [id = '', route = ''] = targetId.split(' ');
  return { model: { id, version: seen }, route };
}

export const MODEL_OPERATIONS = {
  'models.create': operation(
    'routing.change',
    undefined,
    z.strictObject({ modelId: word.pipe(MODEL_MEMBERS.id), ...modelTerms, reason }).check(checkLimits),
    async ({ modelId, reason: _reason, ...given }) => {
      await createModel(modelId, given);
      return { madeId: modelId };
    },
  ),
  'models.change': operation(
    'routing.change',
    SLUG,
    z.strictObject({ version, ...modelTerms, reason }).check(checkLimits),
    ({ version: seen, reason: _reason, ...given }, { targetId }) => changeModel({ id: targetId, version: seen }, given),
  ),
  'models.enable': operation('routing.change', SLUG, withReason, (_input, { targetId }) => switchModel(targetId, true)),
  'models.disable': operation('routing.change', SLUG, withReason, (_input, { targetId }) =>
    switchModel(targetId, false),
  ),
  'models.route': operation(
    'routing.change',
    SLUG,
    z.strictObject({ route: routeId, enabled: yesNo, routePlace, reason }),
    ({ route, enabled, routePlace: priority }, { targetId }) =>
      changeRoute(targetId, { routeId: route, enabled, priority }),
  ),
  'models.set-weight': operation(
    'routing.change',
    SLUG,
    z.strictObject({ route: routeId, weight, reason }),
    (input, { targetId }) => weighRoute(targetId, { routeId: input.route, weight: input.weight }),
  ),
  'routes.add': operation(
    'routing.change',
    SLUG,
    z.strictObject({ version, route: routeId, ...routeTerms, reason }),
    ({ version: seen, route, ...given }, { actor, targetId }) =>
      addRoute({ id: targetId, version: seen }, routeFrom(route, given), mayMove(actor)),
  ),
  'routes.change': operation(
    'routing.change',
    ROUTE_TARGET,
    z.strictObject({ version, ...routeTerms, reason }),
    ({ version: seen, ...given }, { actor, targetId }) => {
      const { model, route } = seenRoute(targetId, seen);
      return rewriteRoute(model, routeFrom(route, given), mayMove(actor));
    },
  ),
  'routes.remove': operation(
    'routing.change',
    ROUTE_TARGET,
    z.strictObject({ version, reason }),
    ({ version: seen }, { targetId }) => {
      const { model, route } = seenRoute(targetId, seen);
      return removeRoute(model, route);
    },
  ),
};
