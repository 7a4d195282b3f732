import { UNKNOWN_COUNTRY } from '../models/ai-model.ts';
import { nativeCollection } from '../models/connect.ts';
import { Request, type RequestDocument } from '../models/request.ts';

/** Who got something of an account's: the providers that its requests were sent to, as their attempts tell. */

export type Recipient = {
  providerId: string;
  /** ISO 3166-1, `ZZ` when it is not known. */
  country: string;
  /** Calls that carried content. */
  transfers: number;
  first: Date;
  last: Date;
};

const RECIPIENTS_MAX = 200;

/** Providers with what they were sent, the one with the most first; at most 200. */
export async function recipientsOf(accountId: string): Promise<Recipient[]> {
  const groups = await nativeCollection<RequestDocument>(Request)
    .aggregate<Omit<Recipient, 'providerId' | 'country'> & { _id: { providerId: string; country: string } }>([
      { $match: { accountId } },
      { $unwind: '$attempts' },
      {
        $group: {
          _id: {
            providerId: '$attempts.providerId',
            country: { $ifNull: ['$attempts.country', UNKNOWN_COUNTRY] },
          },
          transfers: { $sum: 1 },
          first: { $min: '$attempts.at' },
          last: { $max: '$attempts.at' },
        },
      },
      { $sort: { transfers: -1, '_id.providerId': 1, '_id.country': 1 } },
      { $limit: RECIPIENTS_MAX },
    ])
    .toArray();
  return groups.map(({ _id, transfers, first, last }) => ({ ..._id, transfers: Number(transfers), first, last }));
}
