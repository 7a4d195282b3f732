import { describe, expect, test } from '@jest/globals';
import { allowsModel, requireScope } from '../../src/auth/principal.ts';
import type { Endpoint } from '../../src/models/api-key.ts';

const scoped = (models: string[], endpoints: Endpoint[] = []) => ({ scopes: { models, endpoints } });

describe('scopes of a key', () => {
  test('no scopes allow everything', () => {
    expect(() => requireScope(scoped([]), 'chat.completions', 'any/model')).not.toThrow();
  });

  test('an endpoint that is not listed is forbidden', () => {
    const principal = scoped([], ['models', 'account']);
    expect(() => requireScope(principal, 'models')).not.toThrow();
    expect(() => requireScope(principal, 'chat.completions')).toThrow(
      expect.objectContaining({ code: 'scope_forbidden' }),
    );
  });

  test('a model that is not listed looks like one that does not exist', () => {
    const refused = expect.objectContaining({ code: 'model_not_found', param: 'model' });
    expect(() => requireScope(scoped(['gpt-5']), 'chat.completions', 'gpt-5-mini')).toThrow(refused);
    expect(() => requireScope(scoped(['gpt-5']), 'chat.completions', 'gpt-5')).not.toThrow();
  });

  test('only a trailing * matches a prefix', () => {
    expect(allowsModel(scoped(['openai/*']), 'openai/gpt-5')).toBe(true);
    expect(allowsModel(scoped(['openai/*']), 'openai')).toBe(false);
    expect(allowsModel(scoped(['*']), 'anything')).toBe(true);
    expect(allowsModel(scoped(['a*b']), 'axb')).toBe(false);
    expect(allowsModel(scoped(['a.b']), 'axb')).toBe(false);
  });
});
