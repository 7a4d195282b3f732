import { can } from '../../auth/roles.ts';
import { AppError } from '../../errors.ts';
import { Account, type AccountDocument } from '../../models/account.ts';
import { nativeCollection } from '../../models/connect.ts';
import { ReconciliationAlert, type ReconciliationAlertDocument } from '../../models/reconciliation-alert.ts';
import { Request, type RequestDocument } from '../../models/request.ts';
import type { StaffRole } from '../../models/staff.ts';

/** The few figures on the first page. Each one is counted up to a bound, and shown to those who may see what it counts. */

const COUNT_MAX = 1_000;
const READ_TIMEOUT_MS = 3_000;

export type DashboardFacts = {
  role: StaffRole;
  /** Counts of `countMax` mean "that many or more". */
  countMax: number;
  figures: { name: string; count: number; isAlarming: boolean; href?: string }[];
};

const options = { limit: COUNT_MAX, maxTimeMS: READ_TIMEOUT_MS };

async function differing(): Promise<number> {
  return nativeCollection<ReconciliationAlertDocument>(ReconciliationAlert).countDocuments(
    { unresolved: true },
    options,
  );
}

async function accountsIn(status: 'frozen' | 'suspended'): Promise<number> {
  return nativeCollection<AccountDocument>(Account).countDocuments({ status }, options);
}

/** Served by the sweeper's index, however many requests are stored. */
async function openRequests(): Promise<number> {
  const filter = { settled: false, state: { $in: ['accepted', 'running'] } } as const;
  return nativeCollection<RequestDocument>(Request).countDocuments(filter, options);
}

/** The figures for a role. @throws `staff_forbidden` for nobody. */
export async function dashboardFacts(role: StaffRole | undefined): Promise<DashboardFacts> {
  if (role === undefined) throw new AppError('staff_forbidden');
  const [frozen, suspended] = await Promise.all([accountsIn('frozen'), accountsIn('suspended')]);
  const figures: DashboardFacts['figures'] = [
    { name: 'frozenAccounts', count: frozen, isAlarming: frozen > 0, href: 'accounts?filters.status=frozen' },
    { name: 'suspendedAccounts', count: suspended, isAlarming: false, href: 'accounts?filters.status=suspended' },
  ];
  if (can(role, 'requests.read'))
    figures.unshift({ name: 'openRequests', count: await openRequests(), isAlarming: false, href: 'requests' });
  if (can(role, 'money.read')) {
    const count = await differing();
    figures.push({ name: 'differences', count, isAlarming: count > 0, href: 'alerts?filters.alertStatus=open' });
  }
  return { role, countMax: COUNT_MAX, figures };
}
