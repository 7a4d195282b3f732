import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createAccountWriter } from '../../src/billing/account.ts';
import type { HoldRequest, SettleRequest } from '../../src/billing/account-updates.ts';
import { connectMongo, disconnectMongo } from '../../src/models/connect.ts';

/** Processes of their own that all hold, or all close holds, at the same moment. Run as a program this file is one of them. */

export type Order = {
  mongoUri: string;
  database: string;
  holds: readonly HoldRequest[];
  settlements: readonly SettleRequest[];
};

const POOL_MAX = 20;
const HERE = fileURLToPath(import.meta.url);

/** Each by a writer of its own, so that no group commit puts two of them into one update. @returns how many are held. */
async function carryOut({ holds, settlements }: Order): Promise<number> {
  const [outcomes] = await Promise.all([
    Promise.all(holds.map((hold) => createAccountWriter().hold(hold))),
    Promise.all(settlements.map((settlement) => createAccountWriter().settle(settlement))),
  ]);
  return outcomes.filter(({ held }) => held).length;
}

async function serve(order: Order): Promise<void> {
  await connectMongo({ uri: order.mongoUri, database: order.database, poolMax: POOL_MAX });
  const begun = once(process, 'message');
  process.send?.('ready');
  await begun;
  const held = await carryOut(order);
  await disconnectMongo();
  process.send?.(held, () => process.disconnect());
}

/**
 * One process for each order; when all are connected, all begin.
 * @returns how many of its holds each got.
 */
export async function atOnce(orders: readonly Order[]): Promise<number[]> {
  const children: ChildProcess[] = orders.map(() =>
    fork(HERE, { execArgv: ['--import', 'tsx'], env: { PATH: process.env.PATH ?? '' }, serialization: 'advanced' }),
  );
  const said = async (child: ChildProcess): Promise<unknown> => {
    const died = once(child, 'exit').then(([code]) => Promise.reject(new Error(`a process ended with ${code}`)));
    return (await Promise.race([once(child, 'message'), died]))[0];
  };
  try {
    await Promise.all(
      children.map((child, index) => {
        child.send(orders[index] as Order);
        return said(child);
      }),
    );
    const told = children.map(said);
    for (const child of children) child.send('go');
    return (await Promise.all(told)) as number[];
  } finally {
    for (const child of children) child.kill();
  }
}

if (process.argv[1] === HERE && process.send) process.once('message', (order) => void serve(order as Order));
