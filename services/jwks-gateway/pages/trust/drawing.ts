import type { GetTrustViewResponse } from '../../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { xmlText } from '../../../platform/layout/safe-text.ts'
import { classOf, lineOf, strokeOf } from '../../../trust/graph/export/appearance.ts'
import type { ExportedGraph } from '../../../trust/graph/export/exported-graph.ts'
import { toSvg } from '../../../trust/graph/export/to-svg.ts'

/** Kinds in the order of the legend. */
const ORDER = ['lets-call', 'accepts-members-of', 'member', 'blocks', 'chains-to', 'caller', 'admits', 'speaks-for']
/** Pictures with more nodes than this begin in their own size when that is wider than a page. */
const FEW_NODES = 60

/** Returns the legend and the drawing, which scrolls in a frame. Plain links switch its size. */
export function drawing(view: GetTrustViewResponse): string {
  const svg = toSvg(graphOf(view), { isEmbedded: true })
  const isLarge = view.nodes.length > FEW_NODES
  return `<section aria-labelledby="drawing">
<h2 id="drawing">Drawing</h2>
<p>Each box is a deployment with its operators. A line leads from the signer of a statement to the other operator.</p>
${legend(view)}
<div id="actual-size"><div id="fit">
<p class="sizes">Size: <a href="#fit">fit to the page</a> <a href="#actual-size">actual size</a>${isLarge ? '. Names are readable at actual size.' : ''}</p>
<div class="frame${isLarge ? ' large' : ''}" role="region" aria-label="Drawing, scrolls" tabindex="0">
${svg}</div>
</div></div>
</section>`
}

/** Explains shapes and lines in words. */
function legend({ nodes, edges }: GetTrustViewResponse): string {
  const used = new Set(edges.map(({ kind }) => kind))
  // Boxes show these two.
  for (const kind of ['admits', 'speaks-for']) used.delete(kind)
  const kinds = [...ORDER.filter((kind) => used.delete(kind)), ...used]
  const lines = kinds.map((kind) => {
    const { words, meaning } = lineOf(kind)
    return `<li>${sample(kind)}<span><b class="name ${classOf(kind)}">${xmlText(kind)}</b> (${words}): ${meaning}</span></li>`
  })
  const types = new Set(nodes.map(({ type }) => type))
  const shapes = [
    types.has('operator') ? `<li>${shape(3)}<span><b>operator</b> (rectangle)</span></li>` : '',
    types.has('group') ? `<li>${shape(9)}<span><b>group</b> (round ends): an operator with members</span></li>` : '',
  ]
  return `<ul class="legend">\n${[...lines, ...shapes].filter(Boolean).join('\n')}\n</ul>`
}

function sample(kind: string): string {
  const head = kind === 'blocks' ? 'M50 1v16h4v-16z' : 'M46 5l8 4l-8 4z'
  return `<svg width="56" height="18" viewBox="0 0 56 18" aria-hidden="true"><path class="edge ${classOf(kind)}" d="M2 9h46" fill="none" ${strokeOf(kind)}/><path class="arrow ${classOf(kind)}" d="${head}" fill="${lineOf(kind).colour}"/></svg>`
}

function shape(radius: number): string {
  const type = radius > 3 ? 'group' : 'operator'
  return `<svg width="56" height="20" viewBox="0 0 56 20" aria-hidden="true"><rect class="node ${type}" x="2" y="1" width="50" height="18" rx="${radius}" fill="#ffffff" stroke="#546e7a"/></svg>`
}

const TYPES = { deployment: 'deployment', issuer: 'issuer', group: 'group' } as const

/** Returns the graph of a view, to draw it. */
export function graphOf({ issuer, nodes, edges }: GetTrustViewResponse): ExportedGraph {
  return {
    title: `Trust at ${issuer}`,
    issuer,
    nodes: nodes.map(({ id, label, home, type }) => ({ id, label, home, type: typeOf(type) })),
    edges: edges.map(({ edgeId, kind, from, to }) => ({ id: edgeId, kind, from, to })),
  }
}

function typeOf(text: string): ExportedGraph['nodes'][number]['type'] {
  return text in TYPES ? TYPES[text as keyof typeof TYPES] : 'operator'
}
