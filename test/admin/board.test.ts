import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { can } from '../../src/auth/roles.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { STAFF_ROLES, type StaffRole } from '../../src/models/staff.ts';
import { JOBS, type JobKey } from '../../src/queue/jobs.ts';
import { useStores } from '../helpers/stores.ts';
import { type BackOffice, type SignedIn, signIn, startBackOffice, Visitor } from './back-office.ts';
import { openBrowser, picture } from './browser.ts';
import { FAILED_JOB, FAILURE_TEXT, seedFailedJobs } from './seed-jobs.ts';

/** Bull Board behind our gate: for looking, for those who look after the queues, and under our policy. */

const stores = useStores();
const JOB = `/admin/board/queue/maintenance/${FAILED_JOB.jobId}`;
const API = '/admin/board/api/queues';
const READS = ['/admin/board/', '/admin/board/queue/maintenance', JOB, API, `${API}/maintenance/${FAILED_JOB.jobId}`];
const WRITES = [
  `${API}/pause`,
  `${API}/maintenance/pause`,
  `${API}/maintenance/clean/failed`,
  `${API}/maintenance/empty`,
  `${API}/maintenance/obliterate`,
  `${API}/maintenance/retry/failed`,
  `${API}/maintenance/${FAILED_JOB.jobId}/retry/failed`,
  `${API}/maintenance/${FAILED_JOB.jobId}/clean`,
  `${API}/maintenance/add`,
];
let office: BackOffice;
const members = new Map<StaffRole, SignedIn>();

beforeAll(async () => {
  office = await startBackOffice(stores);
  await seedFailedJobs(stores);
  for (const role of STAFF_ROLES) members.set(role, await signIn(office.url, role));
});
afterAll(() => office.stop());

function member(role: StaffRole): SignedIn {
  const found = members.get(role);
  if (!found) throw new Error(`nobody is ${role}`);
  return found;
}

describe.each(STAFF_ROLES)('a member in the role %s', (role) => {
  it('sees the board only if it may see queues, whichever address is used', async () => {
    const { visitor, staffId } = member(role);
    const expected = can(role, 'routing.read') ? 200 : 403;
    for (const path of READS) expect([path, (await visitor.get(path)).status]).toEqual([path, expected]);
    if (expected === 200) return;
    expect(await AuditEntry.countDocuments({ actorId: staffId, action: 'board.read' })).toBe(READS.length);
  });

  it('changes nothing by it', async () => {
    const { visitor, staffId } = member(role);
    for (const path of WRITES) {
      const headers = { 'sec-fetch-site': 'same-origin', 'x-form-token': visitor.formToken };
      for (const method of ['POST', 'PUT'])
        expect([method, path, [403, 405].includes((await visitor.send(path, { method, headers })).status)]).toEqual([
          method,
          path,
          true,
        ]);
      const read = await visitor.get(path);
      expect([path, read.status === 200 && read.headers.get('content-type')?.includes('json')]).toEqual([path, false]);
    }
    const action = can(role, 'routing.read') ? 'board.change' : 'board.read';
    expect(await AuditEntry.countDocuments({ actorId: staffId, action, outcome: 'denied' })).toBeGreaterThan(0);
  });
});

it('is for nobody who is not signed in', async () => {
  const visitor = new Visitor(office.url);
  expect((await visitor.get(API)).status).toBe(401);
  expect((await visitor.get('/admin/board/')).status).toBe(303);
  expect((await visitor.get('/admin/board/static/images/logo.svg')).status).toBe(303);
});

it('shows of a job its ids and a code, and nothing that was thrown', async () => {
  const { text } = await member('auditor').visitor.get(`${API}?activeQueue=maintenance&status=failed`);
  expect(JSON.parse(text)).toMatchObject({
    queues: expect.arrayContaining([
      expect.objectContaining({
        name: 'maintenance',
        readOnlyMode: true,
        allowRetries: false,
        jobs: [
          expect.objectContaining({
            id: FAILED_JOB.jobId,
            data: FAILED_JOB.data,
            failedReason: 'TypeError',
            stacktrace: [],
          }),
        ],
      }),
    ]),
  });
  expect(text).not.toContain(FAILURE_TEXT);
});

it.each(Object.keys(JOBS) as JobKey[])('%s carries ids only', (key) => {
  const { shape } = JOBS[key].payload as unknown as z.ZodObject;
  for (const value of ['a text that somebody wrote', 'x@example.org', '{"a":1}', ''])
    for (const name of Object.keys(shape)) expect(JOBS[key].payload.safeParse({ [name]: value }).success).toBe(false);
  expect(JOBS[key].payload.safeParse({ text: 'more' }).success).toBe(false);
});

(process.env.OCELOTIQ_NO_CHROMIUM ? describe.skip : describe)('in a browser', () => {
  it('is shown in both languages under our policy, without a complaint and from no other host', async () => {
    const window = await openBrowser(office.url);
    try {
      for (const [role, language, word] of [
        ['operator', 'ru', 'Неудачные'],
        ['auditor', 'en', 'Failed'],
      ] as const) {
        const page = await window.open(language, member(role).visitor.cookie);
        await page.goto(`${office.url}/admin/board/`);
        await page.waitForSelector('a[href*="/admin/board/queue/maintenance"]');
        await picture(page, `27-board-${language}`);
        await page.goto(`${office.url}/admin/board/queue/maintenance?status=failed`);
        await page.waitForSelector(`text=${FAILED_JOB.jobId}`);
        await picture(page, `28-board-failed-${language}`);
        await page.waitForSelector(`text=/${word}/i`);
        expect(await page.locator('button:has-text("Retry"), button:has-text("Повторить")').count()).toBe(0);
        await page.context().close();
      }
      expect(window.complaints).toEqual([]);
      expect(window.elsewhere).toEqual([]);
    } finally {
      await window.close();
    }
  });
});
