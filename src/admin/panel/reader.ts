import { buildRouter } from '@adminjs/express';
import type { AdminJS } from 'adminjs';
import type { RequestHandler } from 'express';
import { AppError } from '../../errors.ts';
import { visitorOf } from '../visitor.ts';
import { memberOf } from './state.ts';

/** AdminJS' own routing (@adminjs/express), for the addresses of the panel that read. */

const URL_CHARACTERS_MAX = 2_000;

function isMissing(body: unknown): boolean {
  const notice: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'notice') : undefined;
  return typeof notice === 'object' && notice !== null && Reflect.get(notice, 'type') === 'error';
}

/** Hands a request that was let in to AdminJS. Only for GET, and only behind the gate and the table of roles. */
export function createReader(panel: AdminJS): RequestHandler {
  // It would write a bundle of components into the working directory; ours are part of the build.
  panel.initialize = async () => undefined;
  const router = buildRouter(panel);
  return (request, response, next) => {
    if (request.url.length > URL_CHARACTERS_MAX) throw new AppError('invalid_request');
    // The member is looked for in a session. A body is said to be parsed: the parser would put files on the disk.
    const session = { adminUser: memberOf(visitorOf(request)) };
    Object.assign(request, { session, fields: {}, files: {}, express_formidable: { parsed: true } });
    const json = response.json.bind(response);
    response.json = (body: unknown) => {
      if (isMissing(body)) response.status(404);
      return json(body);
    };
    router(request, response, next);
  };
}
