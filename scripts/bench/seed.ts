import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueKey } from '../../src/auth/keys.ts';
import { createAccount, creditAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { migrate } from '../../src/models/connect.ts';
import { MICROS_PER_RUB } from '../../src/money.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { importCatalogue } from '../../src/requests/catalogue-import.ts';

/** What is asked for: the same behaviour of the sandbox provider, named as each target knows it. */
export const WORKLOADS = {
  /** A short answer at once, with one stamp. */
  plain: { stream: false, chunks: 1, script: 'sandbox@text=stamp,n=20', streamMs: 0 },
  /** 50 chunks at 10 ms. */
  stream: { stream: true, chunks: 50, script: 'sandbox@text=stamp,n=50,d=10', streamMs: 500 },
  /** 200 chunks at 50 ms: a reader's pace, for many at once. */
  long: { stream: true, chunks: 200, script: 'sandbox@text=stamp,n=200,d=50', streamMs: 10_000 },
} as const;

export type WorkloadName = keyof typeof WORKLOADS;

export const WORKLOAD_NAMES = Object.keys(WORKLOADS) as WorkloadName[];

/** Enough for any run: what is measured is the way of the money, not its end. */
const BALANCE_MICROS = 1_000_000n * MICROS_PER_RUB;

/** The model by which the product's clients ask for a workload. */
export function productModel(workload: WorkloadName): string {
  return `bench/${workload}`;
}

function catalogue(sandboxUrl: string): unknown {
  return {
    providers: [{ id: 'sandbox', kind: 'openai-compatible', baseUrl: `${sandboxUrl}/v1`, needsKey: false }],
    models: WORKLOAD_NAMES.map((name) => ({
      id: productModel(name),
      name,
      ownedBy: 'bench',
      createdAt: '2026-01-01',
      contextTokensMax: 100_000,
      outputTokensMax: 1_000,
      outputTokensDefault: 256,
      price: { input: '20', output: '80' },
      routes: [{ id: `sandbox/${name}`, provider: 'sandbox', upstreamModel: WORKLOADS[name].script }],
    })),
  };
}

/**
 * Fills a fresh database that mongoose is connected to: collections, models, and accounts with one key each.
 * @returns the keys, one per account.
 */
export async function seed(options: {
  dataDir: string;
  sandboxUrl: string;
  accounts: number;
  pepper: Buffer;
  masterKey: Buffer;
}): Promise<string[]> {
  await migrate();
  const file = join(options.dataDir, 'catalogue.json');
  writeFileSync(file, JSON.stringify(catalogue(options.sandboxUrl)));
  await importCatalogue(file);
  const cipher = createContentCipher(new Map([[1, options.masterKey]]));
  const keys: string[] = [];
  for (let index = 0; index < options.accounts; index++) {
    const accountId = newId('acc');
    await createAccount(accountId);
    await creditAccount({ accountId, entryId: newId('adj'), amountMicros: BALANCE_MICROS, kind: 'grant' });
    const { key } = await issueKey(
      { accountId, label: 'bench', kind: 'test' },
      {
        pepper: options.pepper,
        seal: (account, context, plain) => cipher.seal(account, context, plain),
        loopbackAllowed: true,
      },
    );
    keys.push(key);
  }
  return keys;
}
