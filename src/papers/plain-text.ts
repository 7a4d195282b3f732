import type { Block, Paper } from './paper.ts';

/** Papers as plain text, for the body of an e-mail. */

function written(block: Block): string {
  if (block.kind === 'heading' || block.kind === 'text') return block.text;
  if (block.kind === 'facts') return block.facts.map(([label, value]) => `${label}: ${value}`).join('\n');
  if (block.kind === 'table') return block.rows.map((row) => `- ${row.join('; ')}`).join('\n');
  return `${block.label} ${block.who}`;
}

export function renderText({ title, subtitle, blocks }: Paper): string {
  return `${[title, subtitle, ...blocks.map(written)].join('\n\n')}\n`;
}
