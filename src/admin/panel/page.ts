import type { AdminJS } from 'adminjs';
import { html, scriptJson } from '../../html.ts';
import type { Visitor } from '../visitor.ts';
import { panelState, THEME } from './state.ts';

/**
 * The page of the panel. Our own frame instead of AdminJS': every inline script carries the nonce, what is put into
 * them cannot end them, and nothing is loaded from other hosts.
 */

const RESET = `html,body,#app{margin:0;padding:0;width:100%;height:100%}#app{isolation:isolate}
*,*::before,*::after{box-sizing:border-box}h1,h2,h3,h4,h5,h6,p,ul,ol,figure,table{margin:0;padding:0;font:inherit}
ul,ol{list-style:none}table{border-collapse:collapse;border-spacing:0}td,th{padding:0;font:inherit;text-align:inherit}
fieldset,img,iframe{border:0}body{line-height:1;color:#0c1e29}:root{color-scheme:light}
:has(>table){overflow-x:auto}.adminjs_ActionHeader>*,.adminjs_ActionHeader :has(>.adminjs_ButtonGroupItem){flex-wrap:wrap}
.adminjs_ActionHeader>*>*{max-width:100%}.adminjs_ActionHeader .adminjs_ButtonGroupItem{margin-bottom:8px}[data-css=sidebar] a div{color:#451a03!important}
td.adminjs_TableCell{word-break:normal!important}thead td.adminjs_TableCell,thead td.adminjs_TableCell *{white-space:normal!important}`;

export type PanelAssets = { url(name: string): string };

/** @param nonce the one in the answer's policy. */
export function panelPage(panel: AdminJS, visitor: Visitor, assets: PanelAssets, nonce: string): string {
  const script = (name: string) => html`<script src="${assets.url(name)}"></script>`;
  const page = html`<!doctype html>
<html lang="${visitor.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Ocelotiq</title>
<link rel="icon" type="image/svg+xml" href="/look/icon.svg">
<link rel="stylesheet" href="/look/panel.css">
<script nonce="${nonce}">
window.REDUX_STATE = ${scriptJson(panelState(panel, visitor))};
window.THEME_COMPONENTS = {};
window.AdminJS = { Components: {} };
</script>
${script('global.bundle.js')}
${script('design-system.bundle.js')}
<script nonce="${nonce}">window.THEME = AdminJSDesignSystem.combineStyles(${scriptJson(THEME)});</script>
${script('app.bundle.js')}
</head>
<body>
<div id="app"></div>
<script type="module" src="${assets.url('panel.js')}"></script>
</body>
</html>
`;
  return page.text;
}

/** The style sheet that AdminJS writes into its page. */
export const PANEL_STYLE = RESET;
