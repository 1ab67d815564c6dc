import type { GenuineChain } from '@auth4agent/core/delegation/grant-types'
import { formatCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { verifyGrantChain } from '../../../../services/revocation/verify-grant-chain.ts'
import { CHAIN_ISSUER, chainOf, countingKeys, GRANT_KEY, lastOf } from '../../../support/grant-chains.ts'
import { REFUSED_CAPABILITIES } from '../../../support/refused-capabilities.ts'
import {
  type Changes,
  ownGrants,
  REFUSED_GRANTS,
  REFUSED_TEXTS,
  type RefusedRow,
} from '../../../support/refused-grants.ts'
import { makeHolderCases } from './grant-holders.ts'
import { EDGE } from './log-records.ts'
import { describe } from './parties.ts'

interface Refused {
  readonly name: string
  readonly chain: string
  readonly expect: { readonly refused: string; readonly hop: number | null }
}

/** Makes chains of grants that a verifier accepts, with what they say, and chains that it refuses. */
export async function makeGrants(): Promise<object> {
  return {
    description: describe(
      'Chains of grants (docs/delegation.md). `issuer` signs with `grant_key` and publishes no other key for grants.',
      '`accepted`: chains and what each grant says, root first. `refused`: chains whose grant number `hop` is wrong.',
      '`hop` is null if the chain as a whole is refused. Times and revocation are not checked.',
      '`holders`: whether the parties of a chain may use it at `audience`, by `operators` and `actors` of the verifier',
      'and the rules of the owner. `owner` is null if nobody owns the audience, or the verifier cannot know the owner.',
    ),
    issuer: CHAIN_ISSUER,
    grant_key: { ...GRANT_KEY.jwk, alg: 'Ed25519', kid: GRANT_KEY.kid },
    accepted: await Promise.all(
      accepted().map(async ({ name, chain }) => ({ name, chain, expect: await read(chain) })),
    ),
    refused: refused(),
    holders: makeHolderCases(),
  }
}

function accepted() {
  const domains = { claims: { a4a_to: ['acme.test', 'b.test'] } }
  const narrower = { claims: { a4a_to: ['acme.test'], del_max_depth: 2 } }
  return [
    { name: 'a root', chain: chainOf(0) },
    {
      name: 'unknown claims and header members',
      chain: chainOf(0, { 0: { claims: { note: 'é' }, header: { note: 1 } } }),
    },
    { name: 'a root with edges', chain: chainOf(1, { 0: { claims: { edges: [EDGE] } } }) },
    { name: 'a chain of depth 3', chain: chainOf(3) },
    { name: 'a chain of depth 8', chain: chainOf(8) },
    { name: 'fewer domains and a lower ceiling', chain: chainOf(2, { 0: domains, 1: narrower, 2: narrower }) },
    { name: 'a holder who delegates to itself', chain: ownGrants().join('~') },
  ]
}

async function read(chain: string): Promise<object> {
  const verified = await verifyGrantChain(chain, { issuer: CHAIN_ISSUER, keys: countingKeys() })
  if (!verified.ok) throw new Error(`${verified.hop} ${verified.reason}: ${verified.rule}`)
  return verified.chain.hops.map(shownHop)
}

function shownHop({ did, operatorId, epoch, id, jti, jkt, iat, exp, ...hop }: GenuineChain['hops'][number]): object {
  const depths = { del_depth: hop.depth, del_max_depth: hop.maxDepth, a4a_to: hop.allowedDomains }
  const holder = { sub: did, operator_id: operatorId, epoch, jkt }
  const trust = hop.edges && { edges: hop.edges }
  return {
    id,
    jti,
    ...holder,
    iat,
    exp,
    ...depths,
    ...trust,
    authorization_details: formatCapabilities(hop.capabilities),
  }
}

/** One chain for each reason of each row of the table of refusals. */
function refused(): readonly Refused[] {
  const chains = [...REFUSED_GRANTS, ...REFUSED_CAPABILITIES].map(
    ([row, reason, name, changes]: RefusedRow<Changes>): RefusedRow<readonly [number | undefined, string]> => {
      const hop = lastOf(changes)
      return [row, reason, name, [hop, chainOf(hop, changes)]]
    },
  )
  const each = new Map<string, Refused>()
  for (const [row, reason, name, [hop = null, chain]] of [...REFUSED_TEXTS, ...chains]) {
    const key = `${row} ${reason}`
    if (!each.has(key)) each.set(key, { name: `row ${row}: ${name}`, chain, expect: { refused: reason, hop } })
  }
  return [...each.values()]
}
