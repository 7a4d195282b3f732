import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Config } from '../config.ts';
import { AppError, errorBody, toAppError } from '../errors.ts';
import { html } from '../html.ts';
import type { Logger } from '../log.ts';
import { BOARD_PATH, type BoardDependencies, boardRoutes } from './board/routes.ts';
import { ICON_SVG, LOGO_SVG, STYLE } from './entrance/look.ts';
import { sendPage } from './entrance/page.ts';
import { type EntranceDependencies, entranceRoutes } from './entrance/routes.ts';
import { textsOf } from './entrance/texts.ts';
import { sameOriginOnly, secureHeaders } from './guards.ts';
import { PANEL_STYLE } from './panel/page.ts';
import { type PanelDependencies, panelRoutes } from './panel/routes.ts';
import { visitorOf } from './visitor.ts';

export type AdminDependencies = {
  config: Pick<Config, 'admin'>;
  entrance: EntranceDependencies;
  panel: PanelDependencies;
  board: BoardDependencies;
  log: Logger;
  ready: () => Promise<boolean>;
};

const SECOND_MS = 1_000;
const LOOK: Readonly<Record<string, readonly [type: string, body: string]>> = {
  'logo.svg': ['image/svg+xml', LOGO_SVG],
  'icon.svg': ['image/svg+xml', ICON_SVG],
  'entrance.css': ['text/css', STYLE],
  'panel.css': ['text/css', PANEL_STYLE],
};

function serveLook(request: Request, response: Response): void {
  const name = String(request.params.name);
  const found = Object.hasOwn(LOOK, name) ? LOOK[name] : undefined;
  if (!found) throw new AppError('not_found');
  response.setHeader('cache-control', 'public, max-age=3600');
  response.type(found[0]).send(found[1]);
}

/** Lets only members pass whose second factor was right; the others are sent to sign in, scripts are told so. */
function gate(request: Request, response: Response, next: NextFunction): void {
  if (visitorOf(request).session?.stage === 'open') next();
  else if (request.method === 'GET' && !request.path.startsWith('/api/')) response.redirect(303, '/sign-in');
  else throw new AppError('sign_in_failed', { message: 'Sign in first.' });
}

const FOR_SCRIPTS = ['/admin/api/', '/admin/assets/', `${BOARD_PATH}/api/`, `${BOARD_PATH}/static/`];

function isForScripts({ originalUrl }: Request): boolean {
  return FOR_SCRIPTS.some((path) => originalUrl.startsWith(path));
}

function bodyParserError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  if (status === 413) return new AppError('body_too_large', { cause: error });
  if (status === 415) return new AppError('unsupported_media_type', { cause: error });
  return typeof status === 'number' && status >= 400 && status < 500
    ? new AppError('invalid_request', { cause: error })
    : undefined;
}

function handleErrors(log: Logger) {
  return (thrown: unknown, request: Request, response: Response, next: NextFunction): void => {
    const error = bodyParserError(thrown) ?? toAppError(thrown);
    if (error.status >= 500) log.error({ err: thrown, code: error.code, route: request.route?.path }, 'request failed');
    else if (error.internal !== undefined) log.warn({ code: error.code, reason: error.internal }, 'request refused');
    if (response.headersSent) {
      next(thrown);
      return;
    }
    if (error.retryAfterMs !== undefined)
      response.setHeader('retry-after', String(Math.ceil(error.retryAfterMs / SECOND_MS)));
    if (isForScripts(request)) {
      response.status(error.status).json(errorBody(error));
      return;
    }
    try {
      sendPage(request, response, errorPage(request, error));
    } catch {
      response.status(error.status).type('text').send(`${error.message}\n`);
    }
  };
}

function errorPage(request: Request, error: AppError) {
  const t = textsOf(visitorOf(request).language);
  const kind = error.status === 404 ? 'notFound' : error.status === 403 ? 'forbidden' : 'failed';
  const back = html`<a class="button" href="/admin">${t.back}</a>`;
  return { title: t[`${kind}Title`], body: html`<p>${t[kind]}</p>${back}`, status: error.status };
}

/** The back-office, top to bottom: nothing is read of a body before it is known where it comes from. */
export function createAdminApp(deps: AdminDependencies): Express {
  const { config, log } = deps;
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('trust proxy', config.admin.trustedProxies.length === 0 ? false : [...config.admin.trustedProxies]);

  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.get('/readyz', async (_request, response) => {
    const ready = await deps.ready().catch(() => false);
    response.status(ready ? 200 : 503).json({ status: ready ? 'ok' : 'unavailable' });
  });
  app.use(secureHeaders(config.admin.publicUrl.startsWith('https:')));
  app.get('/look/:name', serveLook);
  app.use(deps.entrance.visitors.read);
  app.use(sameOriginOnly);
  app.get('/', (_request, response) => response.redirect(303, '/admin'));
  app.use(entranceRoutes(deps.entrance));
  app.use(BOARD_PATH, gate, boardRoutes(deps.board));
  app.use('/admin', gate, panelRoutes(deps.panel));
  app.use(() => {
    throw new AppError('not_found');
  });
  app.use(handleErrors(log));
  return app;
}
