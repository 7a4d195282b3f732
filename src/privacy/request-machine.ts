import type { PrivacyRequestState } from '../models/privacy-request.ts';

/** The life of a data subject's request, as a table. Pure; who may do what is the store's business. */

export const REQUEST_EVENTS = [
  'ask_identity',
  'verify',
  'ask_more',
  'inform',
  'plan',
  'submit',
  'approve',
  'reject',
  'begin',
  'destroyed',
  'fail',
  'retry',
  'complete',
  'complete_with_retained',
  'hold',
  'release',
  'refuse',
  'cancel',
  'expire',
  'duplicate',
] as const;
export type RequestEvent = (typeof REQUEST_EVENTS)[number];

type Steps = Partial<Record<RequestEvent, PrivacyRequestState>>;

/** Until the point of no return a subject may take the request back, and staff may refuse it. */
const OPEN: Steps = { refuse: 'refused', cancel: 'cancelled', duplicate: 'duplicate' };
/** Released from a hold, a request is verified: so nobody who is not may be put there. */
const KNOWN: Steps = { ...OPEN, hold: 'on_hold' };

const TABLE: Readonly<Record<PrivacyRequestState, Steps>> = {
  received: { ...OPEN, ask_identity: 'awaiting_identity', verify: 'verified' },
  awaiting_identity: { ...OPEN, verify: 'verified', expire: 'unverified_expired' },
  verified: { ...KNOWN, ask_more: 'needs_info', plan: 'planned', complete: 'completed' },
  needs_info: { ...OPEN, inform: 'verified' },
  planned: { ...KNOWN, plan: 'planned', submit: 'awaiting_approval' },
  awaiting_approval: { ...KNOWN, approve: 'scheduled', reject: 'planned' },
  // Cooling off. `plan`: what would be destroyed is no longer what was approved.
  scheduled: { ...KNOWN, plan: 'planned', begin: 'executing' },
  // The point of no return.
  executing: { destroyed: 'verifying', fail: 'failed' },
  verifying: { complete: 'completed', complete_with_retained: 'completed_with_retained', fail: 'failed' },
  failed: { retry: 'executing' },
  on_hold: { release: 'verified', refuse: 'refused', cancel: 'cancelled' },
  completed: {},
  completed_with_retained: {},
  refused: {},
  cancelled: {},
  unverified_expired: {},
  duplicate: {},
};

/** The state after an event; undefined when the event cannot happen there. */
export function nextState(state: PrivacyRequestState, event: RequestEvent): PrivacyRequestState | undefined {
  return TABLE[state][event];
}

/** Nothing happens any more. */
export function isFinal(state: PrivacyRequestState): boolean {
  return Object.keys(TABLE[state]).length === 0;
}

/** Whether something was destroyed, or is being. */
export function isPastReturn(state: PrivacyRequestState): boolean {
  return ['executing', 'verifying', 'failed', 'completed', 'completed_with_retained'].includes(state);
}
