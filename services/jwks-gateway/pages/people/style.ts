import { TOKENS } from '../tokens.ts'

/** The stylesheet of the pages for people: one card in the middle of the page. */
export const PEOPLE_STYLE = `
:root {${TOKENS}}
* { box-sizing: border-box; }
body {
  margin: 0;
  min-height: 100vh;
  display: grid;
  place-items: center;
  padding: 24px 16px;
  background: var(--ground);
  color: var(--ink);
  font: 14px/1.5 system-ui, sans-serif;
}
main {
  width: 100%;
  max-width: 440px;
  padding: 32px;
  border: 1px solid var(--line);
  border-radius: 10px;
  background: var(--sheet);
  box-shadow: 0 1px 2px rgb(0 0 0 / 4%), 0 8px 24px rgb(0 0 0 / 6%);
}
.mark { margin: 0 0 24px; color: var(--muted); font-size: 13px; font-weight: 600; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 28px; font-weight: 600; line-height: 1.2; letter-spacing: -0.02em; }
h2 { margin: 24px 0 8px; font-size: 14px; font-weight: 600; }
p { margin: 8px 0 0; }
.lead { color: var(--muted); font-size: 16px; overflow-wrap: anywhere; }
.lead b { color: var(--ink); font-weight: 600; }
ul { margin: 0; padding: 0; list-style: none; border-top: 1px solid var(--line); }
li { padding: 8px 0; border-bottom: 1px solid var(--line); }
li code { display: block; color: var(--muted); font-size: 12px; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.host { margin-top: 16px; font-size: 20px; font-weight: 600; overflow-wrap: anywhere; }
form { margin-top: 24px; }
label { display: block; font-weight: 600; }
input {
  width: 100%;
  margin-top: 8px;
  padding: 11px 12px;
  border: 1px solid var(--edge);
  border-radius: 6px;
  background: var(--sheet);
  color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif;
}
input[aria-invalid] { border-color: var(--stop); }
button, .button {
  display: block;
  width: 100%;
  margin-top: 24px;
  padding: 12px 16px;
  border: 1px solid var(--accent);
  border-radius: 6px;
  background: var(--accent);
  color: var(--on-accent);
  font: 600 16px/1.5 system-ui, sans-serif;
  text-align: center;
  text-decoration: none;
  overflow-wrap: anywhere;
  cursor: pointer;
}
.quiet { border-color: var(--edge); background: var(--sheet); color: var(--ink); }
button + button { margin-top: 12px; }
section + section { margin-top: 32px; }
h2.host { margin-bottom: 0; }
section dl { margin-top: 12px; }
section li button { margin-top: 8px; }
.choice { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; margin-top: 24px; }
.choice button { margin-top: 0; }
.tick { display: flex; gap: 12px; font-weight: 400; cursor: pointer; }
.tick input { flex: none; width: 18px; height: 18px; margin: 2px 0 0; accent-color: var(--accent); }
button:disabled { border-color: var(--line); background: var(--sunk); color: var(--muted); cursor: default; }
:is(button, .button, input, a):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); text-underline-offset: 0.2em; }
dl { margin: 24px 0 0; border-top: 1px solid var(--line); }
dl > div { display: grid; grid-template-columns: 8em 1fr; gap: 4px 16px; padding: 10px 0; border-bottom: 1px solid var(--line); }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.message { margin-top: 16px; padding: 12px 16px; border-radius: 6px; background: var(--sunk); overflow-wrap: anywhere; }
.message.stop { background: var(--stop-soft); color: var(--stop); }
.message.ok { background: var(--ok-soft); color: var(--ok); }
.kid { display: block; margin-top: 8px; color: var(--ink); font-size: 16px; user-select: all; overflow-wrap: anywhere; }
.note { margin-top: 24px; color: var(--muted); font-size: 13px; }
[hidden] { display: none; }
@media (max-width: 400px) {
  main { padding: 24px 20px; }
  dl > div { grid-template-columns: 1fr; }
}
`
