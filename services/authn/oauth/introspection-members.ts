import { type Capabilities, isUnconstrained } from '@auth4agent/core/delegation/constraint'
import type { GenuineChain } from '@auth4agent/core/delegation/grant-types'
import { formatCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { JsonObject } from '@bufbuild/protobuf'
import { actorOf } from '../chains/verify-chain.ts'
import { audiencesOf, splitCapability } from '../domain/split-capability.ts'

/** What an answer tells about an active token or chain (RFC 7662 section 2.2). Times are in Unix seconds. */
export interface IntrospectionMembers extends Omit<AccessTokenClaims, 'epoch' | 'nbf'> {
  readonly nbf?: number
  readonly token_type: 'Bearer' | 'DPoP'
  readonly act?: JsonObject
  readonly authorization_details?: readonly JsonObject[]
}

/** Returns the value of `token_type` for a token (RFC 6750 section 6.1.1, RFC 9449 section 5). */
export function tokenTypeOf({ cnf }: AccessTokenClaims): 'Bearer' | 'DPoP' {
  return cnf === undefined ? 'Bearer' : 'DPoP'
}

/** Returns what an answer tells about an access token: all its claims without its epochs. */
export function membersOfToken(claims: AccessTokenClaims): IntrospectionMembers {
  const { epoch: _epoch, ...members } = claims
  return { ...members, token_type: tokenTypeOf(claims) }
}

/**
 * Returns what an answer tells about a chain.
 * @param visible the capabilities of the last grant that the client may know
 */
export function membersOfChain(chain: GenuineChain, visible: Capabilities): IntrospectionMembers {
  const [principal = actorOf(chain), ...others] = chain.hops
  const actor = actorOf(chain)
  // JSON, as the message needs it.
  const details: JsonObject[] = JSON.parse(JSON.stringify(formatCapabilities(visible)))
  const act = others.reduce<JsonObject | undefined>(
    (earlier, { did: sub }) => ({ sub, ...(earlier && { act: earlier }) }),
    undefined,
  )
  return {
    iss: chain.issuer,
    sub: principal.did,
    client_id: actor.did,
    operator_id: principal.operatorId,
    jti: actor.id,
    // No grant expires after its parent, so the last one expires first.
    exp: actor.exp,
    iat: actor.iat,
    cnf: { jkt: actor.jkt },
    token_type: 'DPoP',
    aud: audiencesOf(visible),
    scope: scopesEverywhere(visible).join(' '),
    ...(act && { act }),
    authorization_details: details,
  }
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
