import qrcode from 'qrcode-generator';
import { escapeHtml, Markup } from '../../html.ts';

const QUIET_CELLS = 4;

/** A QR code of a text as a picture in the page; nothing of it is fetched from anywhere. @param label for those who do not see it. */
export function qrPicture(text: string, label: string): Markup {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const cells = code.getModuleCount();
  const side = cells + 2 * QUIET_CELLS;
  const path: string[] = [];
  for (let row = 0; row < cells; row++)
    for (let column = 0; column < cells; column++)
      if (code.isDark(row, column)) path.push(`M${column + QUIET_CELLS} ${row + QUIET_CELLS}h1v1h-1z`);
  return new Markup(
    `<svg class="qr" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" role="img" aria-label="${escapeHtml(label)}" shape-rendering="crispEdges"><rect width="${side}" height="${side}" fill="#fff"/><path d="${path.join('')}"/></svg>`,
  );
}
