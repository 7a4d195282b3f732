import { parseArgs } from 'node:util';
import { isId } from '../src/ids.ts';
import { indexContactsAnew } from '../src/privacy/account-contact.ts';
import { createContentCipher } from '../src/privacy/content-key.ts';
import { createEmailIndex } from '../src/privacy/email-index.ts';
import { createKeyStore } from '../src/privacy/key-store.ts';
import { resealAccount } from '../src/privacy/reseal.ts';
import { createProviderKeyStore } from '../src/requests/provider-keys.ts';
import { runScript, table, UsageError } from './environment.ts';

const USAGE = `Usage: npm run keys -- <command>

  status                     keys by version of the master key, and rotations that are not over
  rotate-master              wrap data keys, index e-mails, seal providers' keys under the newest of MASTER_KEYS
  rotate-account <account>   a new data key, and what is stored sealed again under it
  reseal <account>           goes on with that; drops the older keys when nothing is under them any more`;

type Command = (masterKeys: ReadonlyMap<number, Uint8Array>) => Promise<string>;

const status: Command = async (masterKeys) => {
  const { masterKeyVersion, accountsByMasterKey, rotating, destroyed } = await createKeyStore(masterKeys).status();
  return table([
    ['newest master key', String(masterKeyVersion)],
    ...Object.entries(accountsByMasterKey).map(([version, count]) => [`keys under version ${version}`, String(count)]),
    ['accounts being rotated', String(rotating)],
    ['accounts without a key any more', String(destroyed)],
  ]);
};

const rotateMaster: Command = async (masterKeys) => {
  const [store, { signal }] = [createKeyStore(masterKeys), new AbortController()];
  const keys = await store.rotateMaster(signal);
  const cipher = createContentCipher(masterKeys, store);
  const contacts = await indexContactsAnew({ cipher, emailIndex: createEmailIndex(masterKeys) }, signal);
  const left = (count: number) => (count === 0 ? '' : `; ${count} do not open and were left as they are`);
  const upstreams = await createProviderKeyStore(masterKeys).sealAnew();
  return [
    `${keys.changed} accounts have their keys under master key ${Math.max(...masterKeys.keys())} now${left(keys.unreadable)}`,
    `${contacts.changed} e-mail addresses are indexed anew${left(contacts.unreadable)}`,
    `${upstreams.changed} keys of providers are sealed anew${left(upstreams.unreadable)}`,
  ].join('\n');
};

async function reseal(accountId: string, masterKeys: ReadonlyMap<number, Uint8Array>): Promise<string> {
  const store = createKeyStore(masterKeys);
  const cipher = createContentCipher(masterKeys, store);
  const report = await resealAccount(accountId, { store, cipher }, new AbortController().signal);
  const older = report.dropped ? 'dropped' : 'kept until everything is sealed anew; run reseal again in two minutes';
  return `${report.resealed} fields sealed under version ${report.version}; older keys: ${older}`;
}

function ofAccount(accountId: string | undefined, act: (accountId: string) => Command): Command {
  if (accountId === undefined || !isId('acc', accountId)) throw new UsageError('an account id is needed');
  return act(accountId);
}

function commandOf(name: string, accountId: string | undefined): Command {
  if (name === 'status') return status;
  if (name === 'rotate-master') return rotateMaster;
  if (name === 'reseal') return ofAccount(accountId, (id) => (masterKeys) => reseal(id, masterKeys));
  if (name !== 'rotate-account') throw new UsageError(`unknown command "${name}"`);
  return ofAccount(accountId, (id) => async (masterKeys) => {
    await createKeyStore(masterKeys).rotateAccount(id);
    return reseal(id, masterKeys);
  });
}

await runScript(USAGE, (words) => {
  const [name = '', accountId, ...rest] = parseArgs({ args: words, allowPositionals: true, options: {} }).positionals;
  if (rest.length > 0) throw new UsageError(`unknown words: ${rest.join(' ')}`);
  const command = commandOf(name, accountId);
  return ({ config }) => command(config.secrets.masterKeys);
});
