import type { Document } from 'mongodb';
import type { Archive, PrivacyRequestState, PrivacyRequestType } from '../../models/privacy-request.ts';
import { type ArchiveStatus, archiveStatus } from '../../privacy/archive-links.ts';
import { REQUEST_TERMS } from '../../privacy/request-terms.ts';
import { owedNotices } from '../../privacy/third-party-notices.ts';
import type { PanelField } from './spec.ts';

/** What has to be done next about a request of a data subject. */

/** Of the archive only what tells how it stands. */
export const ARCHIVE_PATHS = ['archive.state', 'archive.readyAt', 'archive.link.issuedAt', 'archive.link.usedAt'];

const NEXT_STEPS = [
  'identify',
  'await_identity',
  'expire',
  'plan',
  'answer',
  'correct',
  'await_archive',
  'rebuild_archive',
  'give_link',
  'await_download',
  'check_download',
  'await_subject',
  'unblock',
  'submit',
  'approve',
  'cool_off',
  'await_workers',
  'retry',
  'release',
  'notify',
  'none',
] as const;
type NextStep = (typeof NEXT_STEPS)[number];

const NOTIFYING: ReadonlySet<string> = new Set(['verified', 'completed', 'completed_with_retained']);

const STEP_OF: Readonly<Partial<Record<PrivacyRequestState, NextStep>>> = {
  received: 'identify',
  needs_info: 'await_subject',
  awaiting_approval: 'approve',
  scheduled: 'cool_off',
  executing: 'await_workers',
  verifying: 'await_workers',
  failed: 'retry',
  on_hold: 'release',
};

const ARCHIVE_STEPS: Readonly<Record<ArchiveStatus, NextStep>> = {
  preparing: 'await_archive',
  failed: 'rebuild_archive',
  ready: 'give_link',
  downloaded: 'check_download',
  expired: 'rebuild_archive',
};

/** A link that was given is waited for; the owner of a key gets one without us. */
function archiveStep({ archive, channel }: Document): NextStep {
  const step = archive ? ARCHIVE_STEPS[archiveStatus(archive as Archive, Date.now())] : 'await_archive';
  return step === 'give_link' && (archive.link || channel === 'cabinet') ? 'await_download' : step;
}

function verifiedStep(document: Document): NextStep {
  const type = document.type as PrivacyRequestType;
  if (type === 'access') return archiveStep(document);
  if (type === 'rectify') return 'correct';
  return REQUEST_TERMS[type].erases ? 'plan' : 'answer';
}

/** Recipients have to be told now: before a request is answered, and after an erasure. */
function owes({ state, notices }: Document): boolean {
  return NOTIFYING.has(state as string) && owedNotices({ notices }) > 0;
}

/** What has to be done next. Its label says it in plain words. */
function nextStepOf(document: Document): NextStep {
  const { state, manifest, dueAt } = document;
  if (owes(document)) return 'notify';
  if (state === 'verified') return verifiedStep(document);
  if (state === 'awaiting_identity') return dueAt.getTime() > Date.now() ? 'await_identity' : 'expire';
  if (state === 'planned') return manifest?.blockers?.length > 0 ? 'unblock' : 'submit';
  return STEP_OF[state as PrivacyRequestState] ?? 'none';
}

export const nextStep: PanelField = {
  name: 'nextStep',
  type: 'textarea',
  paths: ['state', 'type', 'channel', 'dueAt', 'manifest.blockers.code', 'notices.state', ...ARCHIVE_PATHS],
  choices: NEXT_STEPS,
  listed: true,
  value: nextStepOf,
};
