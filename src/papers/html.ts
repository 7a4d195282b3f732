import { html, Markup } from '../html.ts';
import type { Block, Paper } from './paper.ts';

/** Papers as pages that open without a network: for reading in a browser and for printing. */

export const PAGE_STYLE = `
body{margin:0 auto;max-width:900px;padding:24px 16px;color:#1c1917;font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:26px;line-height:1.25;margin:0 0 4px}
h2{font-size:19px;margin:32px 0 8px}
.quiet{color:#57534e;font-size:14px}
.wide{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:14px;line-height:1.4}
th,td{text-align:left;vertical-align:top;padding:6px 10px;border-bottom:1px solid #d6d3d1;overflow-wrap:anywhere}
td{white-space:pre-wrap}
th{background:#f5f5f4}
details{border-bottom:1px solid #d6d3d1;padding:6px 0}
summary{cursor:pointer;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px;margin:6px 0}
`;

/** A page around markup. Nothing in it is fetched from elsewhere, and nothing runs. */
export function htmlPage(language: Paper['language'], title: string, body: Markup): string {
  return html`${htmlHead(language, title)}${body}${HTML_END}`.text;
}

/** The beginning of a page that is written piece by piece. */
export function htmlHead(language: Paper['language'], title: string): Markup {
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${new Markup(PAGE_STYLE)}</style>
</head>
<body>
`;
}

export const HTML_END = new Markup('\n</body>\n</html>\n');

function tableOf({ head, rows }: Pick<Extract<Block, { kind: 'table' }>, 'head' | 'rows'>): Markup {
  return html`<div class="wide"><table>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table></div>`;
}

function factsOf({ facts }: Extract<Block, { kind: 'facts' }>): Markup {
  return html`<div class="wide"><table><tbody>${facts.map(
    ([label, value]) => html`<tr><th scope="row">${label}</th><td>${value}</td></tr>`,
  )}</tbody></table></div>`;
}

function written(block: Block): Markup {
  if (block.kind === 'heading') return html`<h2>${block.text}</h2>\n`;
  if (block.kind === 'text') return html`<p>${block.text}</p>\n`;
  if (block.kind === 'facts') return html`${factsOf(block)}\n`;
  if (block.kind === 'table') return html`${tableOf(block)}\n`;
  return html`<p>${block.label} ____________________ / ${block.who}</p>\n`;
}

export function renderHtml({ language, title, subtitle, blocks, footer }: Paper): string {
  const body = html`<h1>${title}</h1>
<p class="quiet">${subtitle}</p>
${blocks.map(written)}<p class="quiet">${footer}</p>`;
  return htmlPage(language, title, body);
}
