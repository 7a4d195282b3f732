import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { buffer } from 'node:stream/consumers';
import PDFDocument from 'pdfkit';
import type { Block, Paper } from './paper.ts';

/** Papers as PDF, A4, with letters that know Cyrillic and come with the product. */

const MARGIN_POINTS = 56;
const FOOTER_POINTS = 34;
const TEXT_POINTS = 10;
const SMALL_POINTS = 7.5;
const TITLE_POINTS = 14;
const LABEL_SHARE = 0.36;
const LINE_COLOR = '#a8a29e';
const QUIET_COLOR = '#57534e';

type Fonts = { regular: Buffer; bold: Buffer };
type Pdf = InstanceType<typeof PDFDocument>;

let loaded: Fonts | undefined;

function fonts(): Fonts {
  const read = (name: string) =>
    readFileSync(createRequire(import.meta.url).resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`));
  loaded ??= { regular: read('DejaVuSans'), bold: read('DejaVuSans-Bold') };
  return loaded;
}

function widthOf({ page }: Pdf): number {
  return page.width - 2 * MARGIN_POINTS;
}

/** Back to the left margin, with room above what comes next. */
function space(pdf: Pdf, lines = 0.7): Pdf {
  pdf.x = MARGIN_POINTS;
  return pdf.font('regular').fontSize(TEXT_POINTS).fillColor('black').moveDown(lines);
}

function drawTable(pdf: Pdf, { head, rows, widths = head.map(() => 1) }: Extract<Block, { kind: 'table' }>): void {
  const whole = widths.reduce((sum, width) => sum + width, 0);
  pdf.fontSize(SMALL_POINTS);
  pdf.table({
    columnStyles: widths.map((width) => (width / whole) * widthOf(pdf)),
    defaultStyle: { border: 0.5, borderColor: LINE_COLOR, padding: 4 },
    data: [
      head.map((text) => ({ text, font: { src: 'bold' }, backgroundColor: '#f5f5f4' })),
      ...rows.map((row) => row.map((text) => ({ text }))),
    ],
  });
}

function drawFacts(pdf: Pdf, { facts }: Extract<Block, { kind: 'facts' }>): void {
  const label = LABEL_SHARE * widthOf(pdf);
  pdf.table({
    columnStyles: [label, widthOf(pdf) - label],
    defaultStyle: { border: [0, 0, 0.5, 0], borderColor: LINE_COLOR, padding: [4, 6, 4, 0] },
    data: facts.map(([name, value]) => [{ text: name, textColor: QUIET_COLOR }, { text: value }]),
  });
}

function drawSignature(pdf: Pdf, { label, who }: Extract<Block, { kind: 'signature' }>): void {
  space(pdf, 1.4).text(label);
  space(pdf, 1.6).text(`____________________  /  ${who}`);
}

function draw(pdf: Pdf, block: Block): void {
  space(pdf);
  if (block.kind === 'heading') pdf.font('bold').text(block.text);
  else if (block.kind === 'text') pdf.text(block.text, { lineGap: 2 });
  else if (block.kind === 'facts') drawFacts(pdf, block);
  else if (block.kind === 'table') drawTable(pdf, block);
  else drawSignature(pdf, block);
}

/** Page numbers are known only when everything is drawn. */
function drawFooters(pdf: Pdf, { footer }: Paper): void {
  const { start, count } = pdf.bufferedPageRange();
  for (let page = start; page < start + count; page++) {
    pdf.switchToPage(page);
    // Below the margin, where text would start a page of its own.
    pdf.page.margins.bottom = 0;
    pdf.font('regular').fontSize(SMALL_POINTS).fillColor(QUIET_COLOR);
    pdf.text(`${footer} · ${page + 1}/${count}`, MARGIN_POINTS, pdf.page.height - FOOTER_POINTS, {
      width: widthOf(pdf),
      align: 'center',
    });
  }
}

/** The paper as the bytes of a PDF. All of it is in memory: whoever makes the paper bounds it. */
export async function renderPdf(paper: Paper): Promise<Buffer> {
  const { regular, bold } = fonts();
  const pdf = new PDFDocument({
    size: 'A4',
    margin: MARGIN_POINTS,
    bufferPages: true,
    lang: paper.language,
    displayTitle: true,
    info: { Title: paper.title },
  });
  const bytes = buffer(pdf);
  pdf.registerFont('regular', regular).registerFont('bold', bold);
  pdf.font('bold').fontSize(TITLE_POINTS).text(paper.title, { align: 'center' });
  pdf.font('regular').fontSize(TEXT_POINTS).fillColor(QUIET_COLOR).moveDown(0.3);
  pdf.text(paper.subtitle, { align: 'center' });
  for (const block of paper.blocks) draw(pdf, block);
  drawFooters(pdf, paper);
  pdf.end();
  return bytes;
}
