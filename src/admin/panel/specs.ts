import type { PanelCommand, PanelSpec } from './spec.ts';
import { ANNOUNCEMENTS } from './specs-announcements.ts';
import { PRODUCTION_CALENDARS } from './specs-calendar.ts';
import { INCIDENT_ACCOUNTS, INCIDENTS } from './specs-incidents.ts';
import { LEGAL_HOLDS, RETENTION, RETENTION_RUNS } from './specs-keeping.ts';
import { ACCOUNTS, ADJUSTMENTS, ALERTS, LEDGER } from './specs-money.ts';
import { ACT_SIGNATURES, ACTS } from './specs-papers.ts';
import { CONSENT_DOCUMENTS, CONSENTS, POLICY_ACCEPTANCES, POLICY_VERSIONS } from './specs-policy.ts';
import { PRICES, PROPOSALS } from './specs-prices.ts';
import { PRIVACY_REQUESTS } from './specs-privacy.ts';
import { FAILED_JOBS, QUEUE_STATES } from './specs-queues.ts';
import { ROUTES } from './specs-routes.ts';
import { MODELS, PROVIDERS } from './specs-routing.ts';
import { AUDIT, STAFF } from './specs-service.ts';
import { SETTINGS } from './specs-settings.ts';
import { CONTENT_GRANTS, TICKETS } from './specs-support.ts';
import { SUSPENSION_REQUESTS } from './specs-suspensions.ts';
import { DELIVERIES, KEYS, REQUESTS } from './specs-traffic.ts';

/** Everything the panel shows, in the order of its menu. */
export const SPECS: readonly PanelSpec[] = [
  ACCOUNTS,
  SUSPENSION_REQUESTS,
  KEYS,
  REQUESTS,
  DELIVERIES,
  LEDGER,
  ADJUSTMENTS,
  ALERTS,
  PRICES,
  PROPOSALS,
  MODELS,
  PROVIDERS,
  ROUTES,
  QUEUE_STATES,
  FAILED_JOBS,
  TICKETS,
  CONTENT_GRANTS,
  PRIVACY_REQUESTS,
  PRODUCTION_CALENDARS,
  INCIDENTS,
  INCIDENT_ACCOUNTS,
  RETENTION,
  RETENTION_RUNS,
  LEGAL_HOLDS,
  ACTS,
  ACT_SIGNATURES,
  POLICY_VERSIONS,
  POLICY_ACCEPTANCES,
  CONSENT_DOCUMENTS,
  CONSENTS,
  ANNOUNCEMENTS,
  STAFF,
  SETTINGS,
  AUDIT,
];

export function specOf(resourceId: string): PanelSpec | undefined {
  return SPECS.find(({ id }) => id === resourceId);
}

/** A command of a record or of the collection, by the name of its action. */
export function commandOf(spec: PanelSpec, kind: 'record' | 'collection', action: string): PanelCommand | undefined {
  const commands = kind === 'record' ? spec.commands : spec.collectionCommands;
  return commands?.find((command) => command.action === action);
}
