import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { AccessTokenClaims, HomeToken } from '@auth4agent/core/token/claims'
import { trustOf } from '@auth4agent/core/token/token-identity'
import { buildGraph } from '../../../services/trust/decide/known-graph.ts'
import {
  ACME,
  ACME_DID,
  ALPHA,
  AUDIENCE,
  alpha,
  CARGO,
  EDGES,
  letsCall,
} from '../../support/federation/foreign-parties.ts'
import { HOME_STALENESS_MS } from './home.ts'
import { numberOf, type Target } from './image.ts'

/** A token that was issued here for a grant of another deployment, and the copy of the trust through which it came. */
export interface Chained {
  readonly identity: TokenIdentity
  readonly claims: Pick<AccessTokenClaims, 'sub' | 'operator_id' | 'aud' | 'edges' | 'exp'> & {
    readonly home: HomeToken
  }
  readonly copy: ReturnType<typeof copyFor>
}

/**
 * Returns a token that is valid until its target is ended: here, or at home. A key at home is one of the two that
 * vouched for it, and an edge here is its domain or the statement of the owner.
 */
export function chainedThrough(target: Target): Chained {
  const { kind, operatorId, subject, minimumEpoch } = target
  const of = (at: Target['at'], wanted: string) => target.at === at && kind === wanted
  const here = <T>(wanted: string, its: T, other: T) => (of(undefined, wanted) ? its : other)
  const home = <T>(wanted: string, its: T, other: T) => (of('home', wanted) ? its : other)
  const before = minimumEpoch - 1
  const edges = inEither(target, of(undefined, 'edge'), [EDGES.alphaAcme, EDGES.letsCall])
  const claims: Chained['claims'] = {
    sub: home('agent', subject, ACME_DID),
    operator_id: here('token', operatorId, target.at === 'home' && operatorId !== '' ? operatorId : ACME),
    aud: [AUDIENCE],
    edges,
    exp: 1,
    home: {
      iss: here('issuer', subject, ALPHA),
      jti: home('token', subject, 'jti at home'),
      kids: inEither(target, of('home', 'key'), ['key of the token', 'key of the grant']),
      generation: here('issuer', before, 1),
      epoch: [home('agent', before, 1_000), home('operator', before, 1_000)],
      edge: home('edge', subject, 'chains-to'),
    },
  }
  const identity = {
    jti: here('token', subject, 'jti'),
    kid: here('key', subject, 'kid'),
    operatorId: claims.operator_id,
    sub: claims.sub,
    agentEpoch: 1_000,
    operatorEpoch: 1_000,
    ...trustOf(claims),
  }
  const owner = { id: here('operator', operatorId, CARGO), epoch: here('operator', before, 1_000) }
  return { identity, claims, copy: copyFor(claims, edges, owner) }
}

/** Puts the subject into one of two places if the target is of this kind. */
function inEither({ subject, operatorId }: Target, isOfKind: boolean, others: readonly [string, string]) {
  const place = numberOf({ subject, operatorId }) % 2
  return others.map((other, at) => (isOfKind && at === place ? subject : other))
}

interface Owner {
  readonly id: string
  readonly epoch: number
}

/** Returns the copy of the issuer and the statement that the token names. */
function copyFor(
  { operator_id: operatorId, home: { iss: issuer, generation } }: Chained['claims'],
  [domainEdge = '', statement = '']: readonly string[],
  owner: Owner,
) {
  const proven = { domain: 'acme.example', edgeId: domainEdge, operatorId, provenAt: 0 }
  const row = {
    ...alpha,
    issuer,
    generation,
    maxStalenessMs: HOME_STALENESS_MS,
    domains: new Map([[proven.domain, proven]]),
  }
  const known = buildGraph([letsCall({ id: statement, from: owner.id, signerId: owner.id, epoch: owner.epoch })])
  return { known, issuers: new Map([[issuer, row]]) }
}
