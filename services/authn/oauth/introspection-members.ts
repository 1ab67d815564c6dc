import { type Capabilities, isUnconstrained } from '@auth4agent/core/delegation/constraint'
import type { DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import { actOf, actorOf } from '@auth4agent/core/delegation/delegated-claims'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { JsonObject } from '@bufbuild/protobuf'
import { actMember, lastOf, toDetails } from '../chains/messages.ts'
import { audiencesOf, splitCapability } from '../domain/split-capability.ts'

/** What an answer tells about an active token or chain of grants (RFC 7662 section 2.2). Times are in Unix seconds. */
export interface IntrospectionMembers extends Omit<AccessTokenClaims, 'epoch' | 'nbf' | 'edges' | 'home'> {
  readonly nbf?: number
  readonly token_type: 'Bearer' | 'DPoP'
  readonly act?: JsonObject
  readonly authorization_details?: readonly JsonObject[]
}

/** Returns the value of `token_type` for a token (RFC 6750 section 6.1.1, RFC 9449 section 5). */
export function tokenTypeOf({ cnf }: AccessTokenClaims): 'Bearer' | 'DPoP' {
  return cnf === undefined ? 'Bearer' : 'DPoP'
}

/** Returns what an answer tells about an access token: all its claims, except those that only decide when it ends. */
export function membersOfToken(claims: AccessTokenClaims): IntrospectionMembers {
  const { epoch: _epoch, edges: _edges, home: _home, ...members } = claims
  return { ...members, token_type: tokenTypeOf(claims) }
}

/**
 * Returns what an answer tells about a chain or a delegated token.
 * @param audiences those about which the client may know
 */
export function membersOfAuthority(
  { parties, actor, chain, claims, capabilities, jkt, exp }: DelegatedAuthority,
  audiences: readonly string[],
): IntrospectionMembers {
  const common = { aud: audiences, token_type: jkt === undefined ? 'Bearer' : 'DPoP' } as const
  if (claims !== undefined) {
    const { epoch: _epoch, edges: _edges, lineage: _lineage, provider: _provider, user: _user, ...others } = claims
    const { details, ...members } = others
    const visible = toDetails(at(audiences, details))
    const further = visible.length > 0 && { authorization_details: visible }
    return { ...members, ...common, ...actMember(actOf(claims)), ...further }
  }
  const [principal, last] = [parties[0], lastOf(parties)]
  const visible = at(audiences, capabilities)
  return {
    ...common,
    ...actMember(actorOf(parties)),
    iss: chain.issuer,
    sub: principal.did,
    client_id: actor,
    operator_id: principal.operatorId,
    jti: last.id,
    exp,
    iat: Math.max(...chain.hops.map(({ iat }) => iat)),
    ...(jkt !== undefined && { cnf: { jkt } }),
    scope: scopesEverywhere(visible).join(' '),
    authorization_details: toDetails(visible),
  }
}

function at(audiences: readonly string[], capabilities: Capabilities): Capabilities {
  return new Map([...capabilities].filter(([capability]) => audiences.includes(splitCapability(capability).audience)))
}

/**
 * Returns the scopes that are unconstrained at every audience. A client that knows only `aud` and `scope` would grant
 * each scope at each audience, without constraints.
 */
function scopesEverywhere(capabilities: Capabilities): readonly string[] {
  const audiences = audiencesOf(capabilities)
  const scopes = new Set(Array.from(capabilities.keys(), (capability) => splitCapability(capability).scope))
  return [...scopes].filter((scope) =>
    audiences.every((audience) => {
      const map = capabilities.get(`${audience}#${scope}`)
      return map !== undefined && isUnconstrained(map)
    }),
  )
}
