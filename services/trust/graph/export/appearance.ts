import type { ExportedNode } from './exported-graph.ts'

/** How edges of one kind look. Dashes differ too, because not everybody sees every colour. */
export interface Line {
  readonly colour: string
  /** Lengths of dashes and gaps; empty for a continuous line. */
  readonly dashes: string
  /** Style for Graphviz. */
  readonly style: 'solid' | 'dashed' | 'dotted' | 'bold'
}

const LINES: Readonly<Record<string, Line>> = {
  'lets-call': { colour: '#00695c', dashes: '', style: 'solid' },
  caller: { colour: '#00695c', dashes: '6 3', style: 'dashed' },
  'accepts-members-of': { colour: '#1a4fa3', dashes: '', style: 'solid' },
  member: { colour: '#6a3d9a', dashes: '2 3', style: 'dotted' },
  blocks: { colour: '#b00020', dashes: '', style: 'bold' },
  'chains-to': { colour: '#8a5a00', dashes: '8 3 2 3', style: 'dashed' },
  admits: { colour: '#37474f', dashes: '', style: 'bold' },
  'speaks-for': { colour: '#37474f', dashes: '2 3', style: 'dotted' },
}
const OTHER: Line = { colour: '#555555', dashes: '4 4', style: 'dashed' }

/** Returns how edges of a kind look. */
export function lineOf(kind: string): Line {
  return Object.hasOwn(LINES, kind) ? (LINES[kind] ?? OTHER) : OTHER
}

/** Background of each type of node, light enough for black text. */
export const FILLS: Readonly<Record<ExportedNode['type'], string>> = {
  deployment: '#dfe7ea',
  issuer: '#eceff1',
  operator: '#ffffff',
  group: '#f1e8f8',
}
