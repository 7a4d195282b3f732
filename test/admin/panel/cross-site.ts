import { describe, expect, it } from '@jest/globals';
import { SPECS } from '../../../src/admin/panel/specs.ts';
import { newToken } from '../../../src/auth/staff-session.ts';
import { AuditEntry } from '../../../src/models/audit-entry.ts';
import { COMMANDS } from './commands.ts';
import { member } from './desk.ts';

/** Whatever changes something, asked for by a page that is not ours, by an admin who may do all of it. */

const SAME = { 'sec-fetch-site': 'same-origin' } as const;

/** How it is asked for from elsewhere: headers, and whether the token that shows the page is ours goes with them. */
const ATTACKS: readonly [name: string, headers: Record<string, string>, token: 'none' | 'wrong' | 'right'][] = [
  ['without a token', SAME, 'none'],
  ['with a token made up', SAME, 'wrong'],
  ['from another site', { 'sec-fetch-site': 'cross-site' }, 'right'],
  ['from a sibling host', { 'sec-fetch-site': 'same-site' }, 'right'],
  ['by an old browser on another site', { origin: 'https://evil.example' }, 'right'],
];

/** The addresses of every command of every collection, read from the specs: what is added there is tried here. */
function commandPaths(): string[] {
  return SPECS.flatMap(({ id, commands = [], collectionCommands = [] }) => [
    ...commands.map(({ action }) => `/admin/api/resources/${id}/records/none/${action}`),
    ...commands
      .filter(({ fields }) => fields.some(({ kind }) => kind === 'file'))
      .map(({ action }) => `/admin/api/resources/${id}/records/none/${action}/upload`),
    ...collectionCommands.map(({ action }) => `/admin/api/resources/${id}/actions/${action}`),
  ]);
}

/** What is no command of a collection. The forms of the entrance need no session. */
const OTHER_PATHS = [
  '/admin/api/resources/audit/actions/verify',
  '/admin/audit.csv',
  '/sign-in',
  '/code',
  '/invitation',
  '/enrolment',
  '/sign-out',
];

const FORMS = [/^\/admin\/audit\.csv$/, /^\/(?!admin)/];

function post(path: string, headers: Record<string, string>, token: 'none' | 'wrong' | 'right') {
  const { visitor } = member('admin');
  const given = { none: '', wrong: newToken(), right: visitor.formToken }[token];
  const isForm = FORMS.some((one) => one.test(path));
  const type = path.endsWith('/upload') ? 'application/octet-stream' : 'application/json';
  return visitor.send(path, {
    method: 'POST',
    body: isForm ? new URLSearchParams({ formToken: given, everywhere: 'yes' }) : '{}',
    headers: { ...headers, ...(isForm ? {} : { 'content-type': type, 'x-form-token': given }) },
  });
}

export function testCrossSite(): void {
  describe('every command of every collection, and every form', () => {
    it.each(ATTACKS)('is refused %s, and leaves the log and the session as they are', async (_, headers, token) => {
      const paths = [...commandPaths(), ...OTHER_PATHS];
      const entries = await AuditEntry.countDocuments({});
      const answers = [];
      for (const path of paths) answers.push([path, (await post(path, headers, token)).status]);
      expect(answers).toEqual(paths.map((path) => [path, 403]));
      expect(await AuditEntry.countDocuments({})).toBe(entries);
      expect((await member('admin').visitor.get('/admin')).status).toBe(200);
    });

    it('is tried above with each role as well', () => {
      const tried = new Set(COMMANDS.map(([path]) => path().replace(/records\/[^/]+\//, 'records/none/')));
      const untried = commandPaths()
        .filter((path) => !path.endsWith('/upload'))
        .map((path) => path.replace('/admin/api/resources/', ''))
        .filter((path) => !tried.has(path));
      // It is given in a test of its own, for it hands out a link.
      expect(untried).toEqual(['staff/actions/invite']);
    });
  });
}
