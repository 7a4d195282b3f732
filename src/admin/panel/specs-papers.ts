import type { Document } from 'mongodb';
import { SIGNATURE_KINDS } from '../../models/act-signature.ts';
import { ACT_FILES } from '../../privacy/act-papers.ts';
import { signedActs } from '../../privacy/act-signatures.ts';
import { categoryIn, normIn } from '../../privacy/russian-norms.ts';
import { choiceField, exactField, idField, numberField, textField, timeField, wordsField } from './fields.ts';
import type { PanelField, PanelSpec } from './spec.ts';

/** Acts of destruction, and the copies that somebody signed. */

function categoriesIn(language: 'ru' | 'en', { categories }: Document): string {
  const lines = categories.map(({ classId, category, count }: Document) => {
    const name = language === 'ru' ? category : categoryIn('en', classId);
    return `${name}: ${count}`;
  });
  return lines.join('\n');
}

/** An act confirms nothing until somebody has signed it (Order 179 p. 3). */
const actCopy: PanelField = {
  name: 'actCopy',
  paths: ['signatures._id'],
  choices: ['signed', 'unsigned'],
  listed: true,
  value: ({ signatures }) => (Array.isArray(signatures) && signatures.length > 0 ? 'signed' : 'unsigned'),
  filter: (text) => {
    if (text === 'signed') return signedActs().then((numbers) => ({ _id: { $in: numbers as never[] } }));
    if (text === 'unsigned') return signedActs().then((numbers) => ({ _id: { $nin: numbers as never[] } }));
    return undefined;
  },
};

export const ACTS: PanelSpec = {
  id: 'acts',
  collection: 'destruction_acts',
  joined: { collection: 'act_signatures', by: 'actNumber', as: 'signatures' },
  icon: 'FileMinus',
  permission: 'privacy.read',
  title: 'id',
  hasNumericId: true,
  related: [
    { resourceId: 'actSignatures', filter: 'actNumber' },
    { resourceId: 'audit', filter: 'targetId' },
  ],
  fields: [
    numberField('id', { path: '_id', listed: true }),
    timeField('destroyedAt', { listed: true }),
    exactField('causeId', { listed: true, isIndexed: true }),
    wordsField('grounds', ({ reason }) => ({ ru: normIn('ru', reason), en: reason }), {
      paths: ['reason'],
      listed: true,
    }),
    exactField('accountId', { reference: 'accounts' }),
    textField('subjects', { listed: true }),
    actCopy,
    wordsField('categories', (act) => ({ ru: categoriesIn('ru', act), en: categoriesIn('en', act) }), {
      paths: ['categories'],
    }),
    textField('events'),
    textField('unconfirmed'),
    textField('extractHash'),
    textField('previousHash'),
    textField('hash'),
  ],
  files: ACT_FILES.map((name) => ({ name, operation: 'acts.download' })),
  commands: [
    {
      action: 'keepSigned',
      operation: 'acts.sign',
      icon: 'Upload',
      fields: [
        { name: 'signatureKind', kind: 'choice', choices: SIGNATURE_KINDS },
        { name: 'content', kind: 'file' },
      ],
    },
  ],
};

export const ACT_SIGNATURES: PanelSpec = {
  id: 'actSignatures',
  collection: 'act_signatures',
  icon: 'Edit3',
  permission: 'privacy.read',
  title: 'id',
  fields: [
    idField({ listed: false }),
    numberField('actNumber', { reference: 'acts', listed: true, isIndexed: true }),
    choiceField('signatureKind', SIGNATURE_KINDS, { path: 'kind', listed: true }),
    timeField('at', { listed: true }),
    textField('keptBy', { path: 'by', listed: true }),
    textField('mediaType'),
    textField('bytes', { listed: true }),
    textField('sha256'),
  ],
  files: [{ name: 'copy', operation: 'acts.download-copy' }],
};
