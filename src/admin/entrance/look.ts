/** Our mark, and the look of our own pages. */

/** An ocelot's eye in a rosette. */
export const LOGO_SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 176 40" width="176" height="40" role="img" aria-label="Ocelotiq"><g fill="none" stroke="#b45309" stroke-width="4" stroke-linecap="round"><path d="M8 11a14 14 0 0 1 18-4"/><path d="M32 12a14 14 0 0 1 1 15"/><path d="M27 33a14 14 0 0 1-16-1"/><path d="M6 26a14 14 0 0 1-1-8"/></g><circle cx="19.500" cy="20" r="6.500" fill="#f59e0b"/><ellipse cx="19.500" cy="20" rx="1.700" ry="5" fill="#1c1917"/><text x="46" y="28" font-family="system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif" font-size="24" font-weight="700" fill="#1c1917">Ocelotiq</text></svg>`;

export const ICON_SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><g fill="none" stroke="#b45309" stroke-width="4" stroke-linecap="round"><path d="M8 11a14 14 0 0 1 18-4"/><path d="M32 12a14 14 0 0 1 1 15"/><path d="M27 33a14 14 0 0 1-16-1"/><path d="M6 26a14 14 0 0 1-1-8"/></g><circle cx="19.500" cy="20" r="6.500" fill="#f59e0b"/><ellipse cx="19.500" cy="20" rx="1.700" ry="5" fill="#1c1917"/></svg>`;

export const STYLE = `
:root{--ink:#1c1917;--soft:#57534e;--line:#d6d3d1;--paper:#fff;--ground:#f5f5f4;--accent:#b45309;--bad:#b91c1c}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{width:100%;max-width:420px;background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:32px}
header{display:flex;justify-content:space-between;align-items:center;margin-bottom:24px}
header img{height:32px;width:auto;display:block}
header a{font-size:14px}
h1{font-size:22px;line-height:1.3;margin:0 0 8px}
p{margin:0 0 16px;color:var(--soft)}
a{color:var(--accent)}
label{display:block;margin:0 0 16px;font-weight:600;font-size:14px}
input{display:block;width:100%;margin-top:4px;padding:10px 12px;font:inherit;font-weight:400;color:inherit;background:var(--paper);border:1px solid #a8a29e;border-radius:8px}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid #f59e0b;outline-offset:1px}
button,.button{display:block;width:100%;margin:0 0 12px;padding:11px 16px;font:inherit;font-weight:600;text-align:center;text-decoration:none;color:#fff;background:var(--accent);border:1px solid var(--accent);border-radius:8px;cursor:pointer}
button.quiet{color:var(--accent);background:var(--paper)}
.bad{color:var(--bad);border-left:3px solid var(--bad);padding-left:12px}
.key,.codes{font-family:ui-monospace,"DejaVu Sans Mono",monospace;background:var(--ground);border-radius:8px;padding:12px 16px;margin:0 0 16px;word-break:break-word}
.key{font-size:18px;text-align:center;word-spacing:4px}
.codes{list-style:none;display:grid;grid-template-columns:1fr 1fr;gap:6px 16px}
.qr{display:block;width:220px;height:220px;margin:0 auto 16px;border:1px solid var(--line);border-radius:8px}
.hint{font-weight:400;color:var(--soft);font-size:13px;margin-top:4px;display:block}
@media print{header,button,.button{display:none}body{background:#fff}main{border:0}}
`;
