import { expect, it } from '@jest/globals';
import { REQUEST_TERMS } from '../../src/privacy/request-terms.ts';
import { ROW_CLASSES } from '../../src/privacy/row-classes.ts';
import { isTranslated } from '../../src/privacy/russian-norms.ts';

it('has words in Russian for every norm and term that a paper may quote', () => {
  const kept = ROW_CLASSES.flatMap(({ erasure }) => ('norm' in erasure ? [erasure.norm, erasure.until] : []));
  const requests = Object.values(REQUEST_TERMS).map(({ norm }) => norm);
  expect([...kept, ...requests].filter((text) => !isTranslated(text))).toEqual([]);
});
