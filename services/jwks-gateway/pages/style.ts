import { createHash } from 'node:crypto'
import { TOKENS } from './tokens.ts'

/** The stylesheet of the server's pages, which have no scripts, images or fonts. */
export const STYLE = `
:root {${TOKENS}}
* { box-sizing: border-box; }
body {
  margin: 0;
  padding: 3rem 1.25rem 4rem;
  background: var(--ground);
  color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif;
}
main { max-width: 52rem; margin: 0 auto; }
h1 { margin: 0; font-size: 2rem; line-height: 1.2; letter-spacing: -0.02em; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.2rem; }
h3 { margin: 1.5rem 0 0.4rem; font-size: 1rem; }
p { margin: 0.5rem 0; }
.lead { margin-top: 0.75rem; font-size: 1.1rem; color: var(--muted); }
.sheet { padding: 0.25rem 1.5rem; border: 1px solid var(--line); border-radius: 0.75rem; background: var(--sheet); }
dl { margin: 0; }
dl > div { display: grid; grid-template-columns: 10rem 1fr; gap: 0.25rem 1rem; padding: 0.7rem 0; }
dl > div + div { border-top: 1px solid var(--line); }
dt { font-weight: 600; }
dd { margin: 0; color: var(--muted); overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: 0.2em; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9rem; }
dd code { color: var(--ink); }
pre {
  margin: 0.4rem 0 0;
  padding: 0.8rem 1rem;
  white-space: pre;
  overflow-x: auto;
  border: 1px solid var(--line);
  border-radius: 0.5rem;
  background: var(--sunk);
  user-select: all;
}
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--muted); font-size: 0.9rem; }
@media (max-width: 36rem) {
  dl > div { grid-template-columns: 1fr; }
}
`

/** Returns the Content-Security-Policy (CSP level 3) of a page: it allows only a stylesheet, by its hash. */
export function pagePolicy(style: string, formAction: "'none'" | "'self'"): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    `form-action ${formAction}`,
    "frame-ancestors 'none'",
  ].join('; ')
}
