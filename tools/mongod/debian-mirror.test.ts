import { expect, test } from '@jest/globals';
import { mirrorIn } from './debian-mirror.ts';

const SECURITY =
  'Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\nComponents: main\n';

test('the mirror is found in both forms of source files, and not mistaken for another archive', () => {
  const stanza =
    'Types: deb deb-src\n# a comment\nURIs: http://mirror.example/debian http://other.example/debian\nSuites: bookworm bookworm-updates\n';
  expect(mirrorIn([`${SECURITY}\n${stanza}`], ['bookworm'])).toBe('http://mirror.example/debian');
  const line =
    'deb-src http://s.example/debian bookworm main\ndeb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian/ bookworm main contrib\n';
  expect(mirrorIn([SECURITY, line], ['bookworm'])).toBe('https://mirror.example/debian/');
});

test('a source that is off, or of another product, is no mirror', () => {
  const off = 'Types: deb\nEnabled: no\nURIs: http://mirror.example/debian\nSuites: bookworm\n';
  const product =
    'deb https://product.example/node_20.x nodistro main\n# deb http://mirror.example/debian bookworm main\n';
  expect(mirrorIn([off, product, SECURITY], ['bookworm'])).toBeUndefined();
});
