import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { generate } from 'otplib';
import { changeStaffRole, disableStaff, findStaff, inviteStaff, listStaff, resetStaff } from '../../src/auth/staff.ts';
import { deviceOf, newDevice } from '../../src/auth/staff-device.ts';
import { endSessions, findSession, startSession } from '../../src/auth/staff-session.ts';
import {
  acceptInvitation,
  confirmEnrolment,
  signInWithCode,
  signInWithPassword,
} from '../../src/auth/staff-sign-in.ts';
import { forgiveTries, THROTTLE_RULES, takeTry } from '../../src/auth/staff-throttle.ts';
import { Staff, StaffSession } from '../../src/models/staff.ts';
import { useStores } from '../helpers/stores.ts';
import { codeOf, enrolStaff, PASSWORD, sessionOf, signInDependencies } from './staff-desk.ts';

useStores();
const deps = signInDependencies();
const failed = { code: 'sign_in_failed' };
let addresses = 0;
const address = () => `address-${++addresses}`;

async function passwordStep(email: string) {
  return signInWithPassword({ email, password: PASSWORD, address: address() }, deps);
}

describe('an invitation', () => {
  it('works once, and not after its time', async () => {
    const { token } = await inviteStaff('once@example.com', 'support');
    const given = { token, password: PASSWORD, address: address() };
    const both = await Promise.allSettled([acceptInvitation(given, deps), acceptInvitation(given, deps)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(acceptInvitation(given, deps)).rejects.toMatchObject(failed);
    const late = await inviteStaff('late@example.com', 'support');
    await Staff.updateOne({ _id: late.staffId }, { $set: { 'invitation.expiresAt': new Date(Date.now() - 1) } });
    await expect(acceptInvitation({ ...given, token: late.token }, deps)).rejects.toMatchObject(failed);
  });

  it('refuses a weak password and stays open for a better one; a taken address is refused', async () => {
    const { token, staffId } = await inviteStaff('Weak@Example.com', 'support');
    for (const password of ['short', 'aaaaaaaaaaaaaaaa', 'weak@example.com', 'Password12345']) {
      await expect(acceptInvitation({ token, password, address: address() }, deps)).rejects.toMatchObject({
        code: 'invalid_request',
        param: 'password',
      });
    }
    await acceptInvitation({ token, password: PASSWORD, address: address() }, deps);
    expect((await findStaff(staffId)).email).toBe('weak@example.com');
    await expect(inviteStaff('weak@example.com', 'admin')).rejects.toMatchObject({ code: 'state_conflict' });
  });
});

describe('the second factor', () => {
  it('uses the codes of RFC 6238', async () => {
    const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    const vectors = [
      [59, '287082'],
      [1_111_111_109, '081804'],
      [1_111_111_111, '050471'],
      [1_234_567_890, '005924'],
      [2_000_000_000, '279037'],
      [20_000_000_000, '353130'],
    ] as const;
    for (const [epoch, code] of vectors) expect(await generate({ secret, epoch })).toBe(code);
  });

  it('is asked for before anything opens, and accepts a code once, also of two that come together', async () => {
    const member = await enrolStaff('operator', deps);
    const first = await passwordStep(member.email);
    expect(first.stage).toBe('code');
    const [one, two] = [
      await sessionOf(first.token, deps),
      await sessionOf((await passwordStep(member.email)).token, deps),
    ];
    const code = await codeOf(member.secret, 1);
    const both = await Promise.allSettled([signInWithCode(one, code, deps), signInWithCode(two, code, deps)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const third = await sessionOf((await passwordStep(member.email)).token, deps);
    for (const used of [code, await codeOf(member.secret, -1), await codeOf(member.secret, 5)])
      await expect(signInWithCode(third, used, deps)).rejects.toMatchObject(failed);
  });

  it('lets each recovery code in once', async () => {
    const member = await enrolStaff('finance', deps);
    const [recovery = ''] = member.recoveryCodes;
    expect(member.recoveryCodes).toHaveLength(10);
    const session = await sessionOf((await passwordStep(member.email)).token, deps);
    expect(await signInWithCode(session, recovery.toUpperCase(), deps)).toMatchObject({
      stage: 'open',
      recovered: true,
    });
    const again = await sessionOf((await passwordStep(member.email)).token, deps);
    await expect(signInWithCode(again, recovery, deps)).rejects.toMatchObject(failed);
  });

  it('cannot be set up anew by somebody who has the password only', async () => {
    const member = await enrolStaff('support', deps);
    const session = await sessionOf((await passwordStep(member.email)).token, deps);
    await expect(confirmEnrolment(session, await codeOf(member.secret), deps)).rejects.toMatchObject(failed);
  });

  it('is not readable in the database, nor is anything else that lets somebody in', async () => {
    const member = await enrolStaff('support', deps);
    const rows = JSON.stringify([await Staff.find({}).lean(), await StaffSession.find({}).lean()], (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    for (const secret of [member.secret, member.token, PASSWORD, ...member.recoveryCodes])
      expect(rows).not.toContain(secret);
    expect((await Staff.findById(member.staffId).lean())?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=1\$/);
  });
});

describe('guessing', () => {
  it('is the same for those who exist and those who do not', async () => {
    const member = await enrolStaff('auditor', deps);
    const wrong = (email: string) =>
      signInWithPassword({ email, password: 'wrong password 1', address: address() }, deps);
    const messages = await Promise.all(
      [member.email, 'nobody@example.com'].map((email) => wrong(email).catch((error: Error) => error.message)),
    );
    expect(new Set(messages).size).toBe(1);
  });

  it('costs pauses for an account after five tries, which a right password does not skip', async () => {
    const member = await enrolStaff('support', deps);
    for (let i = 0; i < THROTTLE_RULES.account.freeTries; i++) await takeTry('account', member.email);
    await expect(passwordStep(member.email)).rejects.toMatchObject({
      code: 'rate_limit_exceeded',
      retryAfterMs: expect.any(Number),
    });
    await forgiveTries('account', member.email);
    expect((await passwordStep(member.email)).stage).toBe('code');
  });

  it('gets no more tries by coming all at once, and longer pauses by going on', async () => {
    const now = Date.now();
    const many = await Promise.allSettled(Array.from({ length: 40 }, () => takeTry('code', 'many', new Date(now))));
    expect(many.filter(({ status }) => status === 'fulfilled').length).toBe(THROTTLE_RULES.code.freeTries);
    let [at, last] = [now, 0];
    for (let round = 0; round < 4; round++) {
      const refusal: unknown = await takeTry('code', 'many', new Date(at)).catch((error: unknown) => error);
      const pauseMs = (refusal as { retryAfterMs: number }).retryAfterMs;
      expect(pauseMs).toBeGreaterThan(last);
      last = pauseMs;
      at += pauseMs;
      await takeTry('code', 'many', new Date(at));
    }
  });

  it('from one address is slowed down whatever accounts it tries', async () => {
    const one = address();
    for (let i = 0; i < THROTTLE_RULES.address.freeTries; i++) await takeTry('address', one);
    const given = { email: 'whoever@example.com', password: PASSWORD, address: one };
    await expect(signInWithPassword(given, deps)).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
  });
});

describe('a flood from many addresses at many accounts', () => {
  const strangers = { ...THROTTLE_RULES.strangers, name: 'everybody' };
  const wrong = (email: string, device?: string) =>
    signInWithPassword({ email, password: 'wrong password 1', address: address(), device }, deps);

  it('is bounded for all strangers together until the window ends, and costs no account a try', async () => {
    const member = await enrolStaff('support', deps);
    // As if it had begun a little later, so that its window is still open below, however slow the machine is.
    const ahead = Date.now() + 600_000;
    for (let i = 0; i < strangers.freeTries; i++) await takeTry('strangers', strangers.name, new Date(ahead));
    const refusal: unknown = await takeTry('strangers', strangers.name, new Date(ahead + 1_000)).catch(
      (e: unknown) => e,
    );
    expect(refusal).toMatchObject({ code: 'rate_limit_exceeded', retryAfterMs: strangers.windowMs - 1_000 });
    for (let i = 0; i < THROTTLE_RULES.account.freeTries + 1; i++)
      await expect(wrong(member.email)).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
    await takeTry('strangers', strangers.name, new Date(ahead + strangers.windowMs));
    expect((await passwordStep(member.email)).stage).toBe('code');
  });

  it('keeps no member out whose browser is known, nor do guesses at the account', async () => {
    const member = await enrolStaff('support', deps);
    const device = newDevice(deps.pepper, member.email);
    for (let i = 0; i < THROTTLE_RULES.account.freeTries; i++) await takeTry('account', member.email);
    await expect(passwordStep(member.email)).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
    const given = { email: ` ${member.email.toUpperCase()}`, password: PASSWORD, address: address(), device };
    expect((await signInWithPassword(given, deps)).stage).toBe('code');
    // What others have tried stays counted.
    await expect(passwordStep(member.email)).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
  });

  it('gets no more by a browser that is known: its tries are counted as well', async () => {
    const member = await enrolStaff('support', deps);
    const device = newDevice(deps.pepper, member.email);
    for (let i = 0; i < THROTTLE_RULES.device.freeTries; i++)
      await expect(wrong(member.email, device)).rejects.toMatchObject(failed);
    await expect(wrong(member.email, device)).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
    expect((await passwordStep(member.email)).stage).toBe('code');
  });

  it('cannot make a mark, use one for another account, or an old one', () => {
    const [pepper, email, now] = [deps.pepper, 'a@example.com', Date.now()];
    const mark = newDevice(pepper, email, now);
    const [issued = '', id = '', seal = ''] = mark.split('.');
    expect(mark).not.toContain('example');
    expect(deviceOf(pepper, mark, email, now)).toBe(id);
    expect(deviceOf(pepper, mark, email, now + 179 * 86_400_000)).toBe(id);
    const later = (now + 200 * 86_400_000).toString(36);
    for (const made of [
      undefined,
      '',
      'x',
      `${later}.${id}.${seal}`,
      `${issued}.${'A'.repeat(22)}.${seal}`,
      `${mark}x`,
    ])
      expect(deviceOf(pepper, made, email, now)).toBeUndefined();
    expect(deviceOf(pepper, mark, 'b@example.com', now)).toBeUndefined();
    expect(deviceOf(randomBytes(32), mark, email, now)).toBeUndefined();
    expect(deviceOf(pepper, mark, email, now + 181 * 86_400_000)).toBeUndefined();
  });
});

describe('a session', () => {
  it('gets a new token at each step, and the one before opens nothing', async () => {
    const member = await enrolStaff('operator', deps);
    const first = await passwordStep(member.email);
    const next = await signInWithCode(await sessionOf(first.token, deps), await codeOf(member.secret, 1), deps);
    expect(next.token).not.toBe(first.token);
    expect(await findSession(first.token, deps.limits)).toBeUndefined();
    expect((await findSession(next.token, deps.limits))?.stage).toBe('open');
  });

  it('ends after silence, after its age however busy it is, and with its member', async () => {
    const member = await enrolStaff('support', deps);
    const limits = { idleMs: 60_000, absoluteMs: 200_000 };
    const start = Date.now();
    const token = await startSession(member.staffId, 'open', limits);
    expect(await findSession(token, limits, start + 61_000)).toBeUndefined();
    for (let ms = 0; ms < 195_000; ms += 50_000) expect(await findSession(token, limits, start + ms)).toBeDefined();
    expect(await findSession(token, limits, start + 201_000)).toBeUndefined();
    expect(await findSession('x'.repeat(43), limits)).toBeUndefined();
    expect(await endSessions(member.staffId)).toBe(2);
    expect(await findSession(member.token, limits)).toBeUndefined();
  });

  it('has the role of this moment, and none when the member is disabled or reset', async () => {
    const member = await enrolStaff('support', deps);
    await changeStaffRole(member.staffId, 'finance');
    expect((await findSession(member.token, deps.limits))?.member.role).toBe('finance');
    await Staff.updateOne({ _id: member.staffId }, { $set: { status: 'disabled' } });
    expect(await findSession(member.token, deps.limits)).toBeUndefined();
    const { token } = await resetStaff(member.staffId);
    await expect(passwordStep(member.email)).rejects.toMatchObject(failed);
    expect((await acceptInvitation({ token, password: PASSWORD, address: address() }, deps)).stage).toBe('enrol');
    expect(await findSession(member.token, deps.limits)).toBeUndefined();
  });
});

it('the last admin stays, also of two who remove each other at once', async () => {
  await Staff.updateMany({ role: 'admin' }, { $set: { role: 'support' } });
  const [one, two] = [await enrolStaff('admin', deps), await enrolStaff('admin', deps)];
  await Promise.allSettled([disableStaff(one.staffId), disableStaff(two.staffId)]);
  const active = await Staff.find({ role: 'admin', status: 'active' }).lean();
  expect(active.length).toBeGreaterThanOrEqual(1);
  for (const { _id } of active.slice(1)) await disableStaff(_id);
  await expect(disableStaff(active[0]?._id ?? '')).rejects.toMatchObject({ code: 'state_conflict' });
  await expect(changeStaffRole(active[0]?._id ?? '', 'auditor')).rejects.toMatchObject({ code: 'state_conflict' });
  expect((await listStaff()).find(({ id }) => id === active[0]?._id)).toMatchObject({
    role: 'admin',
    status: 'active',
  });
});
