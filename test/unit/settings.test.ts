import { expect, test } from '@jest/globals';
import { settingRows } from '../../src/admin/panel/setting-rows.ts';
import { SETTING_TEXTS, SETTINGS_NOT_SHOWN } from '../../src/admin/panel/setting-texts.ts';
import { loadConfig } from '../../src/config.ts';

/** What operators see of the configuration. */

const secret = (seed: number) => Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 37 + seed) % 256));
const [pepper = '', masterKey = ''] = [1, 2].map((seed) => secret(seed).toString('base64'));
const config = loadConfig({
  MONGODB_URI: 'mongodb://user:canary-password@127.0.0.1:27017',
  REDIS_URL: 'redis://:canary-password@127.0.0.1:6379',
  KEY_PEPPER: pepper,
  MASTER_KEYS: `1:${masterKey}`,
  PROVIDER_KEY_OPENAI: 'canary-provider-key',
  BACKUP_DIR: '/canary/folder',
  RATE_IP_PER_MINUTE: '12345',
});

test('every setting that is a number is described in both languages, or said to be for the machine only', () => {
  const described = new Set([...SETTING_TEXTS.map(([name]) => name), ...SETTINGS_NOT_SHOWN]);
  expect(Object.keys(config.settings).filter((name) => !described.has(name))).toEqual([]);
  expect([...described].filter((name) => !Object.hasOwn(config.settings, name))).toEqual([]);
});

test('a setting is shown with the value in force, its bounds and its default, in the words of each language', () => {
  const rows = settingRows(config.settings);
  expect(rows.find(({ _id }) => _id === 'RATE_IP_PER_MINUTE')).toMatchObject({
    current: { ru: expect.stringMatching(/^12.345 в минуту$/), en: '12,345 per minute' },
    fallback: { en: '6,000 per minute' },
    min: { en: '1 per minute' },
    max: { en: '10,000,000 per minute' },
    source: 'environment',
  });
  expect(rows.find(({ _id }) => _id === 'PURGE_CRON')).toMatchObject({ current: { ru: '17 3 * * *' } });
  expect(rows.find(({ _id }) => _id === 'tickets.answer.urgent')).toMatchObject({ current: { en: '1 h' } });
  expect(new Set(rows.map(({ _id }) => _id)).size).toBe(rows.length);
});

test('no secret, address or folder is among them', () => {
  const text = JSON.stringify([config.settings, settingRows(config.settings)]);
  for (const hidden of ['canary', 'mongodb:', 'redis:', pepper, masterKey]) expect(text).not.toContain(hidden);
});
