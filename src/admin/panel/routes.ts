import type { AdminJS } from 'adminjs';
import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import type { AuditLog } from '../../audit/append.ts';
import { auditCsv } from '../../audit/csv.ts';
import { verifyAudit } from '../../audit/verify.ts';
import { can, type Permission } from '../../auth/roles.ts';
import { AppError } from '../../errors.ts';
import { OPERATIONS } from '../../operations/catalogue.ts';
import { auditActor, type Perform } from '../../operations/perform.ts';
import { SIGNATURE_BYTES_MAX } from '../../privacy/act-signatures.ts';
import { nonceOf, readCommand, readForm, readUpload } from '../guards.ts';
import { actorOf, visitorOf } from '../visitor.ts';
import { createAssets } from './assets.ts';
import { panelPage } from './page.ts';
import { createReader } from './reader.ts';
import { fromAddress } from './record-id.ts';
import { sendFile } from './send-file.ts';
import type { PanelSpec } from './spec.ts';
import { commandOf, specOf } from './specs.ts';

/**
 * Every address of the panel. What is not here does not exist, whatever else AdminJS' router knows; what is here asks
 * the table of roles first. Pages and lists are GET and change nothing: AdminJS' router answers lists and records, the
 * page around them is our own frame. Commands are POST and go to `perform`, past AdminJS.
 */

export type PanelDependencies = {
  panel: AdminJS;
  perform: Perform;
  audit: AuditLog;
  pepper: Uint8Array;
  publicUrl: string;
  /** Where customers reach the API. */
  apiUrl: string;
};

/** The largest file that any command takes. */
const UPLOAD_BYTES_MAX = SIGNATURE_BYTES_MAX;
const READS = new Set(['list', 'show', 'search']);
const AUDIT_TOOLS = new Set(['verify', 'export']);

/** What is needed to see an action's page or answer; `undefined` for what does not exist. */
function permissionsOf(
  spec: PanelSpec | undefined,
  kind: 'record' | 'collection',
  action: string,
): readonly Permission[] | undefined {
  if (!spec) return undefined;
  const isRead = kind === 'record' ? action === 'show' : READS.has(action) && action !== 'show';
  if (isRead || (spec.id === 'audit' && kind === 'collection' && AUDIT_TOOLS.has(action))) return [spec.permission];
  const command = commandOf(spec, kind, action);
  return command && OPERATIONS[command.operation].permissions;
}

export function panelRoutes(deps: PanelDependencies): Router {
  const { panel, perform, audit } = deps;
  const router = express.Router();
  const assets = createAssets();

  /** Lets a member pass who may; writes a refusal down. */
  const allow = (kind: 'record' | 'collection', fixed?: string) => {
    return async (request: Request, _response: Response, next: NextFunction): Promise<void> => {
      const { resourceId = '', action = fixed ?? 'list', recordId } = request.params as Record<string, string>;
      const permissions = permissionsOf(specOf(resourceId), kind, action);
      if (!permissions) throw new AppError('not_found');
      const actor = actorOf(request);
      if (!permissions.some((permission) => can(actor.role, permission))) {
        const target = recordId === undefined ? {} : { targetId: recordId.slice(0, 100) };
        const facts = { ...auditActor(actor), action: `${resourceId}.${action}`, ...target };
        await audit.append({ ...facts, outcome: 'denied', code: 'staff_forbidden' });
        throw new AppError('staff_forbidden');
      }
      next();
    };
  };

  const page = (request: Request, response: Response) => {
    response.type('html').send(panelPage(panel, visitorOf(request), assets, nonceOf(response)));
  };

  const read = createReader(panel);
  router.get('/', page);
  router.get('/assets/:version/:name', assets.serve);
  router.get('/resources/:resourceId', allow('collection', 'list'), page);
  router.get('/resources/:resourceId/actions/:action', allow('collection'), page);
  router.get('/resources/:resourceId/records/:recordId/:action', allow('record'), page);

  router.get(
    '/resources/:resourceId/records/:recordId/files/:file',
    async (request: Request<Record<'resourceId' | 'recordId' | 'file', string>>, response: Response) => {
      const { resourceId, recordId, file: name } = request.params;
      const found = specOf(resourceId)?.files?.find((one) => one.name === name);
      if (!found) throw new AppError('not_found');
      const order = { name: found.operation, targetId: fromAddress(recordId), input: { file: name } };
      const { file } = await perform(actorOf(request), order);
      if (!file) throw new Error(`${found.operation} gave no file`);
      await sendFile(response, file);
    },
  );

  router.get('/api/dashboard', read);
  router.get('/api/resources/:resourceId/actions/:action', allow('collection'), read);
  router.get('/api/resources/:resourceId/actions/:action/:query', allow('collection'), read);
  router.get('/api/resources/:resourceId/records/:recordId/:action', allow('record'), read);

  const command = (kind: 'record' | 'collection') => async (request: Request, response: Response) => {
    const { resourceId = '', action = '', recordId } = request.params as Record<string, string>;
    const spec = specOf(resourceId);
    const found = spec && commandOf(spec, kind, action);
    if (!found) throw new AppError('not_found');
    const target = recordId === undefined ? {} : { targetId: fromAddress(recordId) };
    const { invitation, archiveLink, told, content, accountIds, draft, counts } = await perform(actorOf(request), {
      name: found.operation,
      ...target,
      input: request.body,
    });
    response.json({
      done: true,
      ...(invitation && linkOf('invitation', `${deps.publicUrl}/invitation#${invitation.token}`, invitation)),
      ...(archiveLink && linkOf('archive', `${deps.apiUrl}/archives/${archiveLink.token}`, archiveLink)),
      ...(told === undefined ? {} : { told }),
      ...(content === undefined ? {} : { content }),
      ...(accountIds === undefined ? {} : { accountIds }),
      ...(draft === undefined ? {} : { draft }),
      ...(counts === undefined ? {} : { counts }),
    });
  };
  router.post(
    '/api/resources/audit/actions/verify',
    readCommand(),
    allowAudit(audit),
    async (request: Request, response: Response) => {
      const check = await verifyAudit(deps.pepper);
      await audit.append({ ...auditActor(actorOf(request)), action: 'audit.verify', outcome: 'done' });
      response.json(check);
    },
  );
  router.post('/audit.csv', readForm(), allowAudit(audit), async (request: Request, response: Response) => {
    await audit.append({ ...auditActor(actorOf(request)), action: 'audit.export', outcome: 'begun' });
    response.setHeader('content-type', 'text/csv; charset=utf-8');
    response.setHeader('content-disposition', 'attachment; filename="audit.csv"');
    for await (const line of auditCsv()) {
      if (!response.write(line)) await drained(response);
      if (response.destroyed) return;
    }
    response.end();
  });
  router.post('/api/resources/:resourceId/actions/:action', readCommand(), command('collection'));
  router.post('/api/resources/:resourceId/records/:recordId/:action', readCommand(), command('record'));
  // What else the command wants to know stands in the address; the body is the file.
  router.post(
    '/api/resources/:resourceId/records/:recordId/:action/upload',
    allow('record'),
    readUpload(UPLOAD_BYTES_MAX),
    (request: Request, _response: Response, next: NextFunction) => {
      const { resourceId = '', action = '' } = request.params as Record<string, string>;
      const spec = specOf(resourceId);
      const isUpload = spec && commandOf(spec, 'record', action)?.fields.some(({ kind }) => kind === 'file');
      if (!isUpload) throw new AppError('not_found');
      request.body = { ...request.query, content: request.body as unknown };
      next();
    },
    command('record'),
  );
  return router;
}

/** A link for whoever gave the command; the form says what it is for by its kind. */
function linkOf(linkKind: 'invitation' | 'archive', link: string, { expiresAt }: { expiresAt: Date }) {
  return { linkKind, link, expiresAt };
}

/** Resolves when the client can take more, or has gone. */
function drained(response: Response): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve);
    response.once('close', resolve);
  });
}

function allowAudit(audit: AuditLog) {
  return async (request: Request, _response: Response, next: NextFunction): Promise<void> => {
    const actor = actorOf(request);
    if (!can(actor.role, 'audit.read')) {
      await audit.append({ ...auditActor(actor), action: 'audit.read', outcome: 'denied', code: 'staff_forbidden' });
      throw new AppError('staff_forbidden');
    }
    next();
  };
}
