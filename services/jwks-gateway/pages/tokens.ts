/** Colours that all pages share, for light and dark. Each text has a contrast of 4.5 to 1 or more on its ground. */
export const TOKENS = `
  color-scheme: light dark;
  --ground: light-dark(#f6f7f9, #12151b);
  --sheet: light-dark(#ffffff, #1a1f28);
  --sunk: light-dark(#eef1f5, #0e1116);
  --ink: light-dark(#1b2330, #e4e8ef);
  --muted: light-dark(#566173, #9ba6b7);
  --line: light-dark(#dfe3ea, #2d3544);
  --edge: light-dark(#7c8798, #6b7688);
  --accent: light-dark(#0b5fd1, #7db4ff);
  --on-accent: light-dark(#ffffff, #0f141b);
  --ok: light-dark(#0b6b43, #63d6a2);
  --ok-soft: light-dark(#e5f4ec, #14301f);
  --stop: light-dark(#b3261e, #ff9189);
  --stop-soft: light-dark(#fdeceb, #3b1a18);
`
