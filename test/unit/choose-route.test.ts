import { expect, it } from '@jest/globals';
import type { ResolvedRoute } from '../../src/requests/catalogue.ts';
import { orderFor } from '../../src/requests/choose-route.ts';

const route = (routeId: string, weight: number) =>
  ({ target: { routeId }, upstreamModel: 'm', country: 'RU', quirks: {}, weight }) as ResolvedRoute;
const order = (requestId: string, ...weights: number[]) =>
  orderFor(
    requestId,
    weights.map((weight, place) => route(String(place), weight)),
  ).map(({ target }) => target.routeId);
const ids = Array.from({ length: 5_000 }, (_, n) => `req_${n}`);
const shareOf = (place: string, ...weights: number[]) =>
  ids.filter((id) => order(id, ...weights)[0] === place).length / ids.length;

it('without a weight the places alone decide', () => {
  for (const id of ids.slice(0, 100)) expect(order(id, 0, 0, 0)).toEqual(['0', '1', '2']);
  expect(order('req_1')).toEqual([]);
  expect(order('req_1', 50)).toEqual(['0']);
});

it('weights share the first calls, and a weight of 0 gets none of them', () => {
  expect(shareOf('0', 75, 25, 0)).toBeCloseTo(0.75, 1);
  expect(shareOf('1', 75, 25, 0)).toBeCloseTo(0.25, 1);
  expect(shareOf('2', 75, 25, 0)).toBe(0);
  expect(shareOf('1', 0, 100)).toBe(1);
});

it('what is left after the first follows in its places, and nothing is lost or doubled', () => {
  for (const id of ids.slice(0, 200)) {
    const tried = order(id, 10, 20, 0, 70);
    expect([...tried].sort()).toEqual(['0', '1', '2', '3']);
    expect(tried.slice(1)).toEqual(tried.slice(1).sort());
  }
});

it('is the same for the same request, always', () => {
  for (const id of ids.slice(0, 100)) expect(order(id, 50, 50)).toEqual(order(id, 50, 50));
});
