import type { Binary } from 'mongodb';
import { bytesOf } from '../models/connect.ts';
import type { TicketDocument, TicketMessage } from '../models/ticket.ts';

/** The texts of tickets, sealed under their account's key. */

export type TicketCipher = {
  seal: (accountId: string, context: string, plain: Uint8Array) => Promise<Buffer>;
  open: (accountId: string, context: string, sealed: Uint8Array) => Promise<Buffer>;
};

/** Where the sealed texts belong. */
export const ticketPlaces = {
  subject: (ticketId: string): string => `tickets|${ticketId}|subject`,
  texts: (ticketId: string): string => `tickets|${ticketId}|texts`,
};

export function sealText(
  { seal }: Pick<TicketCipher, 'seal'>,
  accountId: string,
  place: string,
  text: string,
): Promise<Buffer> {
  return seal(accountId, place, Buffer.from(text));
}

async function openText(
  { open }: Pick<TicketCipher, 'open'>,
  accountId: string,
  place: string,
  sealed: Uint8Array | Binary,
): Promise<string> {
  return (await open(accountId, place, bytesOf(sealed))).toString();
}

/** @throws when the account's key is gone. */
export function openSubject(
  { _id, accountId, subject }: Pick<TicketDocument, '_id' | 'accountId' | 'subject'>,
  cipher: Pick<TicketCipher, 'open'>,
): Promise<string> {
  return openText(cipher, accountId, ticketPlaces.subject(_id), subject);
}

/** The conversation in its order. @throws when the account's key is gone. */
export function openMessages(
  { _id, accountId, messages, texts }: Pick<TicketDocument, '_id' | 'accountId' | 'messages' | 'texts'>,
  cipher: Pick<TicketCipher, 'open'>,
): Promise<(TicketMessage & { text: string })[]> {
  return Promise.all(
    texts.map(async (sealed, index) => ({
      ...(messages[index] as TicketMessage),
      text: await openText(cipher, accountId, ticketPlaces.texts(_id), sealed),
    })),
  );
}
