import { issueKey } from '../../src/auth/keys.ts';
import { createAccount, creditAccount } from '../../src/billing/credit.ts';
import type { Config } from '../../src/config.ts';
import { Account } from '../../src/models/account.ts';
import { AiModel } from '../../src/models/ai-model.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { connectMongo, disconnectMongo } from '../../src/models/connect.ts';
import { formatRub, MICROS_PER_RUB } from '../../src/money.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';

/** The account of an evaluation. Its id is fixed, so that making it twice makes it once. */
export const DEMO_ACCOUNT_ID = `acc_${'0'.repeat(26)}`;
const DEMO_ENTRY_ID = 'adj:demo';
const DEMO_MICROS = 1_000n * MICROS_PER_RUB;
const SANDBOX_PROVIDER_ID = 'sandbox';

export type Demo = {
  accountId: string;
  /** The key and its webhook secret, on the start that made them; never again. */
  issued?: { key: string; webhookSecret: string };
  balanceRub: string;
  /** A model to try first. */
  model: string;
};

async function issueFirstKey(config: Config): Promise<Demo['issued']> {
  if (await ApiKey.exists({ accountId: DEMO_ACCOUNT_ID })) return undefined;
  const cipher = createContentCipher(config.secrets.masterKeys);
  const { key, webhookSecret } = await issueKey(
    { accountId: DEMO_ACCOUNT_ID, label: 'demo' },
    {
      pepper: config.secrets.pepper,
      seal: (...place) => cipher.seal(...place),
      loopbackAllowed: config.webhooks.allowLoopback,
    },
  );
  return { key, webhookSecret };
}

/** The model that answers without any provider key, as far as the catalogue has one. */
async function firstModel(): Promise<string> {
  const models = await AiModel.find({ enabled: true }).sort({ _id: 1 }).limit(1_000).lean();
  const onSandbox = models.find(({ routes }) => routes.every((route) => route.providerId === SANDBOX_PROVIDER_ID));
  return (onSandbox ?? models[0])?._id ?? 'sandbox';
}

/** Makes the demo account with 1000 RUB and its first key, each once; on later starts only reads. */
export async function ensureDemo(config: Config): Promise<Demo> {
  await connectMongo(config.mongo);
  try {
    await createAccount(DEMO_ACCOUNT_ID);
    await creditAccount({
      accountId: DEMO_ACCOUNT_ID,
      entryId: DEMO_ENTRY_ID,
      amountMicros: DEMO_MICROS,
      kind: 'grant',
    });
    const issued = await issueFirstKey(config);
    const account = await Account.findById(DEMO_ACCOUNT_ID).lean();
    const balanceMicros = (account?.availableMicros ?? 0n) + (account?.heldMicros ?? 0n);
    return {
      accountId: DEMO_ACCOUNT_ID,
      ...(issued ? { issued } : {}),
      balanceRub: formatRub(balanceMicros),
      model: await firstModel(),
    };
  } finally {
    await disconnectMongo();
  }
}
