import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import mongoose from 'mongoose';
import type { z } from 'zod';
import { ALLOWED_MEMBERS } from '../../src/log.ts';
import '../../src/models/connect.ts';
import { CLASS_IDS } from '../../src/models/retention-class.ts';
import { CUSTOMER_CLASSES } from '../../src/privacy/policy-content.ts';
import { RU_WORDS, russianNorm, russianReason } from '../../src/privacy/policy-words.ts';
import {
  IMPERSONAL_COLLECTIONS,
  REGISTRY,
  TECHNICAL_LOG_MEMBERS,
  TECHNICAL_REDIS_FAMILIES,
} from '../../src/privacy/registry.ts';
import { ROW_CLASSES } from '../../src/privacy/row-classes.ts';
import { JOBS } from '../../src/queue/jobs.ts';
import { scanFolders } from '../architecture/scan.ts';

/** Whatever can hold something about a person is written down, or shown to hold nothing. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const REFERENCE = /(account|user|subject|staff|customer)(Id)?$|email|phone|^ip$/i;

type Collection = { name: string; fields: string[] };

/** Top-level fields of every registered model. */
function collections(): Collection[] {
  return mongoose.modelNames().map((name) => {
    const found = mongoose.model(name);
    return {
      name: found.collection.collectionName,
      fields: [...new Set(Object.keys(found.schema.paths).map((path) => path.split('.')[0] ?? path))],
    };
  });
}

/** What is wrong with the registry about a collection, as sentences. */
function uncovered({ name, fields }: Collection): string[] {
  const rows = ROW_CLASSES.filter(({ store }) => store.collection === name);
  if (rows.length === 0) {
    if (!(name in IMPERSONAL_COLLECTIONS)) return [`${name} is in no class and not said to hold nobody`];
    return fields.filter((field) => REFERENCE.test(field)).map((field) => `${name}.${field} names somebody`);
  }
  if (rows.some(({ store }) => store.fields === '*'))
    return rows.length === 1 ? [] : [`${name} has a whole row and parts`];
  return fields.flatMap((field) => {
    const owners = rows.filter(({ store }) => store.fields.includes(field)).length;
    return owners === 1 ? [] : [`${name}.${field} is in ${owners} classes`];
  });
}

/** The word after `${prefix}:` of every key and channel that the product writes. */
function redisFamilies(): string[] {
  const found = scanFolders(root, ['src']).flatMap(({ path }) => [
    ...readFileSync(`${root}/${path}`, 'utf8').matchAll(/\$\{(?:redisP|keyP|p)refix\}:(\w+)/g),
  ]);
  return [...new Set(found.map(([, family = '']) => family))].sort();
}

describe('the registry of personal data', () => {
  it.each(collections())('says of every field of $name whose class it is', (collection) => {
    expect(uncovered(collection)).toEqual([]);
  });

  it('would notice a collection, a field, and a reference to a person that nobody wrote down', () => {
    expect(uncovered({ name: 'profiles', fields: ['_id', 'accountId'] })).toHaveLength(1);
    expect(uncovered({ name: 'requests', fields: ['input', 'passport'] })).toEqual([
      'requests.passport is in 0 classes',
    ]);
    expect(uncovered({ name: 'prices', fields: ['_id', 'userId', 'email'] })).toHaveLength(2);
  });

  it('covers every Redis key family', () => {
    const classes = REGISTRY.flatMap(({ store }) => (store.kind === 'redis' ? store.families : []));
    expect([...classes, ...TECHNICAL_REDIS_FAMILIES].sort()).toEqual(redisFamilies());
  });

  it('covers every member of every job payload', () => {
    const classes = REGISTRY.flatMap(({ store }) => (store.kind === 'queue' ? store.payload : []));
    const members = Object.values(JOBS).flatMap(({ payload }) =>
      Object.keys((payload as unknown as z.ZodObject).shape),
    );
    expect(classes.sort()).toEqual([...new Set(members)].sort());
  });

  it('covers every member that a log line may have', () => {
    const classes = REGISTRY.flatMap(({ store }) => (store.kind === 'log' ? store.members : []));
    expect([...classes, ...TECHNICAL_LOG_MEMBERS].sort()).toEqual([...ALLOWED_MEMBERS].sort());
  });

  it('has one row for every class that can be set, with a default within its bounds', () => {
    expect(REGISTRY.map(({ id }) => id).sort()).toEqual([...CLASS_IDS].sort());
    const wrong = REGISTRY.filter(({ retention: r }) => !(r.min <= r.default && r.default <= r.max));
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  it('ends an erasure with the account and its key, so that a broken one is found again', () => {
    expect(ROW_CLASSES.slice(-2).map(({ id }) => id)).toEqual(['account', 'data_key']);
  });

  it('has words in Russian for what the policy says of customers', () => {
    expect(CUSTOMER_CLASSES.filter(({ id }) => !RU_WORDS[id]).map(({ id }) => id)).toEqual([]);
    const norms = CUSTOMER_CLASSES.map(({ legalBasis }) => russianNorm(legalBasis));
    expect(norms.filter((norm) => /[a-z]/i.test(norm))).toEqual([]);
  });

  it('has words in Russian for everything that the back-office tells of a class', () => {
    const words = REGISTRY.flatMap(({ id, legalBasis, retention }) => [
      RU_WORDS[id]?.purpose ?? id,
      russianNorm(legalBasis),
      russianReason(retention.reason),
    ]);
    expect(words.filter((text) => !/[а-я]/i.test(text) && !/^\d+-ФЗ/.test(text))).toEqual([]);
  });

  it('names a norm and a term for everything an erasure leaves', () => {
    const kept = ROW_CLASSES.filter(({ erasure }) => erasure.action === 'keep' || erasure.action === 'pseudonymise');
    for (const { erasure } of kept)
      expect(erasure).toMatchObject({
        norm: expect.stringMatching(/FZ|Code/),
        until: expect.stringMatching(/years|days/),
      });
  });
});
