import { toAddress } from '../../src/admin/panel/record-id.ts';
import { createAuditLog } from '../../src/audit/append.ts';
import { issueKey } from '../../src/auth/keys.ts';
import { inviteStaff } from '../../src/auth/staff.ts';
import { suspendAccount } from '../../src/billing/account-status.ts';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { AiModel, Provider } from '../../src/models/ai-model.ts';
import { Staff } from '../../src/models/staff.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { draftAnnouncement, publishAnnouncement } from '../../src/support/announcements.ts';
import { openTicket, writeToTicket } from '../../src/support/tickets.ts';
import type { BackOffice } from './back-office.ts';

/** Scripts in everything that somebody can type, also where our own rules would refuse them. */

export const HOSTILE = '<img src=x onerror="pwned=1"></script><script>pwned=1</script><svg onload="pwned=1">\'"';

/** In the browser: what of it has come alive. */
export const ALIVE = `[window.pwned ?? 0, document.querySelectorAll('img[src="x"], svg[onload], #app script').length]`;
export const DEAD = [0, 0];

/** In the browser: another page of the panel, as a link leads to it; loading the panel anew takes much longer. */
export const goTo = (path: string): string =>
  `history.pushState({}, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate'))`;

/** Puts them into rows of their own. Returns the pages that show them, each with how often at least. */
export async function seedHostileTexts({
  pepper,
  masterKey,
}: BackOffice): Promise<readonly [path: string, times: number][]> {
  const cipher = createContentCipher(new Map([[1, masterKey]]));
  const accountId = newId('acc');
  await createAccount(accountId);
  await suspendAccount(accountId, HOSTILE);
  const { document: key } = await issueKey({ accountId, label: HOSTILE }, { pepper, seal: cipher.seal });
  const ticket = await openTicket({ accountId, by: key._id, subject: HOSTILE, text: HOSTILE }, cipher);
  await writeToTicket(ticket._id, { kind: 'note', by: newId('stf'), text: HOSTILE }, cipher);
  const inBoth = { ru: HOSTILE, en: HOSTILE };
  const announcementId = await draftAnnouncement({ audience: 'staff', title: inBoth, text: inBoth, by: newId('stf') });
  await publishAnnouncement(announcementId, { by: newId('stf') });
  const { staffId } = await inviteStaff('hostile@example.com', 'support');
  await Staff.updateOne({ _id: staffId }, { $set: { email: HOSTILE } });
  await Provider.create({ _id: 'hostile', kind: 'openai-compatible', baseUrl: HOSTILE });
  const modelId = 'hostile/model';
  await AiModel.create({
    _id: modelId,
    name: HOSTILE,
    ownedBy: HOSTILE,
    createdAt: new Date(),
    contextTokensMax: 8_000,
    outputTokensMax: 4_000,
    outputTokensDefault: 1_000,
    mediaPartTokensMax: 1_000,
    routes: [{ id: 'evil', providerId: HOSTILE, upstreamModel: HOSTILE }],
  });
  const facts = { actorKind: 'script', action: 'seed', outcome: 'done', reason: HOSTILE } as const;
  const seq = await createAuditLog(pepper).append(facts);
  const record = (resource: string, id: string) => `/admin/resources/${resource}/records/${toAddress(id)}/show`;
  const list = (resource: string) => `/admin/resources/${resource}`;
  return [
    ['/admin', 2],
    [record('accounts', accountId), 1],
    [record('keys', key._id), 1],
    [record('tickets', ticket._id), 3],
    [list('announcements'), 1],
    [record('announcements', announcementId), 4],
    [list('staff'), 1],
    [record('staff', staffId), 1],
    [list('providers'), 1],
    [record('providers', 'hostile'), 1],
    [list('models'), 2],
    [record('models', modelId), 3],
    [list('routes'), 1],
    [list('audit'), 1],
    [record('audit', String(seq)), 1],
  ];
}

/** Pages that get them in their address. */
export const HOSTILE_ADDRESSES = [
  `/sign-in?lang=${encodeURIComponent(HOSTILE)}`,
  `/admin?lng=${encodeURIComponent(HOSTILE)}`,
  `/admin/resources/accounts?filters.id=${encodeURIComponent(HOSTILE)}`,
  `/admin/resources/${encodeURIComponent(HOSTILE)}`,
  `/admin/resources/accounts/records/${encodeURIComponent(HOSTILE)}/show`,
];
