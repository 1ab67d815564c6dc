import { timestampDate } from '@bufbuild/protobuf/wkt'
import type {
  GetTrustViewRequest,
  GetTrustViewResponse,
  TrustGrant,
  TrustViewEdge,
  TrustViewNode,
} from '../../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { xmlText } from '../../../platform/layout/safe-text.ts'
import { classOf } from '../../../trust/graph/export/appearance.ts'
import { linkTo } from './links.ts'

const COLUMNS = ['From', 'Kind', 'To', 'Audiences and scopes', 'Until', 'Visible to']

interface Row {
  readonly edge: TrustViewEdge
  readonly from: TrustViewNode
  readonly to: TrustViewNode
}

/** Returns the table of the statements, grouped by the deployments of their signers. */
export function statementTable(request: GetTrustViewRequest, view: GetTrustViewResponse): string {
  const rows = rowsOf(view).filter(({ edge }) => edge.visibility !== '')
  const homes = [...new Set(rows.map(({ from }) => from.home))].toSorted(byIssuer(view.issuer))
  const proven = provenOf(view)
  const groups = homes.map((home) => {
    const own = rows.filter(({ from }) => from.home === home)
    const name = `Signed at <bdi>${xmlText(home)}</bdi>${home === view.issuer ? ' (this deployment)' : ''}`
    return `<tbody>
<tr><th class="group" scope="rowgroup" colspan="${COLUMNS.length}">${name}</th></tr>
${own.map((row) => statementRow(request, row, proven)).join('\n')}
</tbody>`
  })
  return `<section aria-labelledby="statements">
<h2 id="statements">Statements</h2>
<div class="scroll" role="region" aria-label="Statements, scrolls" tabindex="0">
<table class="statements">
<caption>${rows.length} ${rows.length === 1 ? 'statement' : 'statements'}. A name leads to what is around that operator.</caption>
<thead><tr>${COLUMNS.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead>
${groups.join('\n')}
</table>
</div>
</section>`
}

function statementRow(request: GetTrustViewRequest, { edge, from, to }: Row, proven: ReadonlySet<string>): string {
  const { kind, depth, grants, visibility, expiresAt } = edge
  const iso = expiresAt === undefined ? '' : timestampDate(expiresAt).toISOString()
  const levels = depth > 0 ? `<small>${depth === 1 ? 'members' : 'members, and their members'}</small>` : ''
  return `<tr>
<th scope="row">${party(request, from, from.home, proven)}</th>
<td><span class="name ${classOf(kind)}">${xmlText(kind)}</span>${levels}</td>
<td>${party(request, to, from.home, proven)}</td>
<td>${grants.length === 0 ? '<span class="none">none</span>' : grants.map(grant).join('')}</td>
<td><time datetime="${iso}">${iso.slice(0, 10)}<small>${iso.slice(11, 16)} UTC</small></time></td>
<td>${visibility === 'public' ? 'everybody' : 'its two parties'}</td>
</tr>`
}

/** Returns the name of an operator, with its deployment if that is another one than in the heading of the group. */
function party(request: GetTrustViewRequest, node: TrustViewNode, home: string, proven: ReadonlySet<string>): string {
  const { id, label, type } = node
  const name = `<bdi>${xmlText(label)}</bdi>`
  if (type === 'issuer' || type === 'deployment') return `<span class="party">${name}</span>`
  const place = node.home === home ? '' : `<small>at <bdi>${xmlText(node.home)}</bdi></small>`
  const doubt = proven.has(id) ? '' : '<small>domain not proven here</small>'
  return `<a class="party" href="${linkTo(request, label)}">${name}</a>${place}${doubt}`
}

function grant({ audience, scopes }: TrustGrant): string {
  const maps = scopes.map(
    ({ scope, values }) => `<li><code>${xmlText(scope)}</code> → <code>${xmlText(values.join(' '))}</code></li>`,
  )
  const where = audience === '' ? 'any audience there' : `<bdi>${xmlText(audience)}</bdi>`
  return `<div class="grant"><span class="audience">${where}</span><ul>${maps.join('')}</ul></div>`
}

/** Returns the table of the deployments. */
export function deploymentTable(view: GetTrustViewResponse): string {
  const admitted = new Set(rowsOf(view).flatMap(({ edge, to }) => (edge.kind === 'admits' ? [to.home] : [])))
  const proven = provenOf(view)
  const homes = [...new Set(view.nodes.map(({ home }) => home))].toSorted(byIssuer(view.issuer))
  const rows = homes.map((home) => {
    const operators = view.nodes.filter(
      (node) => node.home === home && (node.type === 'operator' || node.type === 'group'),
    )
    const isOwn = home === view.issuer
    const role = isOwn
      ? 'this deployment'
      : admitted.has(home)
        ? 'admitted'
        : 'not admitted, so its operators do not count'
    const doubtful = operators.filter(({ id }) => !proven.has(id)).length
    return `<tr><th scope="row"><bdi>${xmlText(home)}</bdi></th><td>${role}</td><td>${operators.length}</td><td>${doubtful}</td></tr>`
  })
  return `<section aria-labelledby="deployments">
<h2 id="deployments">Deployments</h2>
<div class="scroll" role="region" aria-label="Deployments, scrolls" tabindex="0">
<table>
<caption>Whether this deployment looks at tokens of the issuer, and for how many operators the issuer speaks by DNS.</caption>
<thead><tr><th scope="col">Issuer</th><th scope="col">For this deployment</th><th scope="col">Operators shown</th><th scope="col">Of these, domain not proven</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</div>
</section>`
}

/** Returns the operators whose domain is proven: those of this deployment, and those for which an issuer speaks. */
function provenOf({ issuer, nodes, edges }: GetTrustViewResponse): ReadonlySet<string> {
  const own = nodes.filter(({ home }) => home === issuer).map(({ id }) => id)
  return new Set([...own, ...edges.filter(({ kind }) => kind === 'speaks-for').map(({ to }) => to)])
}

function rowsOf({ nodes, edges }: GetTrustViewResponse): readonly Row[] {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const rows = edges.flatMap((edge) => {
    const from = byId.get(edge.from)
    const to = byId.get(edge.to)
    return from === undefined || to === undefined ? [] : [{ edge, from, to }]
  })
  const keyOf = ({ edge, from, to }: Row) => [from.label, edge.kind, to.label, edge.edgeId].join('\n')
  return rows.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
}

function byIssuer(issuer: string): (one: string, other: string) => number {
  return (one, other) => Number(other === issuer) - Number(one === issuer) || (one < other ? -1 : 1)
}
