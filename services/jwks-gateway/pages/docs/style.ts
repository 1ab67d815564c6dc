import { pagePolicy, STYLE } from '../style.ts'

/** The stylesheet of the page that shows the OpenAPI document. */
export const DOCS_STYLE = `${STYLE}
:root {
  --get: light-dark(#00695c, #5fd0c0);
  --post: light-dark(#1a4fa3, #8ab8ff);
  --put: light-dark(#8a5a00, #f0bf66);
  --delete: light-dark(#b00020, #ff8a8a);
}
body { padding: 2.5rem 1.5rem 4rem; }
header, .columns { max-width: 84rem; margin: 0 auto; }
.columns { display: grid; grid-template-columns: 19rem minmax(0, 1fr); gap: 3rem; margin-top: 2rem; }
main { max-width: 54rem; margin: 0; }
main:focus { outline: none; }
a:focus-visible, summary:focus-visible, pre:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 0.2rem; }
.skip { position: absolute; left: -100rem; }
.skip:focus { position: static; display: inline-block; margin-bottom: 1rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
nav { position: sticky; top: 1rem; align-self: start; max-height: calc(100vh - 2rem); overflow-y: auto; padding: 0.25rem 0.75rem 0.25rem 0.25rem; font-size: 0.92rem; }
nav ul { margin: 0; padding: 0; list-style: none; }
nav > ul > li { padding: 0.3rem 0; }
nav > ul > li > a { font-weight: 600; text-decoration: none; }
nav details ul { margin: 0.35rem 0 0.5rem; }
nav details li { padding: 0.15rem 0; line-height: 1.4; }
nav details a { color: var(--ink); text-decoration: none; overflow-wrap: anywhere; }
nav a:hover { text-decoration: underline; }
summary { cursor: pointer; color: var(--muted); }
nav summary { font-size: 0.85rem; }
section + section { margin-top: 3rem; }
h2 { margin-top: 0; font-size: 1.5rem; }
h2, h3, [id^="scheme-"] { scroll-margin-top: 1rem; }
article { margin: 1rem 0; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 0.75rem; background: var(--sheet); }
article h3 { margin: 0; font-size: 1.05rem; overflow-wrap: anywhere; line-height: 1.5; }
article h3 code { font-size: 1rem; }
h4 { margin: 1.4rem 0 0.4rem; font-size: 0.95rem; }
h5 { margin: 0; font-size: 0.9rem; }
.verb { font: 700 0.75em/1.4 ui-monospace, monospace; letter-spacing: 0.03em; color: var(--post); }
.verb.get { color: var(--get); }
.verb.put, .verb.patch { color: var(--put); }
.verb.delete { color: var(--delete); }
.who { color: var(--muted); font-size: 0.95rem; }
.who span { font-weight: 600; }
article > details { margin-top: 0.5rem; }
article > details[open] > summary { margin-bottom: 0.75rem; }
.members > div { display: block; padding: 0.5rem 0; }
.members dt { font-weight: 600; overflow-wrap: anywhere; }
.type, .media { color: var(--muted); font-weight: 400; font-size: 0.9rem; }
.members dd { margin-top: 0.1rem; }
.members dd:empty { display: none; }
.values code { display: inline-block; margin-right: 0.6rem; }
.errors { display: grid; grid-template-columns: 3rem minmax(0, 1fr); gap: 0.35rem 0.75rem; }
.errors ul { margin: 0; padding: 0; list-style: none; }
.errors li { overflow-wrap: anywhere; }
pre { user-select: auto; }
code { overflow-wrap: anywhere; }
pre code { overflow-wrap: normal; }
@media (max-width: 56rem) {
  body { padding: 1.5rem 1rem 3rem; }
  .columns { grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
  nav { position: static; max-height: none; padding: 0.75rem 1rem; border: 1px solid var(--line); border-radius: 0.75rem; background: var(--sheet); }
  nav > ul { columns: 10rem; }
  nav > ul > li { break-inside: avoid; }
}
@media print { nav, .skip { display: none; } .columns { display: block; } }
`

/** The Content-Security-Policy of the page. */
export const DOCS_POLICY = pagePolicy(DOCS_STYLE, "'none'")
