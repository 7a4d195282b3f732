import { createHmac, hkdfSync } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { z } from 'zod';
import type { MasterKeys } from './key-store.ts';
import { KEY_BYTES } from './sealing.ts';

/**
 * The blind index of e-mail addresses: whoever has an address and the installation's secrets can find its row, and
 * nobody can tell the address from the index. Its keys are derived from the versions of the master key and rotate with it.
 */

const LABEL = 'ocelotiq|account_contacts|email-index';
const ADDRESS_CHARACTERS_MAX = 254;
const LOCAL_CHARACTERS_MAX = 64;
const ADDRESS = /^[^\s@<>"'\p{Cc}]+@[^\s@<>"'\p{Cc}]+$/u;

export type EmailIndex = {
  /** Index of an address under the newest key. */
  newest: (email: string) => string;
  /** Under every configured key: what rows that were not indexed anew yet may have. */
  all: (email: string) => string[];
  /** Whether an index is under the newest key. */
  isNewest: (index: string) => boolean;
};

/** Case, Unicode form and the spelling of the domain make no difference; `undefined` for what is no address. */
function normalized(email: string): string | undefined {
  const text = email.trim().normalize('NFC');
  if (text.length > ADDRESS_CHARACTERS_MAX || !ADDRESS.test(text)) return undefined;
  const at = text.lastIndexOf('@');
  const domain = domainToASCII(text.slice(at + 1));
  if (at > LOCAL_CHARACTERS_MAX || domain === '') return undefined;
  return `${text.slice(0, at).toLowerCase()}@${domain}`;
}

/** An address as it was typed, without the space around it. */
export const emailAddress = z
  .string()
  .trim()
  .max(ADDRESS_CHARACTERS_MAX)
  .refine((text) => normalized(text) !== undefined, 'is not an e-mail address');

/** @param masterKeys version -> 32 bytes; the highest version indexes new addresses. */
export function createEmailIndex(masterKeys: MasterKeys): EmailIndex {
  const newest = Math.max(...masterKeys.keys());
  const keys = new Map(
    [...masterKeys].map(([version, key]) => [version, hkdfSync('sha256', key, '', LABEL, KEY_BYTES)]),
  );

  function indexOf(email: string, version: number): string {
    const [address, key] = [normalized(email), keys.get(version)];
    if (address === undefined || !key) throw new Error('no e-mail address, or no key to index it');
    const digest = createHmac('sha256', new Uint8Array(key)).update(address).digest('base64url');
    return `${version}:${digest}`;
  }

  return {
    newest: (email) => indexOf(email, newest),
    all: (email) => [...keys.keys()].map((version) => indexOf(email, version)),
    isNewest: (index) => index.startsWith(`${newest}:`),
  };
}
