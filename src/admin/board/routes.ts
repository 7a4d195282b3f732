import { createBullBoard } from '@bull-board/api';
import type { BaseAdapter } from '@bull-board/api/baseAdapter';
import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import type { AuditLog } from '../../audit/append.ts';
import { can } from '../../auth/roles.ts';
import { AppError } from '../../errors.ts';
import { auditActor } from '../../operations/perform.ts';
import { allowOwnBase } from '../guards.ts';
import { actorOf, visitorOf } from '../visitor.ts';
import { createBoardPage } from './page.ts';
import { ReadingAdapter } from './reading-adapter.ts';

/**
 * Bull Board, for looking only: the same session, the same table of roles, GET and nothing else. What may be done about
 * jobs are audited commands of ours (`operations/queues.ts`).
 */

export const BOARD_PATH = '/admin/board';

export type BoardDependencies = { audit: AuditLog; queues: BaseAdapter[] };

/** The addresses that its scripts give to its views; all of them are the one page. */
const VIEWS = ['/', '/queue/:queueName', '/queue/:queueName/:jobId', '/job-schedulers', '/metrics-history'];
const HASHED_FILES = /^\/static\/(css|js)\//;

/** Lets those pass who may see queues; writes a refusal down. */
function allow(audit: AuditLog) {
  return async (request: Request, _response: Response, next: NextFunction): Promise<void> => {
    const actor = actorOf(request);
    if (!can(actor.role, 'routing.read')) {
      await audit.append({ ...auditActor(actor), action: 'board.read', outcome: 'denied', code: 'staff_forbidden' });
      throw new AppError('staff_forbidden');
    }
    if (request.method !== 'GET') {
      await audit.append({ ...auditActor(actor), action: 'board.change', outcome: 'denied', code: 'staff_forbidden' });
      throw new AppError('staff_forbidden', { message: 'Queues are changed by the commands of the back-office.' });
    }
    next();
  };
}

/** Behind the gate. Files whose names change with what is in them are kept by browsers. */
export function boardRoutes({ audit, queues }: BoardDependencies): Router {
  const page = createBoardPage(`${BOARD_PATH}/`);
  const adapter = new ReadingAdapter();
  adapter.setBasePath(BOARD_PATH);
  createBullBoard({ queues, serverAdapter: adapter, options: { uiConfig: { showWorkers: false } } });
  const router = express.Router();
  router.use(allow(audit));
  router.get(VIEWS, (request, response) => {
    allowOwnBase(response);
    response.type('html').send(page(visitorOf(request).language));
  });
  router.use((request, response, next) => {
    if (HASHED_FILES.test(request.path)) response.setHeader('cache-control', 'private, max-age=31536000, immutable');
    next();
  });
  router.use(adapter.getRouter());
  return router;
}
