import { type ActionContext, type ActionRequest, AdminJS, type ResourceWithOptions } from 'adminjs';
import { can } from '../../auth/roles.ts';
import { OPERATIONS } from '../../operations/catalogue.ts';
import { createRanking } from '../../rollups/ranking.ts';
import { dashboardFacts } from './dashboard.ts';
import { MadeResource } from './made-resource.ts';
import { PanelResource, roleOf } from './resource.ts';
import type { PanelCipher, PanelCommand, PanelFacts, PanelSpec } from './spec.ts';
import { SPECS } from './specs.ts';
import { rangeOf } from './traffic-facts.ts';

/** AdminJS with our collections: lists, records and the buttons of commands. It changes nothing by itself. */

export const ROOT_PATH = '/admin';
const NEVER = { isAccessible: false, isVisible: false } as const;
const PER_PAGE = 20;

type Context = Pick<ActionContext, 'currentAdmin' | 'record'>;

function readable(spec: PanelSpec) {
  return { isAccessible: (context: Context) => can(roleOf(context) ?? ('' as never), spec.permission) };
}

/** The button of a command. Its handler gives the record its form is about; the command itself is a POST of ours. */
function commandAction(command: PanelCommand, actionType: 'record' | 'resource') {
  const { permissions } = OPERATIONS[command.operation];
  return {
    actionType,
    icon: command.icon,
    component: 'CommandForm',
    variant: command.isDangerous ? ('danger' as const) : ('primary' as const),
    custom: {
      fields: command.fields,
      isDangerous: command.isDangerous ?? false,
      explanation: command.explanation ?? `explain_${command.action}`,
    },
    isAccessible: (context: Context) =>
      permissions.some((permission) => can(roleOf(context) ?? ('' as never), permission)),
    isVisible: ({ record }: Context) => !command.when || !record || command.when(record.params),
    handler: async (_request: ActionRequest, _response: unknown, context: ActionContext) =>
      context.record ? { record: context.record.toJSON(context.currentAdmin) } : {},
  };
}

function auditActions() {
  const isAccessible = (context: Context) => can(roleOf(context) ?? ('' as never), 'audit.read');
  const common = { actionType: 'resource' as const, isAccessible, handler: async () => ({}) };
  return {
    verify: { ...common, icon: 'CheckCircle', component: 'AuditCheck' },
    export: { ...common, icon: 'Download', component: 'AuditExport' },
  };
}

function resourceOf(spec: PanelSpec, cipher: PanelCipher, facts: PanelFacts): PanelResource {
  const { collection } = spec;
  return typeof collection === 'string'
    ? new PanelResource(spec, cipher)
    : new MadeResource(spec, cipher, () => collection(facts));
}

function resourceOptions(spec: PanelSpec, cipher: PanelCipher, facts: PanelFacts): ResourceWithOptions {
  const commands = [
    ...(spec.commands ?? []).map((command) => [command.action, commandAction(command, 'record')] as const),
    ...(spec.collectionCommands ?? []).map((command) => [command.action, commandAction(command, 'resource')] as const),
  ];
  const names = (fields: typeof spec.fields) => fields.map(({ name }) => name);
  return {
    resource: resourceOf(spec, cipher, facts),
    options: {
      id: spec.id,
      navigation: { name: null, icon: spec.icon },
      titleProperty: spec.title,
      sort: { sortBy: 'id', direction: 'desc' },
      listProperties: names(spec.fields.filter(({ listed }) => listed)),
      showProperties: names(spec.fields.filter(({ isHidden }) => !isHidden)),
      filterProperties: names(spec.fields.filter(({ filter, between, isHidden }) => !isHidden && (filter || between))),
      editProperties: [],
      properties: Object.fromEntries(spec.fields.map(({ name }) => [name, { components: { list: 'Cell' } }])),
      actions: {
        list: { ...readable(spec), showInDrawer: false },
        show: {
          ...readable(spec),
          component: 'Record',
          custom: {
            nextStep: spec.nextStep ?? '',
            steps: spec.steps ?? [],
            related: spec.related ?? [],
            files: (spec.files ?? []).map(({ name }) => name),
            filesFields: spec.filesFields ?? [],
          },
        },
        search: readable(spec),
        new: NEVER,
        edit: NEVER,
        delete: NEVER,
        bulkDelete: NEVER,
        ...Object.fromEntries(commands),
        ...(spec.id === 'audit' ? auditActions() : {}),
      },
    },
  };
}

/** Makes the panel. Nothing is bundled or written: its scripts are part of the build. */
export function createPanel(cipher: PanelCipher, facts: PanelFacts): AdminJS {
  const sources = { readQueues: facts.queues, rankAccounts: createRanking() };
  return new AdminJS({
    rootPath: ROOT_PATH,
    loginPath: '/sign-in',
    logoutPath: '/sign-out',
    databases: [],
    resources: SPECS.map((spec) => resourceOptions(spec, cipher, facts)),
    settings: { defaultPerPage: PER_PAGE },
    dashboard: {
      handler: async (request, _response, context) =>
        dashboardFacts(roleOf(context), rangeOf(request.query?.range), sources),
    },
  });
}
