import { randomBytes } from 'node:crypto';
import mongoose from 'mongoose';
import { type Authenticator, createAuthenticator } from '../../src/auth/authenticate.ts';
import { type IssuedKey, issueKey, type KeySettings, type Seal } from '../../src/auth/keys.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { Account, newAccount } from '../../src/models/account.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { createRedis } from '../../src/redis.ts';
import type { Stores } from '../helpers/stores.ts';

export const pepper = randomBytes(32);
export const cipher = createContentCipher(new Map([[1, randomBytes(32)]]));
export const seal: Seal = (accountId, context, plain) => cipher.seal(accountId, context, plain);
export const silent = createLogger({ role: 'test', level: 'silent' });

export const bearer = (key: string) => `Bearer ${key}`;

export async function makeAccount(): Promise<string> {
  const account = newAccount(newId('acc'), new Date());
  await Account.create(account);
  return account._id;
}

/** Issues a key of a fresh account. */
export async function issue(settings: Partial<KeySettings> = {}): Promise<IssuedKey> {
  const accountId = settings.accountId ?? (await makeAccount());
  return issueKey({ ...settings, accountId }, { pepper, seal, loopbackAllowed: true });
}

/** What one process has: an authenticator with a subscriber of its own. */
export type Desk = Authenticator & { leave(): Promise<void> };

export async function openDesk(
  stores: Stores,
  options: { redisUrl?: string; now?: () => number; monotonic?: () => number } = {},
): Promise<Desk> {
  const { redisUrl = stores.redisUrl, ...clocks } = options;
  const subscriber = createRedis(redisUrl, 'blocking', silent);
  const authenticator = createAuthenticator({ pepper, redisPrefix: stores.prefix, subscriber, log: silent, ...clocks });
  // Commands of one connection are answered in order: this one comes after the subscription.
  await subscriber.ping();
  return {
    ...authenticator,
    leave: async () => {
      await authenticator.close();
      subscriber.disconnect();
    },
  };
}

/** The names of the commands that MongoDB gets while `work` runs. */
export async function commandsDuring(work: () => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  const note = (event: { commandName: string }) => names.push(event.commandName);
  const client = mongoose.connection.getClient();
  client.on('commandStarted', note);
  try {
    await work();
  } finally {
    client.off('commandStarted', note);
  }
  return names;
}
