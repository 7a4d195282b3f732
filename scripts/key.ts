import { parseArgs } from 'node:util';
import { issueKey, type KeySettings, type ListedKey, listKeys } from '../src/auth/keys.ts';
import { checkCallbackUrl } from '../src/callback-address.ts';
import type { Config } from '../src/config.ts';
import type { Logger } from '../src/log.ts';
import { ApiKey, DISCONNECT_POLICIES, ENDPOINTS, NAMED_ENDPOINTS } from '../src/models/api-key.ts';
import { formatRub, parseRub } from '../src/money.ts';
import { createContentCipher } from '../src/privacy/content-key.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';

const USAGE = `Usage: npm run key -- <command>

  issue --account <accountId>   make a key; it is printed once
    --label <text>              a name for people
    --test                      a test key (ocq_test_...)
    --models <a,b*>             models it may call; * at the end matches a prefix (default: all but ${NAMED_ENDPOINTS.join(', ')})
    --endpoints <a,b>           of ${ENDPOINTS.join(', ')} (default: all)
    --expires <2027-01-01>      last moment is the start of that day, UTC; or an ISO 8601 time
    --daily-rub, --monthly-rub, --lifetime-rub <100.50>   spend caps
    --rpm, --tpm, --concurrency <number>                  requests and tokens per minute, open requests
    --callback-url <https://...>                          where webhooks go
    --on-disconnect <${DISCONNECT_POLICIES.join('|')}>               what happens when the client goes away (default: cancel)
    --zero-retention            keep no content of its requests
  list [--account <accountId>]  keys, oldest first
  revoke <keyId>                for good; effective within a second
    --reason <text>             for the audit log`;

type Command = (context: { config: Config; log: Logger }) => Promise<string>;

const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/;

function words(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new UsageError(`${option}: a whole number above 0 is needed`);
  return Number(text);
}

function rubles(option: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const micros = parseRub(text);
  if (!micros) throw new UsageError(`${option}: rubles above 0 are needed, such as 100 or 99.50`);
  return micros;
}

function future(option: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const date = new Date(text);
  if (!DATE.test(text) || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(text.slice(0, 10))) {
    throw new UsageError(`${option}: a date such as 2027-01-01 or 2027-01-01T12:00Z is needed`);
  }
  if (date.getTime() <= Date.now()) throw new UsageError(`${option}: lies in the past`);
  return date;
}

function oneOf<const T extends string>(option: string, allowed: readonly T[], text: string): T {
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw new UsageError(`${option}: "${text}" is not one of ${allowed.join(', ')}`);
  return found;
}

/** The given limits; those that were left out are not members. */
function limitsOf(options: Readonly<Record<string, string | boolean | undefined>>): NonNullable<KeySettings['limits']> {
  const text = (name: string) => (typeof options[name] === 'string' ? options[name] : undefined);
  return {
    dailyMicros: rubles('--daily-rub', text('daily-rub')),
    monthlyMicros: rubles('--monthly-rub', text('monthly-rub')),
    lifetimeMicros: rubles('--lifetime-rub', text('lifetime-rub')),
    requestsPerMinute: wholeNumber('--rpm', text('rpm')),
    tokensPerMinute: wholeNumber('--tpm', text('tpm')),
    concurrency: wholeNumber('--concurrency', text('concurrency')),
  };
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

function issue(args: string[]): Command {
  const { values } = parseArgs({
    args,
    options: {
      account: text, label: text, test: flag, models: text, endpoints: text, expires: text, rpm: text, tpm: text,
      'daily-rub': text, 'monthly-rub': text, 'lifetime-rub': text, concurrency: text, 'callback-url': text,
      'on-disconnect': { type: 'string', default: 'cancel' }, 'zero-retention': flag,
    }, // biome-ignore format: a table of names
  });
  if (values.account === undefined) throw new UsageError('--account is needed');
  const callbackUrl = values['callback-url'];
  if (callbackUrl !== undefined && !checkCallbackUrl(callbackUrl, { allowLoopback: true }).ok) {
    throw new UsageError('--callback-url: an https URL of a public host is needed');
  }
  const settings: KeySettings = {
    accountId: values.account,
    label: values.label,
    kind: values.test ? 'test' : 'live',
    scopes: {
      models: words(values.models),
      endpoints: words(values.endpoints).map((word) => oneOf('--endpoints', ENDPOINTS, word)),
    },
    limits: limitsOf(values),
    expiresAt: future('--expires', values.expires),
    onDisconnect: oneOf('--on-disconnect', DISCONNECT_POLICIES, values['on-disconnect']),
    zeroRetention: values['zero-retention'],
    callbackUrl,
  };
  return async ({ config }) => {
    const cipher = createContentCipher(config.secrets.masterKeys);
    const { document, key, webhookSecret } = await issueKey(settings, {
      pepper: config.secrets.pepper,
      seal: (accountId, context, plain) => cipher.seal(accountId, context, plain),
      loopbackAllowed: config.mode === 'evaluation',
    });
    return table([
      ['key id', document._id],
      ['key', key],
      ['webhook secret', webhookSecret],
      ['', 'The key and the secret are shown only now. Keep them in a safe place.'],
    ]);
  };
}

function state(key: ListedKey): string {
  if (key.revokedAt) return `revoked ${key.revokedAt.toISOString()}`;
  if (key.expiresAt && key.expiresAt.getTime() <= Date.now()) return `expired ${key.expiresAt.toISOString()}`;
  return key.expiresAt ? `until ${key.expiresAt.toISOString()}` : 'active';
}

function limitsText({ limits }: ListedKey): string {
  const amount = (name: string, micros: bigint | undefined) =>
    micros === undefined ? [] : [`${name} ${formatRub(micros)} RUB`];
  const number = (name: string, value: number | undefined) => (value === undefined ? [] : [`${name} ${value}`]);
  return [
    ...amount('daily', limits.dailyMicros),
    ...amount('monthly', limits.monthlyMicros),
    ...amount('lifetime', limits.lifetimeMicros),
    ...number('rpm', limits.requestsPerMinute),
    ...number('tpm', limits.tokensPerMinute),
    ...number('concurrency', limits.concurrency),
  ].join(', ');
}

function list(args: string[]): Command {
  const { values } = parseArgs({ args, options: { account: text } });
  return async () => {
    const keys = await listKeys(values.account);
    if (keys.length === 0) return 'No keys.';
    const head = ['KEY ID', 'ACCOUNT', 'KEY', 'STATE', 'LAST USED', 'MODELS', 'LIMITS', 'LABEL'];
    const rows = keys.map((key) => [
      key.id,
      key.accountId,
      `${key.prefix}...${key.last4}`,
      state(key),
      key.lastUsedAt?.toISOString() ?? 'never',
      key.scopes.models.join(',') || 'all',
      limitsText(key) || 'default',
      key.label,
    ]);
    return table([head, ...rows]);
  };
}

function revoke(args: string[]): Command {
  const options = { reason: { type: 'string', default: 'by script' } } as const;
  const { positionals, values } = parseArgs({ args, allowPositionals: true, options });
  const [keyId, ...rest] = positionals;
  if (keyId === undefined || rest.length > 0) throw new UsageError('revoke: one key id is needed');
  return async (context) => {
    const input = { reason: values.reason };
    const { told } = await performByScript(context, { name: 'keys.revoke', targetId: keyId, input });
    const { revokedAt } = (await ApiKey.findById(keyId, { revokedAt: 1 }).lean()) ?? {};
    const note = told ? '' : ' (Redis is away: running processes notice within a second)';
    return `${keyId} is revoked since ${revokedAt?.toISOString()}${note}`;
  };
}

const COMMANDS: Readonly<Record<string, (args: string[]) => Command>> = { issue, list, revoke };

await runScript(USAGE, ([name = '', ...args]) => {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(`unknown command "${name}"`);
  return command(args);
});
