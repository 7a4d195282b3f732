import express, { type Request, type Response, type Router } from 'express';
import passport from 'passport';
import { Strategy } from 'passport-local';
import type { AuditLog } from '../../audit/append.ts';
import { endSession, endSessions, newToken } from '../../auth/staff-session.ts';
import {
  acceptInvitation,
  confirmEnrolment,
  type SignInDependencies,
  type Step,
  showEnrolment,
  signInWithCode,
  signInWithPassword,
} from '../../auth/staff-sign-in.ts';
import { AppError, toAppError } from '../../errors.ts';
import { field, nonceOf, readForm } from '../guards.ts';
import { type Visitors, visitorOf } from '../visitor.ts';
import { codePage, enrolmentPage, invitationPage, recoveryPage, signInPage, signOutPage } from './forms.ts';
import { type PageContent, sendPage } from './page.ts';
import { type Texts, textsOf } from './texts.ts';

/** The way in and out, as pages. What happens is decided in src/auth; here it is asked for, shown and written down. */

export type EntranceDependencies = { signIn: SignInDependencies; visitors: Visitors; audit: AuditLog };

const SECOND_MS = 1_000;
const NEXT = { code: '/code', enrol: '/enrolment', open: '/admin' } as const;

function explain(error: AppError, texts: Texts): string {
  if (error.code === 'rate_limit_exceeded')
    return texts.wait.replace('{seconds}', String(Math.ceil((error.retryAfterMs ?? 0) / SECOND_MS)));
  if (error.code === 'overloaded') return texts.busy;
  if (error.details.problem === 'length') return texts.passwordLength;
  if (error.details.problem === 'simple') return texts.passwordSimple;
  return texts.wrong;
}

/** Shows the form again with what was wrong; what is not the visitor's doing goes on to the error page. */
function showAgain(request: Request, response: Response, error: unknown, page: (problem: string) => PageContent): void {
  const known = toAppError(error);
  if (!['sign_in_failed', 'rate_limit_exceeded', 'overloaded', 'invalid_request'].includes(known.code)) throw error;
  if (known.retryAfterMs !== undefined)
    response.setHeader('retry-after', String(Math.ceil(known.retryAfterMs / SECOND_MS)));
  const status = known.code === 'sign_in_failed' || known.code === 'invalid_request' ? 422 : known.status;
  sendPage(request, response, { ...page(explain(known, textsOf(visitorOf(request).language))), status });
}

/** passport-local takes e-mail and password from the form; whether they are right is for src/auth to say. */
function createPassword(deps: SignInDependencies) {
  const authenticator = new passport.Passport();
  authenticator.use(
    new Strategy(
      { usernameField: 'email', passReqToCallback: true, session: false },
      (request, email, password, done) => {
        const { address, device } = visitorOf(request as Request);
        signInWithPassword({ email, password, address, device }, deps).then((step) => done(null, step), done);
      },
    ),
  );
  return (request: Request, response: Response) =>
    new Promise<Step>((resolve, reject) => {
      const settle = (error: unknown, step?: Step | false) =>
        error || !step ? reject(error instanceof Error ? error : new AppError('sign_in_failed')) : resolve(step);
      void authenticator.authenticate('local', { session: false }, settle)(request, response, reject);
    });
}

export function entranceRoutes({ signIn, visitors, audit }: EntranceDependencies): Router {
  const router = express.Router();
  const password = createPassword(signIn);
  const address = (request: Request) => visitorOf(request).address;

  /** @param email of a member who has come all the way in. */
  const goOn = (request: Request, response: Response, step: Step, email?: string) => {
    visitors.setCookie(response, step.token);
    if (email !== undefined) visitors.rememberDevice(response, email);
    const { language } = visitorOf(request);
    response.redirect(303, step.stage === 'open' ? `/admin?lng=${language}` : `${NEXT[step.stage]}?lang=${language}`);
  };
  const write = (request: Request, action: string, outcome: 'done' | 'failed', staffId?: string) =>
    audit.append({
      actorKind: staffId === undefined ? 'unknown' : 'staff',
      ...(staffId === undefined ? {} : { actorId: staffId }),
      address: address(request),
      action,
      outcome,
    });
  const refused = async (request: Request, action: string, error: unknown, staffId?: string) => {
    if (toAppError(error).code === 'sign_in_failed') await write(request, action, 'failed', staffId);
  };

  /** The session of a stage, or undefined after the visitor was sent to where he belongs. */
  const inStage = (request: Request, response: Response, stage: 'code' | 'enrol') => {
    const { session } = visitorOf(request);
    if (session?.stage === stage) return { ...session.member, digest: session.digest };
    response.redirect(303, session ? NEXT[session.stage] : '/sign-in');
    return undefined;
  };

  router.get('/sign-in', (request, response) => {
    const { session } = visitorOf(request);
    if (session) response.redirect(303, NEXT[session.stage]);
    else sendPage(request, response, signInPage(request));
  });
  router.post('/sign-in', readForm(), async (request: Request, response: Response) => {
    try {
      goOn(request, response, await password(request, response));
    } catch (error) {
      await refused(request, 'sign-in.password', error);
      showAgain(request, response, error, (problem) => signInPage(request, problem, field(request, 'email')));
    }
  });

  router.get('/code', (request, response) => {
    if (inStage(request, response, 'code')) sendPage(request, response, codePage(request));
  });
  router.post('/code', readForm(), async (request: Request, response: Response) => {
    const session = inStage(request, response, 'code');
    if (!session) return;
    try {
      const step = await signInWithCode(session, field(request, 'code'), signIn);
      await write(request, step.recovered ? 'sign-in.recovery-code' : 'sign-in', 'done', step.staffId);
      goOn(request, response, step, session.email);
    } catch (error) {
      await refused(request, 'sign-in.code', error, session.staffId);
      showAgain(request, response, error, (problem) => codePage(request, problem));
    }
  });

  router.get('/invitation', (request, response) => {
    sendPage(request, response, invitationPage(request, nonceOf(response)));
  });
  router.post('/invitation', readForm(), async (request: Request, response: Response) => {
    const [token, chosen] = [field(request, 'token').trim(), field(request, 'password')];
    const again = (problem: string) => invitationPage(request, nonceOf(response), problem, token);
    if (chosen !== field(request, 'repeated')) {
      const { passwordDiffers } = textsOf(visitorOf(request).language);
      sendPage(request, response, { ...again(passwordDiffers), status: 422 });
      return;
    }
    try {
      const step = await acceptInvitation({ token, password: chosen, address: address(request) }, signIn);
      await write(request, 'invitation.accept', 'done', step.staffId);
      goOn(request, response, step);
    } catch (error) {
      await refused(request, 'invitation.accept', error);
      showAgain(request, response, error, again);
    }
  });

  router.get('/enrolment', async (request, response) => {
    const session = inStage(request, response, 'enrol');
    if (session) sendPage(request, response, enrolmentPage(request, await showEnrolment(session.staffId, signIn)));
  });
  router.post('/enrolment', readForm(), async (request: Request, response: Response) => {
    const session = inStage(request, response, 'enrol');
    if (!session) return;
    try {
      const { recoveryCodes, token, staffId } = await confirmEnrolment(
        session,
        field(request, 'code').replaceAll(' ', ''),
        signIn,
      );
      await write(request, 'enrolment', 'done', staffId);
      visitors.setCookie(response, token);
      visitors.rememberDevice(response, session.email);
      sendPage(request, response, recoveryPage(request, recoveryCodes));
    } catch (error) {
      await refused(request, 'enrolment', error, session.staffId);
      const enrolment = await showEnrolment(session.staffId, signIn);
      showAgain(request, response, error, (problem) => enrolmentPage(request, enrolment, problem));
    }
  });

  router.get('/sign-out', (request, response) => sendPage(request, response, signOutPage(request)));
  router.post('/sign-out', readForm(), async (request: Request, response: Response) => {
    const { session } = visitorOf(request);
    const everywhere = field(request, 'everywhere') === 'yes';
    if (session) {
      const { staffId } = session.member;
      await (everywhere && session.stage === 'open' ? endSessions(staffId) : endSession(session.digest));
      await write(request, everywhere ? 'sign-out.everywhere' : 'sign-out', 'done', staffId);
    }
    visitors.setCookie(response, newToken());
    response.redirect(303, `/sign-out?lang=${visitorOf(request).language}`);
  });
  return router;
}
