import { createWriteStream, writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Paper } from '../../src/papers/paper.ts';
import { renderPdf } from '../../src/papers/pdf.ts';
import { renderText } from '../../src/papers/plain-text.ts';
import { zipOf } from '../../src/papers/zip.ts';
import { archiveFiles } from '../../src/privacy/access-archive.ts';
import { EVIDENCE_FILE } from '../../src/privacy/evidence-pack.ts';
import { LETTER_KINDS, letterPaper } from '../../src/privacy/letters.ts';
import { findPrivacyRequest } from '../../src/privacy/privacy-requests.ts';
import { noticePaper } from '../../src/privacy/third-party-notices.ts';
import { performByScript } from '../operation.ts';
import { type Command, needed, oneOf, type Values } from './command.ts';

/** What comes out of a data subject's request as a file. */

/** Only for a request whose subject is known; the file is the caller's to hand over and to delete. */
export function exportTo(id: string, out: string): Command {
  return async ({ cipher, sources }) => {
    const request = await findPrivacyRequest(id);
    if (request.type !== 'access' || !request.identity)
      throw new Error('the request is not one for access, or its subject is not verified');
    const at = new Date();
    const file = zipOf(archiveFiles(request, sources, cipher, at), at);
    await pipeline(file, createWriteStream(out, { mode: 0o600, flags: 'wx' }));
    return `written to ${out}`;
  };
}

/** The address is not in it: whoever sends the letter has it from `read`. */
export function letter(id: string, values: Values): Command {
  const kind = oneOf('--kind', LETTER_KINDS, needed(values, 'kind'));
  const language = oneOf('--language', ['ru', 'en'], needed(values, 'language'));
  const out = needed(values, 'out');
  return async ({ sources: { operator } }) => {
    const paper = letterPaper(kind, await findPrivacyRequest(id), operator, { language, at: new Date() });
    return writePaper(paper, out);
  };
}

async function writePaper(paper: Paper, out: string): Promise<string> {
  const content = out.endsWith('.txt') ? renderText(paper) : await renderPdf(paper);
  writeFileSync(out, content, { mode: 0o600, flag: 'wx' });
  return `written to ${out}`;
}

/** To a recipient of the subject's data; whoever sends it notes that with `notice-sent`. */
export function notice(id: string, values: Values): Command {
  const recipient = needed(values, 'recipient');
  const language = oneOf('--language', ['ru', 'en'], needed(values, 'language'));
  const out = needed(values, 'out');
  return async ({ sources: { operator } }) =>
    writePaper(noticePaper(await findPrivacyRequest(id), recipient, operator, { language, at: new Date() }), out);
}

export function evidence(id: string, values: Values): Command {
  const [by, out] = [needed(values, 'by'), needed(values, 'out')];
  return async ({ installation }) => {
    const pack = { name: 'privacy.evidence', targetId: id, input: { file: EVIDENCE_FILE } } as const;
    const { file } = await performByScript(installation, pack, by);
    if (file) await pipeline(file.content, createWriteStream(out, { mode: 0o600, flags: 'wx' }));
    return `written to ${out}`;
  };
}
