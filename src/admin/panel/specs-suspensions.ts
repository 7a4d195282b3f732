import { SUSPENSION_REQUEST_STATES } from '../../models/suspension-request.ts';
import { choiceField, createdField, exactField, idField, textField, timeField } from './fields.ts';
import { type PanelCommand, type PanelSpec, REASON } from './spec.ts';

/** Suspensions that support asks for, and what was decided. */

/** For those who may ask only; whoever may suspend does so. */
export const REQUEST_SUSPENSION: PanelCommand = {
  action: 'requestSuspension',
  operation: 'accounts.request-suspension',
  icon: 'PauseCircle',
  fields: [REASON],
  when: ({ status }) => status === 'active',
};

const isOpen = ({ suspensionState }: Readonly<Record<string, unknown>>) => suspensionState === 'open';

export const SUSPENSION_REQUESTS: PanelSpec = {
  id: 'suspensionRequests',
  collection: 'suspension_requests',
  icon: 'PauseCircle',
  permission: 'accounts.read',
  title: 'id',
  fields: [
    idField({ listed: false }),
    createdField('sus', { listed: true }),
    exactField('accountId', { reference: 'accounts', listed: true, isIndexed: true }),
    choiceField('suspensionState', SUSPENSION_REQUEST_STATES, { path: 'state', listed: true, isIndexed: true }),
    textField('reason', { listed: true }),
    textField('requestedBy', { listed: true }),
    textField('decidedBy'),
    timeField('decidedAt'),
    textField('decision'),
  ],
  steps: ['createdAt', 'decidedAt'],
  related: [{ resourceId: 'audit', filter: 'targetId' }],
  commands: [
    {
      action: 'grantSuspension',
      operation: 'suspensions.grant',
      icon: 'Check',
      fields: [REASON],
      when: isOpen,
      isDangerous: true,
    },
    { action: 'declineSuspension', operation: 'suspensions.decline', icon: 'X', fields: [REASON], when: isOpen },
  ],
};
