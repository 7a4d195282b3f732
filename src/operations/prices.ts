import { z } from 'zod';
import { can } from '../auth/roles.ts';
import { approvePrice, priceProposer, proposePrice, rejectPrice } from '../billing/price-proposals.ts';
import { AppError } from '../errors.ts';
import { parseRub } from '../money.ts';
import { SLUG } from '../requests/catalogue-entries.ts';
import { type Given, operation, personOf, reason, withReason } from './define.ts';

/** Commands about what models cost. */

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

const price = z.strictObject({
  modelId: z.string().trim().regex(SLUG),
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

export const PRICE_OPERATIONS = {
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
