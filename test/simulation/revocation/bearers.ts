import type { GrantIdentity } from '@auth4agent/core/delegation/chain-lookups'
import type { delegatedLookups } from '@auth4agent/core/delegation/delegated-token'
import type { TokenIdentity, TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import { trustOf } from '@auth4agent/core/token/token-identity'
import { numberOf, type Target } from './image.ts'

/**
 * What a process is asked about: an access token, a chain of grants, a token that was exchanged for a chain, a token
 * for a grant of another deployment, or a decision about trust. Each is valid until its target is ended.
 */
export type Form = 'token' | 'chain' | 'exchanged' | 'chained' | 'trust'

/** The forms that a target of each kind ends. */
const FORMS: Readonly<Record<string, readonly Form[]>> = {
  token: ['token', 'chain', 'exchanged', 'chained'],
  agent: ['token', 'chain', 'exchanged'],
  key: ['token', 'chain', 'exchanged', 'chained'],
  operator: ['token', 'chain', 'exchanged', 'chained', 'trust'],
  issuer: ['token', 'exchanged', 'chained', 'trust'],
  edge: ['token', 'chain', 'exchanged', 'chained', 'trust'],
}

/** Returns one of the forms that the target ends: another one for each number. */
export function formOf({ kind, at }: Target, number: number): Form {
  if (at === 'home') return 'chained'
  const forms = FORMS[kind] ?? []
  return forms[number % forms.length] ?? 'token'
}

/** Returns the trust that the target ends, as the claims of a token name it. */
function trustThrough({ kind, subject, minimumEpoch }: Target) {
  if (kind === 'edge') return { edges: ['another edge', subject] }
  const generation = minimumEpoch - 1
  if (kind !== 'issuer') return {}
  return { home: { iss: subject, jti: 'jti', kids: ['kid'], generation, epoch: [1, 1] as const, edge: 'edge' } }
}

/** Returns the basis of a decision about trust that is valid until its target is ended. */
export function basisThrough({ kind, operatorId, subject, minimumEpoch }: Target): TrustBasis {
  const before = minimumEpoch - 1
  return {
    issuers: [{ issuer: 'another issuer', generation: 1 }].concat(
      kind === 'issuer' ? { issuer: subject, generation: before } : [],
    ),
    edges: ['another edge'].concat(kind === 'edge' ? subject : []),
    authors: [{ operatorId: 'another author', epoch: 1 }].concat(
      kind === 'operator' ? { operatorId, epoch: before } : [],
    ),
  }
}

/** Returns a token that is valid until its target is ended. */
export function tokenOf(target: Target): TokenIdentity {
  const { kind, operatorId, subject, minimumEpoch } = target
  return {
    jti: kind === 'token' ? subject : `jti of ${subject}`,
    kid: kind === 'key' ? subject : 'kid',
    operatorId,
    sub: kind === 'agent' ? subject : 'did',
    agentEpoch: kind === 'agent' ? minimumEpoch - 1 : 1_000,
    operatorEpoch: kind === 'operator' ? minimumEpoch - 1 : 1_000,
    ...trustOf(trustThrough(target)),
  }
}

const LENGTH = 3

/**
 * Returns a chain that is valid until its target is ended. The target ends one grant of it, which may be any but the
 * last: the last is a late child that was signed after everything above it had ended. For some targets of the kind
 * `token`, the record stands under the operator of the holder above. Edges
 * are those of the root.
 */
export function chainThrough(target: Target): { readonly hops: readonly GrantIdentity[] } {
  const { jti: id, kid, sub: did, operatorId, agentEpoch, operatorEpoch } = tokenOf(target)
  const number = numberOf(target)
  const place = number % (LENGTH - 1)
  const { edges } = trustOf(trustThrough(target))
  const isBelow = target.kind === 'token' && place === 0 && number % 4 === 0
  return {
    hops: Array.from({ length: LENGTH }, (_, hop): GrantIdentity => {
      const other = { kid: 'kid', id: `grant ${hop}`, did: `holder ${hop}`, operatorId: `other ${hop}` }
      if (isBelow && hop === 1) return { ...other, id, epoch: [1_000, 1_000] }
      if (edges !== undefined && hop === 0) return { ...other, epoch: [1_000, 1_000], edges }
      if (hop !== place) return { ...other, epoch: [1_000, 1_000] }
      return { kid, id: isBelow ? other.id : id, did, operatorId, epoch: [agentEpoch, operatorEpoch] }
    }),
  }
}

/**
 * Returns a token that was exchanged for a chain, and is valid until its target is ended. Some targets end the token
 * itself: its key, its `jti` under the operator of any party, or the trust that it names. The others end a grant or a
 * party in its lineage, as {@link chainThrough} does: the token may be exchanged after that end.
 */
export function exchangedFor(target: Target): Parameters<typeof delegatedLookups>[0] {
  const { kind, operatorId, subject } = target
  const number = numberOf(target)
  const isItself = number % 3 === 0
  const parties = (at?: number) =>
    Array.from({ length: LENGTH }, (_, place): GrantIdentity => {
      const operator = place === at ? operatorId : `other ${place}`
      return { kid: 'kid', id: `grant ${place}`, did: `holder ${place}`, operatorId: operator, epoch: [1_000, 1_000] }
    })
  if (isItself && kind === 'key') return { claims: { lineage: parties(), jti: 'exchanged' }, kid: subject }
  if (isItself && kind === 'token')
    return { claims: { lineage: parties((number / 3) % LENGTH), jti: subject }, kid: 'kid' }
  // A lineage has no edges: those of the root are in the claims of the token.
  const lineage = chainThrough(target).hops.map(({ edges: _edges, ...hop }) => hop)
  return { claims: { lineage, jti: 'exchanged', ...trustThrough(target) }, kid: 'kid' }
}
