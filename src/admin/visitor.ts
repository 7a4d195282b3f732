import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import { ipGroup } from '../auth/ip-group.ts';
import { DEVICE_DAYS, newDevice } from '../auth/staff-device.ts';
import { findSession, newToken, type OpenSession, type SessionLimits } from '../auth/staff-session.ts';
import { chooseLanguage, type Language } from '../language.ts';
import type { Actor } from '../operations/define.ts';

/** Who makes a request: the cookie, the session behind it, the language; read once, before anything else happens. */

export type Visitor = {
  /** The value of the cookie: a session's token, or a random value of somebody who is not signed in. */
  cookie: string;
  session: OpenSession | undefined;
  /** The mark of a browser in which somebody has signed in before, as it was sent. */
  device: string | undefined;
  /** What a form or a script of ours must send along with anything that changes something. */
  formToken: string;
  /** Group of the address, for counting and for the audit log. */
  address: string;
  language: Language;
};

export type VisitorSettings = { pepper: Uint8Array; publicUrl: string; limits: SessionLimits };

const KEY_BYTES = 32;
const TOKEN = /^[\w-]{43}$/;
const DEVICE = /^[\w.-]{60,100}$/;
const DAY_SECONDS = 86_400;
const visitors = new WeakMap<Request, Visitor>();

/** `__Host-` binds the cookie to this very host; it needs TLS. */
function cookieName(publicUrl: string, what: 'staff' | 'device'): string {
  return `${publicUrl.startsWith('https:') ? '__Host-' : ''}ocelotiq_${what}`;
}

function readCookie(request: Request, name: string, pattern: RegExp): string | undefined {
  const found = (request.headers.cookie ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(`${name}=`))
    .map((part) => part.slice(name.length + 1));
  // Two of one name: somebody else planted one of them.
  const [value] = found;
  return found.length === 1 && value !== undefined && pattern.test(value) ? value : undefined;
}

/** The request's visitor. Throws when the middleware has not run. */
export function visitorOf(request: Request): Visitor {
  const visitor = visitors.get(request);
  if (!visitor) throw new Error('no visitor: the middleware is missing');
  return visitor;
}

/** The signed-in member as one who gives commands. Throws when nobody is signed in. */
export function actorOf(request: Request): Actor & { kind: 'staff' } {
  const { session, address } = visitorOf(request);
  if (session?.stage !== 'open') throw new Error('no session: the gate is missing');
  return { kind: 'staff', staffId: session.member.staffId, role: session.member.role, address };
}

/** Whether the token sent with a request is the one made for its cookie. */
export function isFormToken(given: unknown, { formToken }: Visitor): boolean {
  if (typeof given !== 'string' || given.length !== formToken.length) return false;
  return timingSafeEqual(Buffer.from(given), Buffer.from(formToken));
}

export type Visitors = {
  read: (request: Request, response: Response, next: NextFunction) => Promise<void>;
  setCookie: (response: Response, value: string) => void;
  /** Beside `setCookie` and after it: the browser is one in which the member with this e-mail has signed in. */
  rememberDevice: (response: Response, email: string) => void;
};

/** Reads visitors and sets their cookie: for this host, not for scripts, and never sent from another site. */
export function createVisitors({ pepper, publicUrl, limits }: VisitorSettings): Visitors {
  const key = new Uint8Array(hkdfSync('sha256', pepper, '', 'ocelotiq staff forms', KEY_BYTES));
  const [name, deviceName] = [cookieName(publicUrl, 'staff'), cookieName(publicUrl, 'device')];
  const secure = publicUrl.startsWith('https:') ? '; Secure' : '';
  const kept = `Path=/; HttpOnly; SameSite=Strict${secure}`;
  const setCookie = (response: Response, value: string) => {
    response.setHeader('set-cookie', `${name}=${value}; ${kept}`);
  };
  return {
    setCookie,
    rememberDevice: (response, email) => {
      const mark = newDevice(pepper, email);
      response.append('set-cookie', `${deviceName}=${mark}; Max-Age=${DEVICE_DAYS * DAY_SECONDS}; ${kept}`);
    },
    read: async (request, response, next) => {
      const given = readCookie(request, name, TOKEN);
      const cookie = given ?? newToken();
      if (given === undefined) setCookie(response, cookie);
      visitors.set(request, {
        cookie,
        session: await findSession(given, limits),
        device: readCookie(request, deviceName, DEVICE),
        formToken: createHmac('sha256', key).update(cookie).digest('base64url'),
        address: ipGroup(request.ip),
        language: chooseLanguage(request),
      });
      next();
    },
  };
}
