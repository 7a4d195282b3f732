import type { CommandField } from './spec.ts';

/** What the forms of providers, models and routes ask for, of new ones and of those that are changed. */

const YES_NO = ['yes', 'no'];

export const PROVIDER_FORM: readonly CommandField[] = [
  { name: 'baseUrl', kind: 'word' },
  { name: 'country', kind: 'word', isOptional: true },
  { name: 'needsKey', kind: 'choice', choices: YES_NO },
  { name: 'headers', kind: 'text', isOptional: true },
];

export const MODEL_FORM: readonly CommandField[] = [
  { name: 'name', kind: 'word' },
  { name: 'ownedBy', kind: 'word' },
  { name: 'contextTokensMax', kind: 'number' },
  { name: 'outputTokensMax', kind: 'number' },
  { name: 'outputTokensDefault', kind: 'number' },
  { name: 'mediaPartTokensMax', kind: 'number' },
];

export const ROUTE_FORM: readonly CommandField[] = [
  { name: 'providerId', kind: 'word' },
  { name: 'upstreamModel', kind: 'word' },
  { name: 'routePlace', kind: 'number' },
  { name: 'weight', kind: 'number' },
  { name: 'enabled', kind: 'choice', choices: YES_NO },
  { name: 'country', kind: 'word', isOptional: true },
  { name: 'maxTokensParam', kind: 'choice', choices: ['max_tokens', 'max_completion_tokens'], isOptional: true },
  { name: 'noStreamOptions', kind: 'choice', choices: YES_NO, isOptional: true },
  { name: 'reasoningOutsideCompletion', kind: 'choice', choices: YES_NO, isOptional: true },
  { name: 'dropParams', kind: 'word', isOptional: true },
];

/** The same form, opened with what the record has; headers, which are not shown, are typed only to change them. */
export function filled(form: readonly CommandField[]): readonly CommandField[] {
  return form.map((field) => (field.name === 'headers' ? field : { ...field, filledFrom: field.name }));
}
