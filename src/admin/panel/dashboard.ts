import { can } from '../../auth/roles.ts';
import { AppError } from '../../errors.ts';
import { Account, type AccountDocument } from '../../models/account.ts';
import { Adjustment, type AdjustmentDocument } from '../../models/adjustment.ts';
import type { AnnouncementDocument } from '../../models/announcement.ts';
import { nativeCollection } from '../../models/connect.ts';
import { ReconciliationAlert, type ReconciliationAlertDocument } from '../../models/reconciliation-alert.ts';
import { ReconciliationWalk, type ReconciliationWalkDocument, WALKS } from '../../models/reconciliation-walk.ts';
import { Request, type RequestDocument } from '../../models/request.ts';
import type { StaffRole } from '../../models/staff.ts';
import { Ticket, type TicketDocument } from '../../models/ticket.ts';
import type { QueueState } from '../../queue/inspect.ts';
import { shownAnnouncements } from '../../support/announcements.ts';

/** The few figures on the first page. Each one is counted up to a bound, and shown to those who may see what it counts. */

const COUNT_MAX = 1_000;
const READ_TIMEOUT_MS = 3_000;
const OVERDUE = 'tickets?filters.clock=overdue';
const AWAITING = 'adjustments?filters.adjustmentState=proposed';

/** Rejects when Redis does not answer in time. */
export type ReadQueues = () => Promise<QueueState[]>;

export type DashboardFacts = {
  role: StaffRole;
  /** What staff are told, the newest first. */
  announcements: (Pick<AnnouncementDocument, 'title' | 'text'> & { id: string })[];
  /** Counts of `countMax` mean "that many or more". */
  countMax: number;
  /** Whether the books of all accounts agree, and when all of them were last looked at. */
  books?: { agree: boolean; checkedAt?: Date };
  /** How the queues stand, for those who look after them; `null` when Redis does not answer. */
  queues?: QueueState[] | null;
  figures: { name: string; count: number; isAlarming: boolean; href?: string }[];
};

const options = { limit: COUNT_MAX, maxTimeMS: READ_TIMEOUT_MS };

async function differing(): Promise<number> {
  return nativeCollection<ReconciliationAlertDocument>(ReconciliationAlert).countDocuments(
    { unresolved: true },
    options,
  );
}

/** The end of the oldest of the last passes; `undefined` until each of them was over once. */
async function lastCheck(): Promise<Date | undefined> {
  const walks = nativeCollection<ReconciliationWalkDocument>(ReconciliationWalk);
  const found = await walks.find({}, { projection: { endedAt: 1 }, maxTimeMS: READ_TIMEOUT_MS }).toArray();
  const ends = found.flatMap(({ endedAt }) => (endedAt ? [endedAt.getTime()] : []));
  return ends.length === WALKS.length ? new Date(Math.min(...ends)) : undefined;
}

async function awaitingApproval(): Promise<number> {
  const filter = { state: 'proposed', expiresAt: { $gt: new Date() } } as const;
  return nativeCollection<AdjustmentDocument>(Adjustment).countDocuments(filter, options);
}

async function accountsIn(status: 'frozen' | 'suspended'): Promise<number> {
  return nativeCollection<AccountDocument>(Account).countDocuments({ status }, options);
}

/** Served by the sweeper's index, however many requests are stored. */
async function openRequests(): Promise<number> {
  const filter = { settled: false, state: { $in: ['accepted', 'running'] } } as const;
  return nativeCollection<RequestDocument>(Request).countDocuments(filter, options);
}

async function overdueTickets(): Promise<number> {
  const filter = { state: 'open', dueAt: { $lte: new Date() } } as const;
  return nativeCollection<TicketDocument>(Ticket).countDocuments(filter, options);
}

/** The figures for a role. @throws `staff_forbidden` for nobody. */
export async function dashboardFacts(role: StaffRole | undefined, readQueues: ReadQueues): Promise<DashboardFacts> {
  if (role === undefined) throw new AppError('staff_forbidden');
  const [frozen, suspended] = await Promise.all([accountsIn('frozen'), accountsIn('suspended')]);
  const figures: DashboardFacts['figures'] = [
    { name: 'frozenAccounts', count: frozen, isAlarming: frozen > 0, href: 'accounts?filters.status=frozen' },
    { name: 'suspendedAccounts', count: suspended, isAlarming: false, href: 'accounts?filters.status=suspended' },
  ];
  let books: DashboardFacts['books'];
  if (can(role, 'requests.read'))
    figures.unshift({ name: 'openRequests', count: await openRequests(), isAlarming: false, href: 'requests' });
  if (can(role, 'money.read')) {
    const [count, checkedAt, proposed] = await Promise.all([differing(), lastCheck(), awaitingApproval()]);
    books = { agree: count === 0, ...(checkedAt ? { checkedAt } : {}) };
    figures.push({ name: 'awaitingApproval', count: proposed, isAlarming: false, href: AWAITING });
    figures.push({ name: 'differences', count, isAlarming: count > 0, href: 'alerts' });
  }
  if (can(role, 'tickets.read')) {
    const count = await overdueTickets();
    figures.push({ name: 'ticketsOverdue', count, isAlarming: count > 0, href: OVERDUE });
  }
  const queues = can(role, 'routing.read') ? await readQueues().catch(() => null) : undefined;
  const announcements = await shownAnnouncements('staff');
  return {
    role,
    announcements: announcements.map(({ _id: id, title, text }) => ({ id, title, text })),
    countMax: COUNT_MAX,
    figures,
    ...(books ? { books } : {}),
    ...(queues === undefined ? {} : { queues }),
  };
}
