import { ANNOUNCEMENT_OPERATIONS } from './announcements.ts';
import { CALENDAR_OPERATIONS } from './calendar.ts';
import { CONTACT_OPERATIONS } from './contacts.ts';
import { CONTENT_OPERATIONS } from './content.ts';
import { INCIDENT_OPERATIONS } from './incidents.ts';
import { MODEL_OPERATIONS } from './models.ts';
import { MONEY_OPERATIONS } from './money.ts';
import { PAPER_OPERATIONS } from './papers.ts';
import { POLICY_OPERATIONS } from './policy.ts';
import { PRICE_OPERATIONS } from './prices.ts';
import { PRIVACY_OPERATIONS } from './privacy.ts';
import { PRIVACY_PAUSE_OPERATIONS } from './privacy-pauses.ts';
import { PROVIDER_OPERATIONS } from './providers.ts';
import { QUEUE_OPERATIONS } from './queues.ts';
import { RETENTION_OPERATIONS } from './retention.ts';
import { STAFF_OPERATIONS } from './staff.ts';
import { SUPPORT_OPERATIONS } from './support.ts';
import { TRAFFIC_OPERATIONS } from './traffic.ts';
import { UNLAWFUL_OPERATIONS } from './unlawful.ts';

/**
 * The commands that staff may give, in the back-office and by script alike: what each needs, who may give it, and what
 * it does. `perform.ts` checks, writes the audit log and runs them; nothing else does.
 */
export const OPERATIONS = {
  ...MONEY_OPERATIONS,
  ...TRAFFIC_OPERATIONS,
  ...MODEL_OPERATIONS,
  ...PROVIDER_OPERATIONS,
  ...PRICE_OPERATIONS,
  ...QUEUE_OPERATIONS,
  ...POLICY_OPERATIONS,
  ...CONTACT_OPERATIONS,
  ...STAFF_OPERATIONS,
  ...SUPPORT_OPERATIONS,
  ...CONTENT_OPERATIONS,
  ...ANNOUNCEMENT_OPERATIONS,
  ...PRIVACY_OPERATIONS,
  ...PRIVACY_PAUSE_OPERATIONS,
  ...UNLAWFUL_OPERATIONS,
  ...CALENDAR_OPERATIONS,
  ...RETENTION_OPERATIONS,
  ...INCIDENT_OPERATIONS,
  ...PAPER_OPERATIONS,
};

export type OperationName = keyof typeof OPERATIONS;
export const OPERATION_NAMES = Object.keys(OPERATIONS) as OperationName[];
