import { createHash } from 'node:crypto';
import { AuditEntry, type AuditEntryDocument } from '../models/audit-entry.ts';
import { nativeCollection } from '../models/connect.ts';
import { DestructionAct, type DestructionActDocument } from '../models/destruction.ts';
import type { PrivacyRequestDocument } from '../models/privacy-request.ts';
import type { Paper } from '../papers/paper.ts';
import { renderPdf } from '../papers/pdf.ts';
import type { ZipEntry } from '../papers/zip.ts';
import { actFiles } from './act-papers.ts';
import { signaturesOf } from './act-signatures.ts';
import { verifyErased } from './class-rows.ts';
import { brokenActs, findAct } from './destruction-acts.ts';
import { manifestHash } from './manifest.ts';
import type { Operator } from './operator.ts';
import { LANGUAGES, letterPapers, noticePapers } from './request-papers.ts';
import { REQUEST_TERMS, termsOf } from './request-terms.ts';
import { ROW_CLASSES } from './row-classes.ts';

/**
 * Everything that shows how a data subject's request was met, as files for an inspector. What the subject wrote and where
 * the answer went are not among them: the pack may be handed on.
 */

/** What the pack is called among the files of a request. */
export const EVIDENCE_FILE = 'evidence.zip';
const AUDIT_ENTRIES_MAX = 1_000;

const README = `Пакет доказательств по обращению субъекта персональных данных.
request.json      обращение: вид, сроки, состояние, чем подтверждена личность
history.json      все события по порядку
manifest.json     план уничтожения, его хеш, пересчитанный хеш, кто составил и кто одобрил
letters/          письма субъекту
notices/          уведомления тем, кому передавались данные
act/              акт об уничтожении и выгрузка из журнала (PDF, JSON), подписанные экземпляры (хеши)
verification.json повторный подсчёт по всем классам сейчас; соседние акты и целостность их цепочки
audit.json        действия сотрудников с обращением, с хешами цепочки журнала
index.json        SHA-256 каждого файла

Evidence about a data subject's request; index.json has the SHA-256 of every other file.
`;

function json(value: unknown): Buffer {
  const text = JSON.stringify(value, (_name, one: unknown) => (typeof one === 'bigint' ? String(one) : one), 2);
  return Buffer.from(`${text}\n`);
}

/** What may be handed on of the request's row. */
function shownRequest(request: PrivacyRequestDocument) {
  const { _id, accountId, type, state, channel, receivedAt, dueAt, isProvisional, extendedAt, identity, closedAt } =
    request;
  const { norm } = termsOf(request);
  const head = {
    id: _id,
    accountId,
    type,
    norm,
    state,
    channel,
    receivedAt,
    dueAt,
    isProvisional,
    extendedAt,
    closedAt,
  };
  return { ...head, identity, checkpoints: request.checkpoints, retained: request.retained, failure: request.failure };
}

function approvals({ manifest, handler, approvedBy, scheduledFor }: PrivacyRequestDocument) {
  if (!manifest) return undefined;
  const recomputed = manifestHash(manifest);
  return {
    manifest,
    recomputedHash: recomputed,
    isWhole: recomputed === manifest.hash,
    handler,
    approvedBy,
    scheduledFor,
  };
}

async function verification({ accountId, actNumber, type }: PrivacyRequestDocument) {
  const left: Record<string, number> = {};
  if (REQUEST_TERMS[type].erases) for (const row of ROW_CLASSES) left[row.id] = await verifyErased(row, accountId);
  if (actNumber === undefined) return { at: new Date(), left };
  const neighbours = await nativeCollection<DestructionActDocument>(DestructionAct)
    .find({ _id: { $gte: Number(actNumber) - 1, $lte: Number(actNumber) + 1 } })
    .sort({ _id: 1 })
    .toArray();
  const chain = neighbours.map(({ _id, destroyedAt, previousHash, hash }) => ({
    _id,
    destroyedAt,
    previousHash,
    hash,
  }));
  return { at: new Date(), left, acts: chain, brokenActs: await brokenActs() };
}

/** What staff did about the request. Addresses of staff stay in the log. */
async function auditOf(requestId: string) {
  const entries = await nativeCollection<AuditEntryDocument>(AuditEntry)
    .find({ targetId: requestId }, { projection: { address: 0 } })
    .sort({ _id: 1 })
    .limit(AUDIT_ENTRIES_MAX)
    .toArray();
  return entries;
}

function* papers(request: PrivacyRequestDocument, operator: Operator): Generator<[string, Paper]> {
  const at = new Date();
  for (const language of LANGUAGES) {
    const making = { operator, language, at };
    for (const [kind, paper] of letterPapers(request, making)) yield [`letters/${kind}.${language}`, paper];
    for (const [recipient, paper] of noticePapers(request, making)) yield [`notices/${recipient}.${language}`, paper];
  }
}

async function* allFiles(request: PrivacyRequestDocument, operator: Operator): AsyncGenerator<ZipEntry> {
  yield { name: 'README.txt', content: Buffer.from(README) };
  yield { name: 'request.json', content: json(shownRequest(request)) };
  yield { name: 'history.json', content: json(request.history) };
  const plan = approvals(request);
  if (plan) yield { name: 'manifest.json', content: json(plan) };
  for (const [name, paper] of papers(request, operator)) yield { name: `${name}.pdf`, content: await renderPdf(paper) };
  if (request.notices) yield { name: 'notices/notices.json', content: json(request.notices) };
  if (request.actNumber !== undefined) {
    const act = await findAct(Number(request.actNumber));
    for await (const { name, content } of actFiles(act, operator)) yield { name: `act/${name}`, content };
    yield { name: 'act/signed-copies.json', content: json(await signaturesOf(act._id)) };
  }
  yield { name: 'verification.json', content: json(await verification(request)) };
  yield { name: 'audit.json', content: json(await auditOf(request._id)) };
}

/** The same bytes, and their hash when all of them have passed. */
async function* hashed(
  content: ZipEntry['content'],
  done: (sha256: string) => void,
): AsyncGenerator<string | Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of Buffer.isBuffer(content) ? [content] : content) {
    hash.update(chunk);
    yield chunk;
  }
  done(hash.digest('hex'));
}

/** The pack's files, the index of their hashes last. */
export async function* evidenceFiles(request: PrivacyRequestDocument, operator: Operator): AsyncGenerator<ZipEntry> {
  const index: Record<string, string> = {};
  for await (const { name, content } of allFiles(request, operator))
    yield {
      name,
      content: hashed(content, (sha256) => {
        index[name] = sha256;
      }),
    };
  yield { name: 'index.json', content: json({ request: request._id, at: new Date(), sha256: index }) };
}
