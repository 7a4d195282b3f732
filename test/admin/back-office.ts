import { randomBytes } from 'node:crypto';
import { freePort } from '../../scripts/engines/free-port.ts';
import { inviteStaff } from '../../src/auth/staff.ts';
import type { StaffRole } from '../../src/models/staff.ts';
import { codeOf, PASSWORD } from '../auth/staff-desk.ts';
import { type BuiltProcess, startBuilt } from '../helpers/built-process.ts';
import type { Stores } from '../helpers/stores.ts';

/** The built back-office on the stores of a test file, and browsers made of nothing but cookies and fetch. */

export type BackOffice = {
  url: string;
  pepper: Buffer;
  masterKey: Buffer;
  process: BuiltProcess;
  stop(): Promise<unknown>;
};

export async function startBackOffice(stores: Stores, env: Record<string, string> = {}): Promise<BackOffice> {
  const [pepper, masterKey, port] = [randomBytes(32), randomBytes(32), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const admin = startBuilt('admin', {
    NODE_ENV: 'production',
    OCELOTIQ_MODE: 'evaluation',
    MONGODB_URI: stores.mongoUri,
    MONGODB_DATABASE: stores.database,
    REDIS_URL: stores.redisUrl,
    REDIS_PREFIX: stores.prefix,
    KEY_PEPPER: pepper.toString('base64'),
    MASTER_KEYS: `1:${masterKey.toString('base64')}`,
    ADMIN_PORT: String(port),
    ...env,
  });
  await admin.says(/"msg":"listening"/);
  const stop = async () => {
    admin.child.kill('SIGTERM');
    return admin.ended;
  };
  return { url, pepper, masterKey, process: admin, stop };
}

export type Answer = { status: number; text: string; headers: Headers };

/** A browser's worth of state: one cookie, and the token of the page that was seen last. */
export class Visitor {
  readonly url: string;
  cookie = '';
  formToken = '';

  constructor(url: string) {
    this.url = url;
  }

  async send(path: string, init: RequestInit = {}): Promise<Answer> {
    const headers = new Headers(init.headers);
    if (this.cookie !== '' && !headers.has('cookie')) headers.set('cookie', this.cookie);
    const response = await fetch(`${this.url}${path}`, { redirect: 'manual', ...init, headers });
    const [set] = response.headers.getSetCookie();
    if (set !== undefined) this.cookie = set.split(';', 1)[0] ?? '';
    const text = await response.text();
    const token = /name="formToken" value="([\w-]+)"|"formToken":"([\w-]+)"/.exec(text);
    if (token) this.formToken = token[1] ?? token[2] ?? '';
    return { status: response.status, text, headers: response.headers };
  }

  get(path: string): Promise<Answer> {
    return this.send(path, { headers: { 'sec-fetch-site': 'same-origin' } });
  }

  post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    const body = new URLSearchParams({ formToken: this.formToken, ...fields });
    return this.send(path, { method: 'POST', body, headers: { 'sec-fetch-site': 'same-origin', ...headers } });
  }

  command(path: string, input: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(`/admin/api/resources/${path}`, {
      method: 'POST',
      body: JSON.stringify(input),
      headers: {
        'sec-fetch-site': 'same-origin',
        'content-type': 'application/json',
        'x-form-token': this.formToken,
        ...headers,
      },
    });
  }

  async read(path: string): Promise<{ status: number; body: Record<string, unknown>; text: string }> {
    const { status, text } = await this.get(`/admin/api/resources/${path}`);
    return { status, text, body: JSON.parse(text) as Record<string, unknown> };
  }
}

export type SignedIn = { visitor: Visitor; staffId: string; email: string; secret: string; recoveryCodes: string[] };

let members = 0;

/** Invites a member and walks through the pages as a browser does, up to the panel. */
export async function signIn(url: string, role: StaffRole): Promise<SignedIn> {
  const email = `${role}-${++members}-${randomBytes(3).toString('hex')}@example.com`;
  const { staffId, token } = await inviteStaff(email, role);
  const visitor = new Visitor(url);
  await visitor.get('/invitation');
  await visitor.post('/invitation', { token, password: PASSWORD, repeated: PASSWORD });
  const page = await visitor.get('/enrolment');
  const secret = /data-secret="([A-Z2-7]+)"/.exec(page.text)?.[1] ?? '';
  const done = await visitor.post('/enrolment', { code: await codeOf(secret) });
  const recoveryCodes = [...done.text.matchAll(/<li>([a-z0-9]{5}-[a-z0-9]{5})<\/li>/g)].map(([, code = '']) => code);
  if (recoveryCodes.length === 0) throw new Error(`the enrolment failed: ${done.status} ${done.text}`);
  await visitor.get('/admin');
  return { visitor, staffId, email, secret, recoveryCodes };
}

/** Signs a member in again, up to the page that asks for the code. */
export async function enterPassword(url: string, email: string, password: string = PASSWORD): Promise<Visitor> {
  const visitor = new Visitor(url);
  await visitor.get('/sign-in');
  await visitor.post('/sign-in', { email, password });
  await visitor.get('/code');
  return visitor;
}

/** A code of the device that was not used yet: of the next time step, which is accepted early. */
export async function freshCode(secret: string): Promise<string> {
  return codeOf(secret, 1);
}
