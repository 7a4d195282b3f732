import type { Document } from 'mongodb';
import { RUN_STATES } from '../../models/retention-run.ts';
import {
  choiceField,
  exactField,
  idField,
  linesField,
  plain,
  switchField,
  textField,
  timeField,
  wordsField,
} from './fields.ts';
import { retentionRows, rowsPastTerm } from './retention-rows.ts';
import { type PanelCommand, type PanelField, type PanelSpec, REASON } from './spec.ts';

/** How long personal data is kept, what has to stay longer, and what the purge did. */

const words = (name: string, options = {}) => wordsField(name, (document) => document[name], options);

export const RETENTION: PanelSpec = {
  id: 'retention',
  collection: ({ retentionDefaults }) => retentionRows(retentionDefaults),
  icon: 'Clock',
  permission: 'privacy.read',
  title: 'id',
  related: [{ resourceId: 'audit', filter: 'targetId' }],
  fields: [
    idField({ listed: false }),
    words('category', { listed: true }),
    words('keptFor', { listed: true }),
    words('countedFrom', { listed: true }),
    words('defaultTerm'),
    words('minTerm', { listed: true }),
    words('maxTerm', { listed: true }),
    words('whyThisLong'),
    words('legalBasis'),
    words('purpose'),
    textField('place'),
    choiceField('onErasure', ['destroy', 'pseudonymise', 'keep', 'destroy_key', 'ends_by_itself']),
    {
      name: 'rowsPast',
      value: () => undefined,
      opened: (document) => rowsPastTerm(document),
    },
    { ...switchField('isChangeable', { listed: true }), filter: (text) => ({ isChangeable: text === 'yes' }) },
    exactField('changedBy', { reference: 'staff' }),
    timeField('changedAt'),
  ],
  commands: [
    {
      action: 'changeTerm',
      operation: 'retention.set',
      icon: 'Edit',
      fields: [{ name: 'value', kind: 'number' }, { name: 'preview', kind: 'preview', isOptional: true }, REASON],
      when: ({ isChangeable }) => isChangeable === 'yes',
    },
  ],
};

const total = (name: 'removed' | 'held' | 'spared'): PanelField => ({
  name: `${name}Rows`,
  paths: [`classes.${name}`],
  listed: name !== 'spared',
  value: ({ classes }) => String(classes.reduce((sum: number, one: Document) => sum + Number(one[name]), 0)),
});

export const RETENTION_RUNS: PanelSpec = {
  id: 'retentionRuns',
  collection: 'retention_runs',
  icon: 'Trash2',
  permission: 'privacy.read',
  title: 'id',
  fields: [
    idField(),
    timeField('startedAt', { listed: true }),
    timeField('endedAt'),
    choiceField('runState', RUN_STATES, { path: 'state', listed: true }),
    choiceField('trigger', ['schedule', 'manual'], { listed: true }),
    textField('startedBy', { path: 'by' }),
    total('removed'),
    total('held'),
    total('spared'),
    textField('actNumber', { reference: 'acts', listed: true }),
    linesField(
      'classReports',
      'classes',
      ['classId', 'outcome', 'removed', 'held', 'spared', 'ms'],
      ({ classId, outcome, removed, held, spared, ms }) =>
        [classId, outcome, removed, held, spared, `${ms} ms`].map(plain).join('  '),
    ),
  ],
};

const holdState = choiceField('holdState', ['inForce', 'released'], { path: 'isActive', listed: true });

export const LEGAL_HOLDS: PanelSpec = {
  id: 'legalHolds',
  collection: 'legal_holds',
  icon: 'Lock',
  permission: 'privacy.read',
  title: 'id',
  related: [{ resourceId: 'audit', filter: 'targetId' }],
  fields: [
    idField(),
    exactField('accountId', { reference: 'accounts', listed: true }),
    textField('norm', { listed: true }),
    {
      ...holdState,
      value: ({ isActive }) => (isActive ? 'inForce' : 'released'),
      filter: (text) => (holdState.choices?.includes(text) ? { isActive: text === 'inForce' } : undefined),
    },
    timeField('setAt', { listed: true }),
    textField('setBy', { reference: 'staff' }),
    timeField('releasedAt', { listed: true }),
    textField('releasedBy', { reference: 'staff' }),
  ],
  commands: [
    {
      action: 'releaseHold',
      operation: 'holds.release',
      icon: 'Unlock',
      fields: [REASON],
      when: ({ holdState: stands }) => stands === 'inForce',
      isDangerous: true,
    },
  ],
};

/** On an account's page: everything of it stays. */
export const SET_HOLD: PanelCommand = {
  action: 'setHold',
  operation: 'holds.set',
  icon: 'Lock',
  fields: [{ name: 'norm', kind: 'text' }, REASON],
};
