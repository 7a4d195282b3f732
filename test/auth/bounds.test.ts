import { describe, expect, test } from '@jest/globals';
import { ipGroup } from '../../src/auth/ip-group.ts';
import { createRecentMap } from '../../src/auth/recent-map.ts';
import { createWindowCounter } from '../../src/auth/window-counter.ts';

describe('recent map', () => {
  test('never holds more entries than its bound, and always the most recently used half', () => {
    const map = createRecentMap<string, number>(100);
    map.set('used', -1);
    for (let i = 0; i < 10_000; i++) {
      map.set(`x${i}`, i);
      expect(map.get('used')).toBe(-1);
      expect(map.size()).toBeLessThanOrEqual(100);
    }
    for (let i = 9_960; i < 10_000; i++) expect(map.get(`x${i}`)).toBe(i);
    expect(map.get('x9000')).toBeUndefined();
    expect(new Set(Array.from(map.entries(), ([key]) => key)).size).toBe(map.size());
  });

  test('forgets what is deleted, wherever it is, and everything when cleared', () => {
    const map = createRecentMap<string, number>(4);
    for (const [index, name] of ['a', 'b', 'c'].entries()) map.set(name, index);
    map.delete('a');
    map.delete('c');
    expect(Array.from(map.entries())).toEqual([['b', 1]]);
    map.clear();
    expect(map.size()).toBe(0);
  });
});

describe('window counter', () => {
  test('counts within a window and starts again after it', () => {
    const counter = createWindowCounter({ windowMs: 1_000, namesMax: 10 });
    expect(counter.add('a', 0)).toEqual({ count: 1, endsAtMs: 1_000 });
    expect(counter.add('a', 999).count).toBe(2);
    expect(counter.get('a', 1_000)).toBeUndefined();
    expect(counter.add('a', 1_000)).toEqual({ count: 1, endsAtMs: 2_000 });
  });

  test('never holds more names than its bound', () => {
    const counter = createWindowCounter({ windowMs: 1_000, namesMax: 100 });
    for (let i = 0; i < 10_000; i++) {
      counter.add(`name ${i}`, 0);
      expect(counter.size()).toBeLessThanOrEqual(100);
    }
  });
});

describe('address groups', () => {
  test('an IPv6 address counts with its whole /64', () => {
    expect(ipGroup('2001:db8:1:2:aaaa::1')).toBe(ipGroup('2001:db8:1:2:ffff:ffff:ffff:ffff'));
    expect(ipGroup('2001:db8:1:2::1')).not.toBe(ipGroup('2001:db8:1:3::1'));
    expect(ipGroup('2001:DB8:1:2:0:0:0:1')).toBe(ipGroup('2001:db8:1:2::1'));
  });

  test('an IPv4 address counts alone, however it is written', () => {
    expect(ipGroup('192.0.2.1')).not.toBe(ipGroup('192.0.2.2'));
    expect(ipGroup('::ffff:192.0.2.1')).toBe(ipGroup('192.0.2.1'));
    expect(ipGroup('::ffff:c000:201')).toBe(ipGroup('192.0.2.1'));
  });

  test('what is no address is one group together', () => {
    for (const text of [undefined, '', 'nonsense', '1.2.3', '1', '0x7f000001x', '::1::'])
      expect(ipGroup(text)).toBe('unknown');
  });
});
