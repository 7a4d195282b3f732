import { parseArgs } from 'node:util';
import type { Config } from '../src/config.ts';
import { isId } from '../src/ids.ts';
import type { Logger } from '../src/log.ts';
import { DELIVERY_STATES, Delivery, type DeliveryDocument, type DeliveryState } from '../src/models/delivery.ts';
import { createContentCipher } from '../src/privacy/content-key.ts';
import { type Open, openText, sealedAt } from '../src/webhooks/sealed.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';

const USAGE = `Usage: npm run webhook -- <command>

  list                        the newest 100 deliveries
    --account <accountId>     of one account
    --state <${DELIVERY_STATES.join('|')}>
  show <evt_id>               one delivery with its log of attempts
  redeliver <evt_id>          send it again, whatever became of it; the workers do so within seconds
  enable <key_id>             let events of a key go out again that were stopped (the receiver answered 410)
    --reason <text>           for the audit log`;

type Command = (context: { config: Config; log: Logger }) => Promise<string>;
type ListedDelivery = Omit<DeliveryDocument, 'url'>;

const LIST_MAX = 100;

function stateOf(text: string | undefined): DeliveryState | undefined {
  const state = DELIVERY_STATES.find((name) => name === text);
  if (text !== undefined && !state)
    throw new UsageError(`--state: "${text}" is not one of ${DELIVERY_STATES.join(', ')}`);
  return state;
}

function deliveryIdIn(command: string, words: string[]): string {
  const [deliveryId = '', ...rest] = parseArgs({ args: words, allowPositionals: true, options: {} }).positionals;
  if (!isId('evt', deliveryId) || rest.length > 0)
    throw new UsageError(`${command}: one delivery id (evt_...) is needed`);
  return deliveryId;
}

function lastAttempt({ attempts }: ListedDelivery): string {
  const last = attempts.at(-1);
  return last ? [last.outcome, last.status].filter((part) => part !== undefined).join(' ') : '-';
}

function list(words: string[]): Command {
  const options = { account: { type: 'string' }, state: { type: 'string' } } as const;
  const { account, state: stateText } = parseArgs({ args: words, options }).values;
  const state = stateOf(stateText);
  if (account !== undefined && !isId('acc', account)) throw new UsageError('--account: an account id is needed');
  return async () => {
    const filter = { ...(account === undefined ? {} : { accountId: account }), ...(state ? { state } : {}) };
    const found = await Delivery.find(filter, { url: 0 }).sort({ _id: -1 }).limit(LIST_MAX).lean<ListedDelivery[]>();
    if (found.length === 0) return 'No deliveries.';
    const rows = found.map((delivery) => [
      delivery._id,
      delivery.accountId,
      delivery.type,
      delivery.state,
      String(delivery.attempt),
      lastAttempt(delivery),
      delivery.state === 'pending' ? delivery.nextAttemptAt.toISOString() : '-',
    ]);
    return table([['DELIVERY', 'ACCOUNT', 'TYPE', 'STATE', 'ATTEMPTS', 'LAST', 'NEXT'], ...rows]);
  };
}

/** Scheme and host only: paths and queries of callbacks often carry tokens. */
async function maskedUrl({ _id, accountId, url }: DeliveryDocument, config: Config): Promise<string> {
  try {
    const cipher = createContentCipher(config.secrets.masterKeys);
    const open: Open = (...sealed) => cipher.open(...sealed);
    return `${new URL(await openText(open, accountId, sealedAt.deliveryUrl(_id), url)).origin}/...`;
  } catch {
    return 'unreadable (the key of this account is gone, or another master key is in use)';
  }
}

function show(words: string[]): Command {
  const deliveryId = deliveryIdIn('show', words);
  return async ({ config }) => {
    const delivery = await Delivery.findById(deliveryId).lean<DeliveryDocument>();
    if (!delivery) throw new Error('the delivery does not exist');
    const facts = table([
      ['delivery', delivery._id],
      ['request', delivery.requestId],
      ['account', delivery.accountId],
      ['key', delivery.keyId],
      ['type', delivery.type],
      ['url', await maskedUrl(delivery, config)],
      ['url from', delivery.fromKey ? 'the key, as it was when the request ended' : 'the request'],
      ['state', delivery.state],
      ['created', delivery.createdAt.toISOString()],
      ...(delivery.deliveredAt ? [['delivered', delivery.deliveredAt.toISOString()]] : []),
      ...(delivery.state === 'pending' ? [['next attempt', delivery.nextAttemptAt.toISOString()]] : []),
    ]);
    if (delivery.attempts.length === 0) return `${facts}\n\nNo attempts yet.`;
    const rows = delivery.attempts.map(({ at, outcome, status, ms }) => [
      at.toISOString(),
      outcome,
      String(status ?? '-'),
      String(ms),
    ]);
    return `${facts}\n\n${table([['AT', 'OUTCOME', 'STATUS', 'MS'], ...rows])}`;
  };
}

function redeliver(words: string[]): Command {
  const deliveryId = deliveryIdIn('redeliver', words);
  return async (context) => {
    if (!(await Delivery.exists({ _id: deliveryId }))) throw new Error('the delivery does not exist');
    const input = { reason: 'by script' };
    await performByScript(context, { name: 'deliveries.redeliver', targetId: deliveryId, input });
    return `${deliveryId} will be sent again`;
  };
}

function enable(words: string[]): Command {
  const options = { reason: { type: 'string', default: 'by script' } } as const;
  const { positionals, values } = parseArgs({ args: words, allowPositionals: true, options });
  const [keyId = '', ...rest] = positionals;
  if (!isId('key', keyId) || rest.length > 0) throw new UsageError('enable: one key id (key_...) is needed');
  return async (context) => {
    await performByScript(context, { name: 'keys.enable-webhook', targetId: keyId, input: { reason: values.reason } });
    return `the webhooks of ${keyId} are on`;
  };
}

const COMMANDS: ReadonlyMap<string, (words: string[]) => Command> = new Map([
  ['list', list],
  ['show', show],
  ['redeliver', redeliver],
  ['enable', enable],
]);

await runScript(USAGE, ([name = '', ...words]) => {
  const command = COMMANDS.get(name);
  if (!command) throw new UsageError(`unknown command "${name}"`);
  return command(words);
});
