import { can } from '../../auth/roles.ts';
import { lastPass } from '../../billing/shared-walk.ts';
import { AppError } from '../../errors.ts';
import { Adjustment, type AdjustmentDocument } from '../../models/adjustment.ts';
import type { AnnouncementDocument } from '../../models/announcement.ts';
import { nativeCollection } from '../../models/connect.ts';
import { Incident, type IncidentDocument } from '../../models/incident.ts';
import { PRIVACY_REQUEST_STATES, PrivacyRequest, type PrivacyRequestDocument } from '../../models/privacy-request.ts';
import { ReconciliationAlert, type ReconciliationAlertDocument } from '../../models/reconciliation-alert.ts';
import { ReconciliationWalk, type ReconciliationWalkDocument, WALKS } from '../../models/reconciliation-walk.ts';
import { Request, type RequestDocument } from '../../models/request.ts';
import type { StaffRole } from '../../models/staff.ts';
import { SuspensionRequest, type SuspensionRequestDocument } from '../../models/suspension-request.ts';
import { Ticket, type TicketDocument } from '../../models/ticket.ts';
import { missingYears } from '../../privacy/calendar-store.ts';
import { isFinal } from '../../privacy/request-machine.ts';
import type { QueueState } from '../../queue/inspect.ts';
import type { RankAccounts } from '../../rollups/ranking.ts';
import { shownAnnouncements } from '../../support/announcements.ts';
import { readSchedules, type Schedule } from './schedules.ts';
import { type Range, type TrafficFacts, trafficFacts } from './traffic-facts.ts';

/** The few figures on the first page. Each one is counted up to a bound, and shown to those who may see what it counts. */

const COUNT_MAX = 1_000;
const READ_TIMEOUT_MS = 3_000;
const WEEK_MS = 7 * 86_400_000;
const OVERDUE = 'tickets?filters.clock=overdue';
const DUE = 'privacyRequests?filters.term=open';
const INCIDENTS = 'incidents?filters.incidentClock=open';
const SUSPENSIONS = 'suspensionRequests?filters.suspensionState=open';
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
  /** When the workers' periodic work was last through, for those who look after it. */
  schedules?: Schedule[];
  /** Charts, for those who may see requests or money. */
  traffic?: TrafficFacts;
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
  const found = await walks
    .find({ _id: { $in: [...WALKS] } }, { projection: { endedAt: 1 }, maxTimeMS: READ_TIMEOUT_MS })
    .toArray();
  const ends = found.flatMap(({ endedAt }) => (endedAt ? [endedAt.getTime()] : []));
  return ends.length === WALKS.length ? new Date(Math.min(...ends)) : undefined;
}

async function awaitingApproval(): Promise<number> {
  const filter = { state: 'proposed', expiresAt: { $gt: new Date() } } as const;
  return nativeCollection<AdjustmentDocument>(Adjustment).countDocuments(filter, options);
}

/** Accounts have no index to count by, so this is what the reconciler saw when it last went through all of them. */
async function accountsSeen() {
  const { totals } = await lastPass('accounts');
  const seen = (name: string) => Math.min(Number(totals[name] ?? 0n), COUNT_MAX);
  return { frozen: seen('frozen'), suspended: seen('suspended'), openHolds: seen('openHolds') };
}

async function suspensionsAsked(): Promise<number> {
  return nativeCollection<SuspensionRequestDocument>(SuspensionRequest).countDocuments({ state: 'open' }, options);
}

async function dueRequests(nowMs: number): Promise<number> {
  const state = { $in: PRIVACY_REQUEST_STATES.filter((one) => !isFinal(one)) };
  const filter = { state, dueAt: { $lt: new Date(nowMs + WEEK_MS) } };
  return nativeCollection<PrivacyRequestDocument>(PrivacyRequest).countDocuments(filter, options);
}

async function openIncidents(): Promise<number> {
  return nativeCollection<IncidentDocument>(Incident).countDocuments({ state: 'open' }, options);
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

/** What is read elsewhere than in the database, or beside the page. */
export type DashboardSources = { readQueues: ReadQueues; rankAccounts: RankAccounts };

/** The figures for a role. @throws `staff_forbidden` for nobody. */
export async function dashboardFacts(
  role: StaffRole | undefined,
  range: Range,
  { readQueues, rankAccounts }: DashboardSources,
): Promise<DashboardFacts> {
  if (role === undefined) throw new AppError('staff_forbidden');
  const [announcements, figures, books, queues, schedules, traffic] = await Promise.all([
    shownAnnouncements('staff'),
    figuresFor(role),
    can(role, 'money.read') ? booksState() : undefined,
    can(role, 'routing.read') ? readQueues().catch(() => null) : undefined,
    can(role, 'routing.read') ? readSchedules() : undefined,
    trafficFacts(role, range, rankAccounts),
  ]);
  return {
    role,
    announcements: announcements.map(({ _id: id, title, text }) => ({ id, title, text })),
    countMax: COUNT_MAX,
    figures,
    ...(books ? { books } : {}),
    ...(queues === undefined ? {} : { queues }),
    ...(schedules ? { schedules } : {}),
    ...(traffic ? { traffic } : {}),
  };
}

async function booksState(): Promise<NonNullable<DashboardFacts['books']>> {
  const [count, checkedAt] = await Promise.all([differing(), lastCheck()]);
  return { agree: count === 0, ...(checkedAt ? { checkedAt } : {}) };
}

async function figuresFor(role: StaffRole): Promise<DashboardFacts['figures']> {
  const { frozen, suspended, openHolds } = await accountsSeen();
  const figures: DashboardFacts['figures'] = [
    { name: 'frozenAccounts', count: frozen, isAlarming: frozen > 0, href: 'accounts?filters.status=frozen' },
    { name: 'suspendedAccounts', count: suspended, isAlarming: false, href: 'accounts?filters.status=suspended' },
  ];
  if (can(role, 'accounts.suspend') || can(role, 'accounts.request-suspension'))
    figures.push({ name: 'suspensionsAsked', count: await suspensionsAsked(), isAlarming: false, href: SUSPENSIONS });
  if (can(role, 'requests.read'))
    figures.unshift({ name: 'openRequests', count: await openRequests(), isAlarming: false, href: 'requests' });
  if (can(role, 'money.read')) {
    const [count, proposed] = await Promise.all([differing(), awaitingApproval()]);
    figures.push({ name: 'openHolds', count: openHolds, isAlarming: false });
    figures.push({ name: 'awaitingApproval', count: proposed, isAlarming: false, href: AWAITING });
    figures.push({ name: 'differences', count, isAlarming: count > 0, href: 'alerts' });
  }
  if (can(role, 'tickets.read')) {
    const count = await overdueTickets();
    figures.push({ name: 'ticketsOverdue', count, isAlarming: count > 0, href: OVERDUE });
  }
  if (can(role, 'privacy-requests.read')) {
    const count = await dueRequests(Date.now());
    figures.push({ name: 'dueRequests', count, isAlarming: count > 0, href: DUE });
    const { length: missing } = await missingYears(Date.now());
    if (missing > 0)
      figures.push({ name: 'missingYears', count: missing, isAlarming: true, href: 'productionCalendars' });
  }
  if (can(role, 'incidents.read')) {
    const count = await openIncidents();
    figures.push({ name: 'openIncidents', count, isAlarming: count > 0, href: INCIDENTS });
  }
  return figures;
}
