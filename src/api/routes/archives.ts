import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { AppError } from '../../errors.ts';
import { type Download, type LinkState, lookAtLink, takeArchive } from '../../privacy/archive-links.ts';
import type { ApiDependencies, Handler } from '../context.ts';
import { archivePage } from '../pages/archive-page.ts';
import { sendPublicPage } from '../pages/public-page.ts';

/** Archives of personal data, for whoever has the link. A look, also of a previewer, leaves it whole; a POST uses it up. */

/** A client that takes nothing for so long is gone. */
const IDLE_MS = 60_000;

type Public = Pick<ApiDependencies, 'rateLimits' | 'cipher' | 'log'>;

const tokenOf = ({ params }: Request) => String(params.token);

/** Guessing is bounded like guessing keys. */
function admit(request: Request, { rateLimits }: Public): void {
  rateLimits.admitIp(request.ip);
  const blockedMs = rateLimits.badKeysExceeded(request.ip);
  if (blockedMs > 0) throw new AppError('rate_limit_exceeded', { retryAfterMs: blockedMs });
}

function sendPage(request: Request, response: Response, state: LinkState, { rateLimits }: Public): void {
  if (state === 'unknown') rateLimits.countBadKey(request.ip);
  if (state !== 'usable') response.status(404);
  response.setHeader('x-robots-tag', 'noindex');
  sendPublicPage(request, response, (language) => archivePage(state, request.path, language), { hasForm: true });
}

/** `GET /archives/{token}`: a page with a button. */
export function showArchive(deps: Public): Handler {
  return async (request, response) => {
    admit(request, deps);
    sendPage(request, response, await lookAtLink(tokenOf(request), Date.now()), deps);
  };
}

/** `POST /archives/{token}`: the file, once. */
export function downloadArchive(deps: Public): Handler {
  return async (request, response) => {
    admit(request, deps);
    const download = await takeArchive(tokenOf(request), deps.cipher, Date.now()).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'not_found') return undefined;
      throw error;
    });
    if (download) await send(download, response);
    else {
      const state = await lookAtLink(tokenOf(request), Date.now());
      sendPage(request, response, state === 'usable' ? 'expired' : state, deps);
    }
  };
}

async function send({ requestId, bytes, content, finish }: Download, response: Response): Promise<void> {
  response.setHeader('content-type', 'application/zip');
  response.setHeader('content-length', bytes);
  response.setHeader('content-disposition', `attachment; filename="personal-data-${requestId}.zip"`);
  response.setTimeout(IDLE_MS, () => response.destroy());
  try {
    await pipeline(content, response);
  } catch (error) {
    // It broke off, and somebody will ask for another link.
    if (error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE') return;
    throw error;
  }
  await finish();
}
