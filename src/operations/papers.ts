import { Readable } from 'node:stream';
import { z } from 'zod';
import { SIGNATURE_KINDS } from '../models/act-signature.ts';
import { ACT_FILES, actFile } from '../privacy/act-papers.ts';
import { addSignature, openSignature } from '../privacy/act-signatures.ts';
import { findAct } from '../privacy/destruction-acts.ts';
import { operation, personOf } from './define.ts';

/** Commands about acts of destruction as papers. To take one along is a command, so that the log says who has it. */

const ACT_NUMBER = /^\d{1,9}$/;
const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'application/pkcs7-signature': 'p7s',
  'application/x-pem-file': 'pem',
};

export const PAPER_OPERATIONS = {
  'acts.download': operation(
    'privacy.read',
    ACT_NUMBER,
    z.strictObject({ file: z.enum(ACT_FILES) }),
    async ({ file }, { targetId, deps }) => {
      const { content, ...paper } = await actFile(await findAct(Number(targetId)), file, deps.operator);
      return { file: { ...paper, content: Buffer.isBuffer(content) ? Readable.from([content]) : content } };
    },
  ),
  'acts.sign': operation(
    'privacy.execute',
    ACT_NUMBER,
    z.strictObject({ signatureKind: z.enum(SIGNATURE_KINDS), content: z.instanceof(Uint8Array) }),
    async ({ signatureKind: kind, content }, { actor, targetId, deps }) => {
      const copy = { actNumber: Number(targetId), kind, content, by: personOf(actor) };
      return { madeId: (await addSignature(copy, deps.cipher))._id };
    },
  ),
  'acts.download-copy': operation(
    'privacy.read',
    'sig',
    z.strictObject({ file: z.literal('copy') }),
    async (_input, { targetId, deps }) => {
      const { file, content } = await openSignature(targetId, deps.cipher);
      const name = `act-${file.actNumber}-${file.kind}-${file._id}.${EXTENSIONS[file.mediaType] ?? 'bin'}`;
      return { file: { name, mediaType: file.mediaType, content: Readable.from([content]) } };
    },
  ),
};
