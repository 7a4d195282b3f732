import { CREDITED_KEPT_MAX, type Guarded } from './account-updates.ts';

export type CorrectRequest = {
  accountId: string;
  entryId: string;
  /** What the balance is above the sum of all entries. */
  amountMicros: bigint;
  /** The account as it was examined; the correction is made to exactly this one. */
  seen: { seq: bigint; availableMicros: bigint; heldMicros: bigint; open: number };
  /** The sum of its holds, changed ones restored, and their number before that. */
  heldMicros: bigint;
  holds: number;
  restored: readonly { requestId: string; fromMicros: bigint; toMicros: bigint }[];
};

/**
 * Makes the books tell the balance: appends an entry for what they do not explain and leaves the balance as it is. What
 * is held and open is counted anew from the holds, holds that were changed get their amounts back, and one that gets nothing
 * back, because no request has it, goes.
 */
export function correctUpdate(request: CorrectRequest): Guarded {
  const { accountId, entryId, amountMicros, seen, heldMicros, holds, restored } = request;
  const amountOf = (requestId: string) => `holds.${requestId}.amountMicros`;
  const gone = restored.filter(({ toMicros }) => toMicros === 0n).map(({ requestId }) => `holds.${requestId}`);
  const balanceMicros = seen.availableMicros + seen.heldMicros;
  const entry = {
    _id: { $literal: entryId },
    seq: { $add: ['$seq', 1n] },
    amountMicros: { $literal: amountMicros },
    afterMicros: { $literal: balanceMicros },
    kind: { $literal: 'adjustment' },
    at: '$$NOW',
  };
  return {
    filter: {
      _id: accountId,
      ...seen,
      ...Object.fromEntries(restored.map(({ requestId, fromMicros }) => [amountOf(requestId), fromMicros])),
      credited: { $ne: entryId },
      'outbox._id': { $ne: entryId },
    },
    update: [
      {
        $set: {
          ...Object.fromEntries(
            restored.map(({ requestId, toMicros }) => [amountOf(requestId), { $literal: toMicros }]),
          ),
          seq: { $add: ['$seq', 1n] },
          availableMicros: { $literal: balanceMicros - heldMicros },
          heldMicros: { $literal: heldMicros },
          open: { $literal: holds - gone.length },
          outbox: { $concatArrays: ['$outbox', [entry]] },
          credited: { $slice: [{ $concatArrays: ['$credited', [{ $literal: entryId }]] }, -CREDITED_KEPT_MAX] },
        },
      },
      ...(gone.length > 0 ? [{ $unset: gone }] : []),
    ],
  };
}
