import type { ExportedNode } from './exported-graph.ts'

/** How edges of one kind look. Lines differ too, because not everybody sees every colour. */
export interface Line {
  readonly colour: string
  /** Lengths of dashes and gaps; empty for a continuous line. */
  readonly dashes: string
  readonly width: number
  /** The line in words. */
  readonly words: string
  /** What an edge of this kind says, from its beginning to its end. */
  readonly meaning: string
}

const LINES: Readonly<Record<string, Line>> = {
  'lets-call': {
    colour: '#00695c',
    dashes: '',
    width: 1.5,
    words: 'continuous line',
    meaning: "lets the other's agents call its audiences",
  },
  caller: {
    colour: '#00695c',
    dashes: '6 3',
    width: 1.5,
    words: 'short dashes',
    meaning: 'lets the other call by its policy',
  },
  'accepts-members-of': {
    colour: '#1a4fa3',
    dashes: '12 4',
    width: 1.5,
    words: 'long dashes',
    meaning: "lets agents of the group's members call its audiences",
  },
  member: {
    colour: '#6a3d9a',
    dashes: '2 4',
    width: 2,
    words: 'dots',
    meaning: 'names the other as a member of its group',
  },
  blocks: {
    colour: '#b00020',
    dashes: '',
    width: 3,
    words: 'thick line that ends in a bar',
    meaning: "refuses the other's agents, whatever else is signed",
  },
  'chains-to': {
    colour: '#8a5a00',
    dashes: '10 3 2 3',
    width: 1.5,
    words: 'dashes and dots',
    meaning: 'lets its agents carry their authority to that deployment',
  },
  admits: {
    colour: '#37474f',
    dashes: '16 3 3 3 3 3',
    width: 1.5,
    words: 'dashes and two dots',
    meaning: 'looks at tokens of that issuer',
  },
  'speaks-for': {
    colour: '#37474f',
    dashes: '1 3',
    width: 1.5,
    words: 'fine dots',
    meaning: 'is named by the DNS record of that domain',
  },
}
const OTHER: Line = {
  colour: '#555555',
  dashes: '4 4',
  width: 1.5,
  words: 'dashes',
  meaning: 'another kind of edge',
}

/** Returns how edges of a kind look. */
export function lineOf(kind: string): Line {
  return Object.hasOwn(LINES, kind) ? (LINES[kind] ?? OTHER) : OTHER
}

/** Returns the attributes of SVG with which the line of a kind is drawn. */
export function strokeOf(kind: string): string {
  const { colour, dashes, width } = lineOf(kind)
  return `stroke="${colour}" stroke-width="${width}"${dashes === '' ? '' : ` stroke-dasharray="${dashes}"`}`
}

/** Returns the class of elements about a kind, for style sheets of pages. */
export function classOf(kind: string): string {
  return Object.hasOwn(LINES, kind) ? `k-${kind}` : 'k-other'
}

/** Background of each type of node, light enough for black text. */
export const FILLS: Readonly<Record<ExportedNode['type'], string>> = {
  deployment: '#dfe7ea',
  issuer: '#eceff1',
  operator: '#ffffff',
  group: '#f1e8f8',
}
