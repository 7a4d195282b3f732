import { expect } from '@jest/globals';
import { scanJsonObject } from '../../src/json-scan.ts';
import { eventually } from './eventually.ts';

/** What the sandbox saw of a request: the other end of the gateway. */

export type Received = { headers: Record<string, string>; body: string };
export type Counts = { count: number; aborted: number; completed: number };

export async function receivedUpstream(sandboxUrl: string, requestId: string): Promise<Received> {
  return (await (await fetch(`${sandboxUrl}/sandbox/requests/${requestId}`)).json()) as Received;
}

export async function sandboxTotals(sandboxUrl: string): Promise<{ calls: number }> {
  return (await (await fetch(`${sandboxUrl}/sandbox/calls`)).json()) as { calls: number };
}

export async function upstreamCounts(sandboxUrl: string, requestId: string): Promise<Counts> {
  return (await (await fetch(`${sandboxUrl}/sandbox/calls?request_id=${requestId}`)).json()) as Counts;
}

/** Waits until the provider has noticed that its caller went away. */
export async function waitForUpstreamAbort(sandboxUrl: string, requestId: string): Promise<void> {
  await eventually(async () => expect((await upstreamCounts(sandboxUrl, requestId)).aborted).toBe(1));
}

/** The text of every top-level member of a JSON object, byte for byte. */
export function memberTexts(json: string): Record<string, string> {
  const scan = scanJsonObject(json);
  if (!scan.ok) throw new Error(`not an object: ${scan.problem}`);
  return Object.fromEntries([...scan.members].map(([name, span]) => [name, json.slice(span.valueStart, span.end)]));
}
