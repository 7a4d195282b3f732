import type { CommandStartedEvent, Document } from 'mongodb';
import mongoose from 'mongoose';
import { PanelResource } from '../../src/admin/panel/resource.ts';
import type { ListPage } from './pages.ts';

/** How the database answers a list: the panel's own query, caught on its way and explained. Needs `monitorCommands`. */

export type Plan = {
  /** The command: what is found, or how many there are. */
  query: 'page' | 'count';
  index: string | undefined;
  /** Documents read, where the engine tells. */
  examined: number | undefined;
};

const MEMBER = { currentAdmin: { id: 'none', email: 'none', role: 'admin' } } as never;
const CIPHER = { open: () => Promise.reject(new Error('nothing is opened in lists')) };

/** The aggregations that `act` sends. */
async function caught(act: () => Promise<unknown>): Promise<Document[]> {
  const client = mongoose.connection.getClient();
  const commands: Document[] = [];
  const keep = ({ commandName, command }: CommandStartedEvent) => {
    if (commandName === 'aggregate') commands.push(command);
  };
  client.on('commandStarted', keep);
  try {
    await act();
  } finally {
    client.off('commandStarted', keep);
  }
  return commands;
}

/** Members of a plan anywhere in it, whichever engine made it. */
function members(plan: unknown, name: string): unknown[] {
  if (typeof plan !== 'object' || plan === null) return [];
  return Object.entries(plan).flatMap(([key, value]) => [...(key === name ? [value] : []), ...members(value, name)]);
}

async function explain({ aggregate, pipeline }: Document, query: Plan['query']): Promise<Plan> {
  const command = { explain: { aggregate, pipeline, cursor: {} }, verbosity: 'executionStats' };
  const plan = await mongoose.connection.db?.command(command);
  const examined = members(plan, 'totalDocsExamined').map(Number);
  return {
    query,
    index: [...new Set(members(plan, 'indexName').map(String))].join(' + ') || undefined,
    examined: examined.length > 0 ? Math.max(...examined) : undefined,
  };
}

/** The plans of both queries that a page of a list is made of. */
export async function plansOf({ spec, filters, direction, page }: ListPage, perPage: number): Promise<Plan[]> {
  const resource = new PanelResource(spec, CIPHER);
  const filter = {
    filters: Object.fromEntries(Object.entries(filters).map(([path, value]) => [path, { path, value }])),
  } as never;
  const options = { limit: perPage, offset: (page - 1) * perPage, sort: { direction } };
  const [found] = await caught(() => resource.find(filter, options, MEMBER));
  const [counted] = await caught(() => resource.count(filter, MEMBER));
  return [...(found ? [await explain(found, 'page')] : []), ...(counted ? [await explain(counted, 'count')] : [])];
}
