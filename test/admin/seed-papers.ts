import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { addSignature } from '../../src/privacy/act-signatures.ts';
import { consentDocument, giveConsent, publishConsent } from '../../src/privacy/consents.ts';
import type { ContentCipher } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { drawAct, recorded } from '../../src/privacy/destruction-acts.ts';
import { setLegalHold } from '../../src/privacy/legal-holds.ts';
import { acceptVersion, publishPolicy } from '../../src/privacy/policy-versions.ts';
import { runRetention } from '../../src/privacy/retention.ts';

/** One of everything that shows how personal data is kept and how it ends. */

export type SeededPapers = {
  actNumber: number;
  signatureId: string;
  runId: string;
  holdId: string;
  consentId: string;
  consentDocumentId: string;
  acceptanceId: string;
};

export const SIGNED_COPY = Buffer.from('%PDF-1.7 canary-signature');

const WORDS = 'Words that are long enough for a consent to be given to them.';

export async function seedPapers(accountId: string, keyId: string, cipher: ContentCipher): Promise<SeededPapers> {
  const signal = new AbortController().signal;
  const log = createLogger({ role: 'test', level: 'silent' });
  const plain = { nowMs: Date.now(), defaults: {}, signal, journal: NO_JOURNAL, log };
  const { _id: runId } = await runRetention({ ...plain, trigger: 'manual', by: 'anna' });
  const causeId = newId('dsr');
  await recorded({ causeId, classId: 'request.content', accountIds: [newId('acc')] }, async () => 3);
  const act = await drawAct(causeId, '152-FZ art. 21(4)', NO_JOURNAL);
  if (!act) throw new Error('no act was drawn');
  const { _id: actNumber } = act;
  const copy = { actNumber, kind: 'scan', content: SIGNED_COPY, by: newId('stf') } as const;
  const { _id: signatureId } = await addSignature(copy, cipher);
  const { _id: holdId } = await setLegalHold({ accountId, norm: 'GPK art. 57', by: newId('stf') });
  const operator = { name: 'Пример', address: '', inn: '', email: '' };
  const now = { effectiveAt: new Date(), by: newId('stf') };
  const { _id: version } = await publishPolicy({ operator, retentionDefaults: {} }, now, now.effectiveAt.getTime());
  await acceptVersion(accountId, version, { keyId, address: '192.0.2.77' });
  const purpose = 'news';
  const texts = { title: { ru: 'Новости', en: 'News' }, text: { ru: WORDS, en: WORDS } };
  const consentDocumentId = await publishConsent({ purpose, ...texts }, newId('stf'));
  const { hash } = await consentDocument(purpose);
  const given = { purpose, version: 1, language: 'ru', textHash: hash.ru } as const;
  const { _id: consentId } = await giveConsent(accountId, given, { keyId });
  return {
    actNumber,
    signatureId,
    runId,
    holdId,
    consentId,
    consentDocumentId,
    acceptanceId: `${accountId}|${version}`,
  };
}
