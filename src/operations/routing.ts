import { z } from 'zod';
import { can } from '../auth/roles.ts';
import { approvePrice, priceProposer, proposePrice, rejectPrice } from '../billing/price-proposals.ts';
import { AppError } from '../errors.ts';
import { parseRub } from '../money.ts';
import { changeRoute, switchModel, switchProvider, weighRoute } from '../requests/catalogue-switches.ts';
import { type Given, operation, personOf, reason, withReason } from './define.ts';

/** Commands about what is sold, where it is sent and what it costs. */

const MODEL_ID = /^[\w./:@-]{1,128}$/;
const PROVIDER_ID = /^[a-z0-9_]{1,40}$/;
/** Goes into a header as it is. */
const PROVIDER_KEY = /^[\x21-\x7e]{8,512}$/;
const PRIORITY_MAX = 1_000;
const WEIGHT_MAX = 100;

const rubles = z
  .string()
  .trim()
  .max(30)
  .transform((text, context) => {
    const micros = parseRub(text.replaceAll(/[ \u00a0]/g, '').replace(',', '.'));
    if (micros !== undefined) return micros;
    context.addIssue({ code: 'custom', message: 'rubles are needed, such as 12.50' });
    return z.NEVER;
  });

const priority = z
  .string()
  .trim()
  .regex(/^\d{1,4}$/)
  .transform(Number)
  .pipe(z.number().max(PRIORITY_MAX));

const weight = z
  .string()
  .trim()
  .regex(/^\d{1,3}$/)
  .transform(Number)
  .pipe(z.number().max(WEIGHT_MAX));

const price = z.strictObject({
  modelId: z.string().trim().regex(MODEL_ID),
  input: rubles,
  output: rubles,
  cachedInput: rubles.optional(),
  cacheWrite: rubles.optional(),
  reasoning: rubles.optional(),
  request: rubles.optional(),
  validFrom: z.iso.datetime().transform((text) => new Date(text)),
  reason,
});

/** What is left out costs what its class costs. */
function ratesOf(given: z.output<typeof price>) {
  return {
    inputMicrosPerMillion: given.input,
    cachedInputMicrosPerMillion: given.cachedInput ?? given.input,
    cacheWriteMicrosPerMillion: given.cacheWrite ?? given.input,
    outputMicrosPerMillion: given.output,
    reasoningMicrosPerMillion: given.reasoning ?? given.output,
    requestMicros: given.request ?? 0n,
  };
}

/** Those who may approve may reject; the proposer may take his own back. */
async function reject({ actor, targetId }: Given): Promise<void> {
  const isOwn = (await priceProposer(targetId)) === personOf(actor);
  if (actor.kind === 'staff' && !isOwn && !can(actor.role, 'prices.approve')) throw new AppError('staff_forbidden');
  await rejectPrice(targetId, personOf(actor), Date.now());
}

export const ROUTING_OPERATIONS = {
  'models.enable': operation('routing.change', MODEL_ID, withReason, (_input, { targetId }) =>
    switchModel(targetId, true),
  ),
  'models.disable': operation('routing.change', MODEL_ID, withReason, (_input, { targetId }) =>
    switchModel(targetId, false),
  ),
  'models.route': operation(
    'routing.change',
    MODEL_ID,
    z.strictObject({ route: z.string().trim().regex(MODEL_ID), enabled: z.enum(['yes', 'no']), priority, reason }),
    (input, { targetId }) =>
      changeRoute(targetId, { routeId: input.route, enabled: input.enabled === 'yes', priority: input.priority }),
  ),
  'models.set-weight': operation(
    'routing.change',
    MODEL_ID,
    z.strictObject({ route: z.string().trim().regex(MODEL_ID), weight, reason }),
    (input, { targetId }) => weighRoute(targetId, { routeId: input.route, weight: input.weight }),
  ),
  'providers.enable': operation('routing.change', PROVIDER_ID, withReason, (_input, { targetId }) =>
    switchProvider(targetId, true),
  ),
  'providers.disable': operation('routing.change', PROVIDER_ID, withReason, (_input, { targetId }) =>
    switchProvider(targetId, false),
  ),
  'providers.set-key': operation(
    ['provider-keys.rotate', 'provider-keys.change'],
    PROVIDER_ID,
    z.strictObject({ apiKey: z.string().trim().regex(PROVIDER_KEY, 'is not a key'), reason }),
    ({ apiKey }, { actor, targetId, deps }) => {
      const mayAdd = actor.kind === 'script' || can(actor.role, 'provider-keys.change');
      return deps.providerKeys.set(targetId, apiKey, { by: personOf(actor), mayAdd });
    },
  ),
  'providers.remove-key': operation('provider-keys.change', PROVIDER_ID, withReason, (_input, { targetId, deps }) =>
    deps.providerKeys.remove(targetId),
  ),
  'prices.propose': operation('prices.propose', undefined, price, async (input, { actor }) => {
    const { modelId, reason: why, validFrom } = input;
    const wish = { modelId, rates: ratesOf(input), validFrom, reason: why, by: personOf(actor) };
    return { madeId: (await proposePrice(wish, Date.now()))._id };
  }),
  'prices.approve': operation('prices.approve', 'ppr', withReason, (_input, { actor, targetId }) =>
    approvePrice(targetId, personOf(actor), Date.now()),
  ),
  'prices.reject': operation(['prices.approve', 'prices.propose'], 'ppr', withReason, (_input, given) => reject(given)),
};
