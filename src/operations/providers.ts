import { z } from 'zod';
import { can } from '../auth/roles.ts';
import { UNKNOWN_COUNTRY } from '../models/ai-model.ts';
import { changeProvider, createProvider } from '../requests/catalogue-edits.ts';
import { HEADER, PROVIDER_ID, PROVIDER_MEMBERS } from '../requests/catalogue-entries.ts';
import { switchProvider } from '../requests/catalogue-switches.ts';
import { operation, personOf, reason, version, withReason, yesNo } from './define.ts';

/** Commands about upstreams. Where one is, and so where its key and customers' texts go, is for admins alone. */

/** Goes into a header as it is. */
const PROVIDER_KEY = /^[\x21-\x7e]{8,512}$/;

/** Lines such as `x-data-logging-enabled: false`; a name without a value takes the header away. */
const headerLines = z
  .string()
  .max(2_000)
  .default('')
  .transform((text, context) => {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const pairs = lines.map((line) => /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/.exec(line));
    if (pairs.every((pair) => pair !== null)) return Object.fromEntries(pairs.map(([, name, value]) => [name, value]));
    context.addIssue({ code: 'custom', message: 'each line must be name: value' });
    return z.NEVER;
  })
  .pipe(z.record(HEADER.name, z.union([z.literal(''), HEADER.value])));

const terms = {
  baseUrl: z.string().trim().pipe(PROVIDER_MEMBERS.baseUrl),
  country: z.string().trim().pipe(PROVIDER_MEMBERS.country).default(UNKNOWN_COUNTRY),
  needsKey: yesNo,
  headers: headerLines,
};

export const PROVIDER_OPERATIONS = {
  'providers.create': operation(
    'providers.change',
    undefined,
    z.strictObject({ provider: z.string().trim().pipe(PROVIDER_MEMBERS.id), ...terms, reason }),
    async ({ provider, reason: _reason, ...given }) => {
      await createProvider(provider, given);
      return { madeId: provider };
    },
  ),
  'providers.change': operation(
    'providers.change',
    PROVIDER_ID,
    z.strictObject({ version, ...terms, reason }),
    ({ version: seen, reason: _reason, ...given }, { targetId }) =>
      changeProvider({ id: targetId, version: seen }, given),
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
};
