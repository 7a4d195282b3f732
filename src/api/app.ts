import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import swaggerUi from 'swagger-ui-express';
import { shedEarly } from './admit.ts';
import type { ApiDependencies } from './context.ts';
import { authenticate, requireEndpoint } from './middleware/authenticate.ts';
import { handleErrors, notFound } from './middleware/errors.ts';
import { methodNotAllowed } from './middleware/method-not-allowed.ts';
import { openCall } from './middleware/open-call.ts';
import { openApiDocument } from './openapi.ts';
import { showBalance, showKey } from './routes/account.ts';
import { patchAccountPrivacy, showAccountPrivacy } from './routes/account-privacy.ts';
import { listAnnouncements } from './routes/announcements.ts';
import { downloadArchive, showArchive } from './routes/archives.ts';
import { chatCompletions } from './routes/chat-completions.ts';
import { deleteConsent, listConsents, putConsent } from './routes/consents.ts';
import { listModels, showModel } from './routes/models.ts';
import { acceptPolicy, showAcceptances, showConsentPage, showPolicy } from './routes/policy.ts';
import {
  cancelPrivacyRequest,
  filePrivacyRequest,
  linkPrivacyArchive,
  listPrivacyRequests,
  showPrivacyRequest,
} from './routes/privacy-requests.ts';
import { cancel, showRequest, streamRequest } from './routes/requests.ts';
import { listTickets, openTicket, showTicket, writeTicketMessage } from './routes/tickets.ts';

const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** The public API, top to bottom. Bodies are read by the routes that take one; nothing is parsed before authentication. */
export function createApp(deps: ApiDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('trust proxy', deps.config.api.trustedProxies.length === 0 ? false : [...deps.config.api.trustedProxies]);

  app.use(openCall(deps.metrics));
  app.get('/healthz', (_request, response) => void response.end('ok'));
  app.get('/readyz', async (_request, response) => {
    const ready = await deps.ready().catch(() => false);
    response.status(ready ? 200 : 503).end(ready ? 'ready' : 'not ready');
  });
  const document = openApiDocument(deps.config.api.publicUrl);
  app.get('/openapi.json', (_request, response) => void response.json(document));
  app.use(
    '/docs',
    (_request: Request, response: Response, next: NextFunction) => {
      response.setHeader('content-security-policy', DOCS_POLICY);
      next();
    },
    swaggerUi.serve,
  );
  app.get('/docs', swaggerUi.setup(document, { customSiteTitle: 'Ocelotiq API' }));

  app.get('/privacy', showPolicy(deps));
  app.get('/consents/:purpose', showConsentPage(deps));
  app.get('/archives/:token', showArchive(deps));
  app.post('/archives/:token', downloadArchive(deps));

  app.post('/v1/chat/completions', shedEarly(deps));
  const v1 = express.Router();
  v1.use(authenticate(deps.authenticator, deps.rateLimits));
  v1.post('/chat/completions', chatCompletions(deps));
  v1.get('/models', requireEndpoint('models'), listModels(deps));
  v1.get('/models/*modelId', requireEndpoint('models'), showModel(deps));
  v1.get('/requests/:requestId', requireEndpoint('requests'), showRequest(deps));
  v1.get('/requests/:requestId/stream', requireEndpoint('requests'), streamRequest(deps));
  v1.post('/requests/:requestId/cancel', requireEndpoint('requests'), cancel(deps));
  v1.get('/balance', requireEndpoint('account'), showBalance());
  v1.get('/key', requireEndpoint('account'), showKey());
  v1.get('/account/privacy', requireEndpoint('account'), showAccountPrivacy());
  v1.patch('/account/privacy', requireEndpoint('account'), patchAccountPrivacy());
  v1.post('/account/privacy-requests', requireEndpoint('privacy'), filePrivacyRequest(deps));
  v1.get('/account/privacy-requests', requireEndpoint('privacy'), listPrivacyRequests());
  v1.get('/account/privacy-requests/:privacyRequestId', requireEndpoint('privacy'), showPrivacyRequest());
  v1.post('/account/privacy-requests/:privacyRequestId/cancel', requireEndpoint('privacy'), cancelPrivacyRequest());
  v1.post('/account/privacy-requests/:privacyRequestId/link', requireEndpoint('privacy'), linkPrivacyArchive(deps));
  v1.get('/announcements', requireEndpoint('account'), listAnnouncements());
  v1.post('/tickets', requireEndpoint('account'), openTicket(deps));
  v1.get('/tickets', requireEndpoint('account'), listTickets(deps));
  v1.get('/tickets/:ticketId', requireEndpoint('account'), showTicket(deps));
  v1.post('/tickets/:ticketId/messages', requireEndpoint('account'), writeTicketMessage(deps));
  v1.get('/account/policy', requireEndpoint('account'), showAcceptances());
  v1.post('/account/policy', requireEndpoint('account'), acceptPolicy());
  v1.get('/account/consents', requireEndpoint('account'), listConsents());
  v1.put('/account/consents/:purpose', requireEndpoint('account'), putConsent());
  v1.delete('/account/consents/:purpose', requireEndpoint('account'), deleteConsent());
  v1.use(methodNotAllowed(v1));
  app.use('/v1', v1);

  app.use(methodNotAllowed(app.router));
  app.use(notFound);
  app.use(handleErrors(deps.log));
  return app;
}
