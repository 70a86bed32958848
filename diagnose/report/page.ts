/** The frame of a report that is one page and needs nothing else: no script, no network. */

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --quiet: #667; --bad: #c1121f; --line: #bbc; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #15181c; --quiet: #99a; --bad: #ff6b6b; --line: #445; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto; max-width: 1100px; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; } th, td { text-align: left; vertical-align: top; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid var(--line); }
td, svg text { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; }
th, td:first-child { white-space: nowrap; }
.bad { color: var(--bad); } .quiet { color: var(--quiet); } .rewritten { color: var(--bad); font-weight: 600; }
svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); } svg line { stroke: var(--ink); } svg .lane { stroke: var(--line); } svg .lost { stroke: var(--bad); } svg text.lost { fill: var(--bad); stroke: none; }
section { border-top: 2px solid var(--line); margin-top: 1.5rem; }`;

/** `parts` are HTML; the title is text. */
export function page(title: string, parts: readonly string[]): string {
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escaped(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escaped(title)}</h1>`,
    ...parts,
    '</body></html>\n',
  ].join('\n');
}

export function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
