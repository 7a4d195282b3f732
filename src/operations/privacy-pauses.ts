import { expireRequest, pauseRequest } from '../privacy/request-pauses.ts';
import { type Operation, operation, personOf, withReason } from './define.ts';

/** Commands that hold a data subject's request up, and let it go on. Support asks; an admin decides what is kept from going on. */

const PREPARE = ['privacy.open', 'privacy.execute'] as const;

function pause(permission: Parameters<typeof operation>[0], event: Parameters<typeof pauseRequest>[1]): Operation {
  return operation(permission, 'dsr', withReason, async ({ reason }, { actor, targetId }) => {
    await pauseRequest(targetId, event, personOf(actor), reason);
  });
}

export const PRIVACY_PAUSE_OPERATIONS = {
  'privacy.ask-identity': pause(PREPARE, 'ask_identity'),
  'privacy.ask-more': pause(PREPARE, 'ask_more'),
  'privacy.inform': pause(PREPARE, 'inform'),
  'privacy.hold': pause('privacy.execute', 'hold'),
  'privacy.release': pause('privacy.execute', 'release'),
  'privacy.reject': pause('privacy.execute', 'reject'),
  'privacy.expire': operation('privacy.execute', 'dsr', withReason, async ({ reason }, { actor, targetId }) => {
    await expireRequest(targetId, personOf(actor), reason);
  }),
};
