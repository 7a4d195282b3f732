import type { Request } from 'express';
import { AppError } from '../../errors.ts';
import { consentDocument, consentDocuments } from '../../privacy/consents.ts';
import { buildPolicy } from '../../privacy/policy-content.ts';
import {
  acceptancesOf,
  acceptVersion,
  type Evidence,
  findVersion,
  listVersions,
  versionInForce,
} from '../../privacy/policy-versions.ts';
import { type ApiDependencies, type Handler, principalOf } from '../context.ts';
import { parseWith, readJson } from '../middleware/read-json.ts';
import { consentPage, policyPage, type ShownPolicy } from '../pages/policy-page.ts';
import { sendPublicPage } from '../pages/public-page.ts';
import { policyAcceptanceRequest } from '../privacy-schemas.ts';

/** The policy for everybody to read, and what an account has accepted of it. */

const BODY_BYTES_MAX = 4_096;
/** Whoever reads the page does not read the database: it is as old as this at most. */
const PAGE_AGE_MS = 5_000;
const VERSION = /^[1-9]\d{0,5}$/;

type Public = Pick<ApiDependencies, 'config' | 'rateLimits'>;

function remembered<Key, Value>(read: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  let last: { key: Key; atMs: number; value: Promise<Value> } | undefined;
  return (key) => {
    const nowMs = performance.now();
    if (last && last.key === key && nowMs - last.atMs < PAGE_AGE_MS) return last.value;
    const value = read(key);
    last = { key, atMs: nowMs, value };
    value.catch(() => {
      last = undefined;
    });
    return value;
  };
}

function versionOf({ query }: Request): number | undefined {
  const { version } = query;
  if (version === undefined) return undefined;
  if (typeof version === 'string' && VERSION.test(version)) return Number(version);
  throw new AppError('not_found', { message: 'There is no such version.' });
}

async function shownPolicy(asked: number | undefined, { config }: Public): Promise<ShownPolicy> {
  const [version, versions, consents] = await Promise.all([
    asked === undefined ? versionInForce(Date.now()) : findVersion(asked),
    listVersions(),
    consentDocuments(),
  ]);
  if (version) return { content: version.content, version, versions, consents };
  const sources = { operator: config.operator, retentionDefaults: config.retention.defaults };
  return { content: await buildPolicy(sources), versions, consents };
}

/** `GET /privacy`: the version in force, another one with `?version=`, or the draft while none is published. */
export function showPolicy(deps: Public): Handler {
  const read = remembered((version: number | undefined) => shownPolicy(version, deps));
  return async (request, response) => {
    deps.rateLimits.admitIp(request.ip);
    const shown = await read(versionOf(request));
    sendPublicPage(request, response, (language) => policyPage(shown, language));
  };
}

/** `GET /consents/{purpose}`: one consent's text, on a page of its own. */
export function showConsentPage({ rateLimits }: Public): Handler {
  const read = remembered(consentDocument);
  return async (request, response) => {
    rateLimits.admitIp(request.ip);
    const document = await read(String(request.params.purpose));
    sendPublicPage(request, response, (language) => consentPage(document, language));
  };
}

/** What is kept of how a decision came. */
export function evidenceOf(request: Request): Evidence {
  return { keyId: principalOf(request).keyId, address: request.ip, userAgent: request.headers['user-agent'] };
}

async function presentAccepted(accountId: string) {
  const [current, accepted] = await Promise.all([versionInForce(Date.now()), acceptancesOf(accountId)]);
  return {
    object: 'account.policy',
    in_force: current && {
      version: current._id,
      sha256: current.hash,
      effective_at: current.effectiveAt.toISOString(),
    },
    accepted: accepted.map(({ version, hash, at }) => ({ version, sha256: hash, accepted_at: at.toISOString() })),
  };
}

/** `GET /v1/account/policy` */
export function showAcceptances(): Handler {
  return async (request, response) => {
    response.json(await presentAccepted(principalOf(request).accountId));
  };
}

/** `POST /v1/account/policy`: takes note of a version. Again changes nothing. */
export function acceptPolicy(): Handler {
  return async (request, response) => {
    const { accountId } = principalOf(request);
    const { version } = parseWith(policyAcceptanceRequest, (await readJson(request, BODY_BYTES_MAX)).value);
    await acceptVersion(accountId, version, evidenceOf(request));
    response.json(await presentAccepted(accountId));
  };
}
