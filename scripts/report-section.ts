import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Reports that scripts measured, in files that people write: each script owns the text between its two markers,
 * `<!-- NAME:begin -->` and `<!-- NAME:end -->`, and touches nothing else.
 */
export type Section = {
  /** Names the markers: lower-case letters, digits and dashes. */
  name: string;
  /** Heading of the section, written once when the section is added; afterwards it belongs to the file. */
  heading: string;
  /** Markdown without the markers. */
  body: string;
};

const NAME = /^[a-z][a-z0-9-]*$/;

const markers = (name: string) => ({ begin: `<!-- ${name}:begin -->`, end: `<!-- ${name}:end -->` });

/**
 * The text with the section's body replaced, or with the section added at the end.
 * @throws when the markers are there but not once each and in order: a person has to look at such a file.
 */
export function withSection(text: string, { name, heading, body }: Section): string {
  if (!NAME.test(name)) throw new Error(`not a name of a section: ${name}`);
  const { begin, end } = markers(name);
  if (body.includes(begin) || body.includes(end)) throw new Error(`the body of section ${name} holds its own markers`);
  const block = `${begin}\n\n${body.trim()}\n\n${end}`;
  const [beginsAt, endsAt] = [text.indexOf(begin), text.indexOf(end)];
  if (beginsAt < 0 && endsAt < 0) return `${text.trimEnd()}\n\n## ${heading}\n\n${block}\n`.trimStart();
  const isOnce = text.indexOf(begin, beginsAt + 1) < 0 && text.indexOf(end, endsAt + 1) < 0;
  if (beginsAt < 0 || endsAt < beginsAt || !isOnce) throw new Error(`the markers of section ${name} are not a pair`);
  return text.slice(0, beginsAt) + block + text.slice(endsAt + end.length);
}

/**
 * Writes one section of a file. The file is replaced in one step, so a reader never sees half of it.
 * @param options.title first line of the file when it does not exist yet.
 */
export function writeSection(file: string, section: Section, options: { title: string }): void {
  const text = withSection(existsSync(file) ? readFileSync(file, 'utf8') : `# ${options.title}\n`, section);
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, text);
  renameSync(draft, file);
}

/** A Markdown table, its columns as wide as their widest cell so that the source reads like one too; `|` in cells is escaped. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = [header, ...rows].map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = header.map((_, column) => Math.max(...escaped.map((cells) => cells[column]?.length ?? 0)));
  const [head = '', ...lines] = escaped.map(
    (cells) => `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`,
  );
  return [head, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...lines].join('\n');
}
