import { pagePolicy, STYLE } from '../style.ts'

/** The stylesheet of the page with the trust graph. */
export const TRUST_STYLE = `${STYLE}
main { max-width: 88rem; }
.lead, section p, form, .sheet { max-width: 60rem; }
header .sheet { margin-top: 1.25rem; }
dd code, .lead code { overflow-wrap: anywhere; }
form { margin: 1.5rem 0 0; }
form label { display: block; margin-bottom: 0.35rem; font-weight: 600; }
.fields { display: flex; gap: 0.5rem; flex-wrap: wrap; }
input[type="text"], button {
  padding: 0.5rem 0.8rem;
  border: 1px solid var(--edge);
  border-radius: 0.5rem;
  background: var(--sheet);
  color: var(--ink);
  font: inherit;
}
input[type="text"] { flex: 1 1 16rem; max-width: 28rem; }
input::placeholder { color: var(--muted); opacity: 1; }
button { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; cursor: pointer; }
a:focus-visible, input:focus-visible, button:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
:root {
  --lane: light-dark(#f6f8fa, #1f2530);
  --lane-line: light-dark(#d7dde4, #3a4454);
  --head: light-dark(#e3e9ee, #303a49);
  --group: light-dark(#f1e8f8, #33284a);
}
.k-lets-call, .k-caller { --k: light-dark(#00695c, #5fd0c0); }
.k-accepts-members-of { --k: light-dark(#1a4fa3, #8ab8ff); }
.k-member { --k: light-dark(#6a3d9a, #cfa8ff); }
.k-blocks { --k: light-dark(#b00020, #ff8a8a); }
.k-chains-to { --k: light-dark(#8a5a00, #f0bf66); }
.k-admits, .k-speaks-for, .k-other { --k: light-dark(#37474f, #b6c2cc); }
.edge { stroke: var(--k); }
.arrow, .edge-text { fill: var(--k); }
.edge-text { stroke: var(--sheet); }
.name { color: var(--k); font-weight: 600; white-space: nowrap; }
.lane { fill: var(--lane); stroke: var(--lane-line); }
.lane-head { fill: var(--head); stroke: var(--lane-line); }
.lane-name, .label { fill: var(--ink); }
.lane-role { fill: var(--muted); }
.node { fill: var(--sheet); stroke: var(--edge); }
.node.group { fill: var(--group); }
.legend { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); gap: 0.35rem 1.5rem; margin: 0.75rem 0; padding: 0; list-style: none; font-size: 0.95rem; }
.legend li { display: grid; grid-template-columns: 56px 1fr; gap: 0.75rem; align-items: start; line-height: 1.4; }
.legend svg { margin-top: 0.1rem; }
.sizes { margin: 1rem 0 0.5rem; font-size: 0.95rem; }
.sizes a { margin-left: 0.6rem; }
code.command { white-space: nowrap; }
.frame { overflow: auto; max-height: 85vh; border: 1px solid var(--line); border-radius: 0.75rem; background: var(--sheet); }
.frame svg { display: block; max-width: 100%; min-width: 42rem; height: auto; margin: 0 auto; }
.frame.large svg { min-width: 70rem; }
#actual-size:target .frame svg { max-width: none; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 0.75rem; background: var(--sheet); }
table { width: 100%; min-width: 38rem; border-collapse: collapse; font-size: 0.95rem; }
table.statements { min-width: 58rem; }
caption { padding: 0.7rem 1rem; text-align: left; color: var(--muted); }
th, td { padding: 0.55rem 1rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
thead th { color: var(--muted); font-weight: 600; white-space: nowrap; }
th.group { background: var(--lane); font-weight: 600; overflow-wrap: anywhere; }
tbody th { font-weight: 400; }
.party { overflow-wrap: break-word; font-weight: 600; }
td small, th small { display: block; color: var(--muted); font-weight: 400; }
.none { color: var(--muted); }
.grant + .grant { margin-top: 0.5rem; }
.grant ul { margin: 0.1rem 0 0; padding: 0; list-style: none; }
.audience { overflow-wrap: anywhere; }
time { white-space: nowrap; }
.state { margin-top: 2rem; padding: 1.25rem 1.5rem; border: 1px solid var(--line); border-radius: 0.75rem; background: var(--sheet); }
.state h2 { margin-top: 0; }
.choices { columns: 20rem; }
.choices small { color: var(--muted); }
@media (max-width: 40rem) { body { padding: 1.5rem 1rem 3rem; } }
@media print { .frame { max-height: none; } form, .sizes { display: none; } }
`

/** The Content-Security-Policy of the page. Its only form leads to the page itself. */
export const TRUST_PAGE_POLICY = pagePolicy(TRUST_STYLE, "'self'")
