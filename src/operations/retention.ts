import { z } from 'zod';
import { AppError } from '../errors.ts';
import { releaseLegalHold, setLegalHold } from '../privacy/legal-holds.ts';
import { runRetention } from '../privacy/retention.ts';
import { changeRetention, readPreview } from '../privacy/retention-settings.ts';
import { ROW_CLASSES } from '../privacy/row-classes.ts';
import { operation, personOf, reason, withReason } from './define.ts';

/** Commands about how long personal data is kept, and about what has to stay whatever its term says. */

const CLASS_ID = /^[a-z_.]{1,40}$/;

/** In the unit of the class: whole days or years. */
const term = z
  .string()
  .trim()
  .regex(/^\d{1,5}$/, 'a whole number is needed')
  .transform(Number);

const preview = z
  .string()
  .trim()
  .refine((text) => readPreview(text) !== undefined, 'is no preview');

export const RETENTION_OPERATIONS = {
  'retention.run': operation('privacy.execute', undefined, z.strictObject({}), async (_input, { actor, deps }) => {
    const { policy, purge } = deps;
    const { signal } = new AbortController();
    const how = { nowMs: Date.now(), defaults: policy.retentionDefaults, signal, ...purge };
    return { madeId: (await runRetention({ ...how, trigger: 'manual', by: personOf(actor) }))._id };
  }),
  'retention.set': operation(
    'privacy.execute',
    CLASS_ID,
    z.strictObject({ value: term, preview: preview.optional(), reason }),
    async (input, { actor, targetId, deps }) => {
      const row = ROW_CLASSES.find(({ id, purge }) => purge && id === targetId);
      if (!row) throw new AppError('not_found', { message: 'Nothing of this class is purged by age.' });
      const seen = input.preview === undefined ? undefined : readPreview(input.preview);
      const change = { row, value: input.value, by: personOf(actor), preview: seen };
      await changeRetention(change, deps.policy.retentionDefaults);
    },
  ),
  'holds.set': operation(
    'privacy.execute',
    'acc',
    z.strictObject({ norm: z.string().trim().min(5).max(500), reason }),
    async ({ norm }, { actor, targetId: accountId }) => ({
      madeId: (await setLegalHold({ accountId, norm, by: personOf(actor) }))._id,
    }),
  ),
  'holds.release': operation('privacy.execute', 'hld', withReason, (_input, { actor, targetId }) =>
    releaseLegalHold(targetId, personOf(actor)),
  ),
};
