import { AppError } from '../errors.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { AccountContact, type AccountContactDocument, type ContactLanguage } from '../models/account-contact.ts';
import { nativeCollection } from '../models/connect.ts';
import type { ContentCipher } from './content-key.ts';
import type { EmailIndex } from './email-index.ts';
import { toBytes } from './sealing.ts';

/** How to write to an account's owner, and finding accounts by it. */

export type Contact = { email: string; language: ContactLanguage };

/** An address belongs to few accounts; more than these are not told. */
const FOUND_MAX = 50;
const BATCH_MAX = 500;

const contacts = () => nativeCollection<AccountContactDocument>(AccountContact);
export const emailPlace = (accountId: string): string => `account_contacts|${accountId}|email`;

/**
 * Sets or replaces the contact of an account.
 * @param by a member of staff, or a script.
 * @throws `not_found`, also for an account that was closed.
 */
export async function setContact(
  accountId: string,
  { email, language }: Contact,
  by: string,
  { cipher, emailIndex }: { cipher: Pick<ContentCipher, 'seal'>; emailIndex: EmailIndex },
): Promise<void> {
  const account = await nativeCollection<AccountDocument>(Account).findOne(
    { _id: accountId, status: { $ne: 'closed' } },
    { projection: { _id: 1 } },
  );
  if (!account) throw new AppError('not_found', { message: 'There is no such account.' });
  const sealed = await cipher.seal(accountId, emailPlace(accountId), Buffer.from(email));
  const set = { email: sealed, emailIndex: emailIndex.newest(email), language, changedAt: new Date(), changedBy: by };
  await contacts().updateOne({ _id: accountId }, { $set: set }, { upsert: true });
}

/** `undefined` when none was given. @throws when the account's key is gone. */
export async function contactOf(accountId: string, cipher: Pick<ContentCipher, 'open'>): Promise<Contact | undefined> {
  const found = await contacts().findOne({ _id: accountId }, { projection: { email: 1, language: 1 } });
  if (!found) return undefined;
  const email = await cipher.open(accountId, emailPlace(accountId), toBytes(found.email));
  return { email: email.toString(), language: found.language };
}

/** Ids of the accounts whose owner has exactly this address, newest first; 50 at most. */
export async function accountsOfEmail(email: string, emailIndex: Pick<EmailIndex, 'all'>): Promise<string[]> {
  const found = await contacts()
    .find({ emailIndex: { $in: emailIndex.all(email) } }, { projection: { _id: 1 } })
    .sort({ _id: -1 })
    .limit(FOUND_MAX)
    .toArray();
  return found.map(({ _id }) => _id);
}

/** What is shown to those who need not know the address: enough to recognise it, e.g. `i…@example.org`. */
export function maskEmail(email: string): string {
  const at = email.lastIndexOf('@');
  const [first = ''] = email;
  return `${first}…${email.slice(at)}`;
}

/**
 * Indexes every address under the newest master key, so that the older may go. What changes meanwhile is under the
 * newest already; what cannot be opened is left and counted.
 */
export async function indexContactsAnew(
  { cipher, emailIndex }: { cipher: Pick<ContentCipher, 'open'>; emailIndex: EmailIndex },
  signal: AbortSignal,
): Promise<{ changed: number; unreadable: number }> {
  const report = { changed: 0, unreadable: 0 };
  for (let afterId = ''; !signal.aborted; ) {
    const page = await contacts()
      .find({ _id: { $gt: afterId } }, { projection: { emailIndex: 1 } })
      .sort({ _id: 1 })
      .limit(BATCH_MAX)
      .toArray();
    const last = page.at(-1);
    if (!last) break;
    for (const { _id, emailIndex: old } of page.filter((one) => !emailIndex.isNewest(one.emailIndex))) {
      const contact = await contactOf(_id, cipher).catch(() => undefined);
      if (!contact) {
        report.unreadable++;
        continue;
      }
      const change = { $set: { emailIndex: emailIndex.newest(contact.email) } };
      report.changed += (await contacts().updateOne({ _id, emailIndex: old }, change)).modifiedCount;
    }
    afterId = last._id;
  }
  return report;
}
