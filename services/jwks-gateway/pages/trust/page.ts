import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { GetTrustViewRequest, GetTrustViewResponse } from '../../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { xmlText } from '../../../platform/layout/safe-text.ts'
import { drawnEdges } from '../../../trust/graph/export/to-svg.ts'
import { document } from './document.ts'
import { drawing, graphOf } from './drawing.ts'
import { linkTo } from './links.ts'
import { deploymentTable, statementTable } from './tables.ts'

const TITLE = 'Trust graph'
const MOST_EDGES = 5_000

/** Returns the page of a view: a drawing, and the same in tables. */
export function trustPage(request: GetTrustViewRequest, view: GetTrustViewResponse): string {
  const isEmpty = view.edges.length === 0
  const body = view.tooLarge
    ? tooLarge(request, view)
    : isEmpty
      ? empty(request)
      : [drawing(view), statementTable(request, view), deploymentTable(view)].join('\n')
  return document(
    `${TITLE} at ${view.issuer}`,
    `<header>
<h1>${TITLE}</h1>
<p class="lead">Which operators let the agents of other operators call, at <code>${xmlText(view.issuer)}</code>.</p>
${facts(request, view)}
</header>
${filter(request)}
${body}
${footer(view)}`,
  )
}

/** Says whose graph this is, how current it is and how large. */
function facts(request: GetTrustViewRequest, view: GetTrustViewResponse): string {
  const { asOf, position, nodeCount, edgeCount } = view
  const rows: (readonly [string, string])[] = [['Shown', shown(view)]]
  if (request.around !== '') {
    const all = `<a href="${linkTo(request, '')}">Show all</a>`
    rows.push(['Part', `What is within two edges of <code>${xmlText(request.around)}</code>. ${all}`])
  }
  if (asOf !== undefined) {
    rows.push([
      'As of',
      `${timeOf(timestampDate(asOf))}, position <code>${xmlText(position)}</code> of the revocation log`,
    ])
  }
  // Who counts the lines of the drawing must find this number.
  const drawn = view.tooLarge ? edgeCount : drawnEdges(graphOf(view))
  rows.push(['Size', `${count(nodeCount, 'operator or issuer', 'operators and issuers')}, ${edgesOf(drawn)}`])
  const items = rows.map(([name, text]) => `<div><dt>${name}</dt><dd>${text}</dd></div>`)
  return `<div class="sheet"><dl>\n${items.join('\n')}\n</dl></div>`
}

function shown({ viewer, viewerDomain, viewExpiresAt }: GetTrustViewResponse): string {
  const until = viewExpiresAt && ` This link works until ${timeOf(timestampDate(viewExpiresAt))}. Do not share it.`
  if (viewer === 'administrator') return `All statements, as the administrator sees them.${until ?? ''}`
  if (viewer === 'operator') {
    const whose = `What <code>${xmlText(viewerDomain)}</code> may see`
    return `${whose}: its own statements, those that name it, and public ones.${until ?? ''}`
  }
  return 'Public statements only. To see your own too, run <code class="command">auth4agent trust show-graph --link</code> and open the link.'
}

/** Returns the form that narrows the graph. */
function filter({ view, around }: GetTrustViewRequest): string {
  const hidden = view === '' ? '' : `<input type="hidden" name="view" value="${xmlText(view)}"/>`
  return `<form method="get">
${hidden}<label for="around">Show only what is within two edges of an operator</label>
<div class="fields"><input id="around" name="around" type="text" value="${xmlText(around)}" placeholder="Domain or operator id" autocomplete="off" spellcheck="false"/>
<button type="submit">Show</button></div>
</form>`
}

function empty({ around }: GetTrustViewRequest): string {
  const what =
    around === '' ? 'There is no statement that you may see.' : 'There is no statement here that you may see.'
  return `<section class="state" aria-labelledby="state">
<h2 id="state">Nothing to draw yet</h2>
<p>${what} To add one that everybody may see, an operator runs this command with the id of the operator whose agents may call:</p>
<pre>auth4agent trust offer OPERATOR --audience https://api.example.com --map-scope orders:read=read --public</pre>
</section>`
}

function tooLarge(request: GetTrustViewRequest, view: GetTrustViewResponse): string {
  const { nodes } = view
  const links = nodes.map(({ label, home }) => {
    return `<li><a href="${linkTo(request, label)}"><bdi>${xmlText(label)}</bdi></a> <small>at ${xmlText(home)}</small></li>`
  })
  return `<section class="state" aria-labelledby="state">
<h2 id="state">Too large to draw</h2>
<p>${limitOf(view)}
Choose one operator to see what is around it. These have the most statements:</p>
<ol class="choices">
${links.join('\n')}
</ol>
</section>`
}

/** Says why a graph is too large. A graph for everybody has a limit of its own, beyond which nothing is counted. */
function limitOf({ viewer, nodeCount, edgeCount }: GetTrustViewResponse): string {
  return viewer === 'everyone' && edgeCount <= MOST_EDGES
    ? 'Without a link, a picture shows at most 500 statements or 256 KiB of them, and this graph has more.'
    : `A picture shows at most 500 operators and issuers and 5,000 edges, and this graph has ${nodeCount} of them and ${edgesOf(edgeCount)}.`
}

function footer({ viewer }: GetTrustViewResponse): string {
  const command = viewer === 'everyone' ? 'GET /v1/trust/graph' : 'auth4agent trust show-graph'
  return `<footer><code class="command">${command}</code> returns the same graph as JSON or SVG. <code class="command">auth4agent trust explain</code>
says why a token is accepted or refused.</footer>`
}

function count(number: number, one: string, more = `${one}s`): string {
  return `${number} ${number === 1 ? one : more}`
}

/** Writes the number of edges. The server counts no further than 5,001 statements. */
function edgesOf(number: number): string {
  return number > MOST_EDGES ? 'more than 5,000 edges' : count(number, 'edge')
}

/** Writes a time in UTC. */
function timeOf(date: Date): string {
  const iso = date.toISOString()
  return `<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`
}
