import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { STAFF_ROLES, type StaffRole } from '../../../src/models/staff.ts';
import { useStores } from '../../helpers/stores.ts';
import { type BackOffice, type SignedIn, signIn, startBackOffice } from '../back-office.ts';
import { type Seeded, seedPanel } from '../seed.ts';
import { seedFailedJobs } from '../seed-jobs.ts';

/** One back-office with one of everything in it and a member of each role, for all tests of the panel. */

export const reason = 'because of a test';
export const uploads = mkdtempSync(join(tmpdir(), 'ocelotiq-uploads-'));
const members = new Map<StaffRole, SignedIn>();
let started: { office: BackOffice; seeded: Seeded } | undefined;

/** Starts it before the tests of this file and ends it after them. Call it once. */
export function usePanel(): void {
  const stores = useStores();
  beforeAll(async () => {
    const office = await startBackOffice(stores, { TMPDIR: uploads });
    started = { office, seeded: await seedPanel(office) };
    await seedFailedJobs(stores);
    for (const role of STAFF_ROLES) members.set(role, await signIn(office.url, role));
  });
  afterAll(async () => {
    expect(await started?.office.stop()).toBe(0);
    rmSync(uploads, { recursive: true, force: true });
  });
}

export function member(role: StaffRole): SignedIn {
  const found = members.get(role);
  if (!found) throw new Error(`nobody is ${role}`);
  return found;
}

export const everyMember = () => [...members.values()];

export function panel(): { office: BackOffice; seeded: Seeded } {
  if (!started) throw new Error('the back-office is not there');
  return started;
}
