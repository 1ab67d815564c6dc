import type { Hop } from '@auth4agent/core/delegation/grant-types'
import { formatCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import type { Style } from '../style.ts'
import { columns, lines, plain } from '../text.ts'
import { writeTime } from '../times.ts'
import { argumentsText } from './constraint-text.ts'
import { type Finding, type Inspection, statesOf } from './inspect-chain.ts'
import { narrowingText } from './narrowing-text.ts'

/** What is said about a check that only a server makes possible. */
export const NOT_ASKED = 'not checked, because no server was asked'

/** Describes a chain for people: a table of its grants, and each grant. */
export function chainText(inspection: Inspection, nowS: number, style: Style): string {
  const { issuer, hops, size, finding, server } = inspection
  const isOnline = server !== undefined
  const states = statesOf(inspection, nowS)
  const rows = states.map((state, at) => {
    const hop = hops[at]
    return [String(at), hop?.did ?? 'unknown', hop === undefined ? '' : writeTime(hop.exp), state]
  })
  const mark = finding === undefined ? style.good('valid') : style.bad(finding.reason)
  const checked = isOnline ? 'checked' : NOT_ASKED
  return [
    `chain of grants\n\nstate: ${mark}`,
    lines({
      issuer,
      grants: size,
      "issuer's signatures": checked,
      revocation: isOnline ? revocationState(finding) : NOT_ASKED,
    }),
    columns([['GRANT', 'HOLDER', 'EXPIRES', 'STATE'], ...rows]),
    ...hops.map((hop, at) => hopText(hop, hops[at - 1], at)),
    ...(finding === undefined ? [] : [findingText(finding, hops)]),
  ].join('\n\n')
}

/** Tells whether revocations were checked. The server is only asked about chains that are otherwise valid. */
export function revocationState(finding: Finding | undefined): string {
  return finding?.rule === undefined ? 'checked' : 'not checked, because it is refused anyway'
}

function hopText(hop: Hop, parent: Hop | undefined, at: number): string {
  if (parent === undefined) {
    const allowed = [...hop.capabilities].map(([capability, map]) => `${capability} ${argumentsText(map)}`)
    const handed = `may be handed on ${hop.maxDepth} times, to agents of ${hop.allowedDomains.join(', ')}`
    const named = [`id ${hop.id}`, `jti ${hop.jti}, its subject in the audit of the operator`]
    return block(`grant ${at}, by the issuer to ${hop.did}`, [...allowed, handed, ...named])
  }
  const narrower = narrowingText(hop, parent)
  const title = `grant ${at}, by ${parent.did} to ${hop.did}, is narrower than grant ${at - 1}`
  return block(title, [...(narrower.length === 0 ? ['in its depth only'] : narrower), `id ${hop.id}`])
}

function block(title: string, entries: readonly string[]): string {
  return [title, ...entries.map((entry) => `  ${entry}`)].map(plain).join('\n')
}

/** Describes why a chain is refused, for people. */
export function findingText(
  { reason, hop, means, rule, compared = {}, advice }: Finding,
  hops: readonly Hop[],
): string {
  const [grant, parent] = hop === undefined ? [] : [hops[hop], hops[hop - 1]]
  const giver = hop === 0 ? 'the issuer' : parent?.did
  return lines({
    refused: reason,
    grant: hop ?? 'the whole chain',
    holder: grant?.did,
    // Nobody knows who gave a grant that is not genuine.
    'given by': grant && giver,
    "its parent's holder": grant === undefined ? parent?.did : undefined,
    means,
    rule,
    'the grant has': compared.grant,
    'its parent has': compared.parent,
    'its statement has': compared.statement,
    'the call has': compared.call,
    'the grant allows': compared.allowed,
    'the proof has': compared.proof,
    now: compared.now,
    advice,
  })
}

/** Describes a chain for programs. */
export function chainJson(inspection: Inspection, nowS: number) {
  const { issuer, hops, size, finding, server } = inspection
  const isOnline = server !== undefined
  const states = statesOf(inspection, nowS)
  return {
    valid: finding === undefined,
    ...findingJson(finding),
    issuer,
    size,
    issuer_signatures: isOnline ? 'checked' : 'not checked',
    revocation: isOnline && finding?.rule === undefined ? 'checked' : 'not checked',
    grants: hops.map((hop, at) => hopJson(hop, hops[at - 1], states[at])),
  }
}

/** Describes why a chain is refused, for programs. */
export function findingJson(finding: Finding | undefined) {
  if (finding === undefined) return {}
  const { reason, hop, means, rule, compared = {}, advice } = finding
  return {
    reason,
    hop: hop ?? null,
    means,
    ...(rule !== undefined && { rule }),
    ...(Object.keys(compared).length > 0 && { compared }),
    ...(advice !== undefined && { advice }),
  }
}

function hopJson(hop: Hop, parent: Hop | undefined, state: string | undefined) {
  const { did, operatorId: operator_id, id: grant_id, jti, depth, maxDepth: max_depth, allowedDomains } = hop
  return {
    state,
    did,
    operator_id,
    given_by: parent?.did ?? null,
    grant_id,
    jti,
    depth,
    max_depth,
    issued_at: writeTime(hop.iat),
    expires_at: writeTime(hop.exp),
    delegate_to: allowedDomains,
    authorization_details: formatCapabilities(hop.capabilities),
    narrower: parent === undefined ? [] : narrowingText(hop, parent),
  }
}
