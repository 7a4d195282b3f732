import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { markdownTable, withSection, writeSection } from '../../scripts/report-section.ts';

const section = (body: string, name = 'chaos') => ({ name, heading: 'Chaos run', body });

describe('a section of a report', () => {
  it('is added at the end when it is absent, and replaced afterwards, with all other text left as it is', () => {
    const first = withSection('# Reliability\n\nWritten by hand.\n', section('seed 1'));
    expect(first).toBe(
      '# Reliability\n\nWritten by hand.\n\n## Chaos run\n\n<!-- chaos:begin -->\n\nseed 1\n\n<!-- chaos:end -->\n',
    );
    const edited = `${first.replace('## Chaos run', '## Chaos')}\nMore by hand.\n`;
    const second = withSection(edited, section('seed $& 2'));
    expect(second).toBe(edited.replace('seed 1', 'seed $$& 2'));
  });

  it('stands beside the sections of other scripts', () => {
    const both = withSection(withSection('# R\n', section('seed 1')), section('20000 seeds', 'simulate'));
    const again = withSection(both, section('seed 2'));
    expect(again).toContain('<!-- simulate:begin -->\n\n20000 seeds\n\n<!-- simulate:end -->');
    expect(again).toBe(both.replace('seed 1', 'seed 2'));
  });

  it.each([
    ['<!-- chaos:begin -->'],
    ['<!-- chaos:end -->'],
    ['<!-- chaos:end --> <!-- chaos:begin -->'],
    ['<!-- chaos:begin --> <!-- chaos:end --> <!-- chaos:begin -->'],
  ])('is not guessed in a file with %s', (text) => {
    expect(() => withSection(text, section('seed 1'))).toThrow('not a pair');
  });

  it('holds no markers and has a plain name', () => {
    expect(() => withSection('', section('<!-- chaos:end -->'))).toThrow('its own markers');
    expect(() => withSection('', section('a', 'a b'))).toThrow('not a name');
  });

  it('makes the file when there is none, and leaves no draft behind', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-report-'));
    try {
      const file = path.join(folder, 'report.md');
      for (const body of ['first', 'second']) writeSection(file, section(body), { title: 'Reliability' });
      expect(readFileSync(file, 'utf8')).toBe(
        '# Reliability\n\n## Chaos run\n\n<!-- chaos:begin -->\n\nsecond\n\n<!-- chaos:end -->\n',
      );
      expect(readdirSync(folder)).toEqual(['report.md']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it('a table escapes what would end a cell, and its columns are even', () => {
  expect(markdownTable(['a', 'b'], [['1', 'x|y']])).toBe('| a | b    |\n|---|------|\n| 1 | x\\|y |');
});
