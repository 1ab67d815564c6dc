import { readProofKey } from '../dpop/proof-key.ts'
import type { OperatorJwk, PasskeyBinding } from '../identity/operator-manifest.ts'
import { ED25519_ALGORITHMS, type JwsRules, parseCompactJws } from '../jose/jws.ts'
import { jwsDemand } from '../jose/jws-demand.ts'
import { DID, DIGEST, type Form, OPERATOR_ID, TIME } from './claim-forms.ts'
import { AGENT_RELEASE_TYPE } from './jws-types.ts'
import { type KeyEventRefusal, refuse } from './refusal.ts'
import type { ReleaseContent } from './sign-release.ts'

/** Longest accepted text of a release, in bytes. */
const MAX_RELEASE_BYTES = 4096

/** A well-formed release. Its signature is not verified yet: {@link checkReleaseKey} does that. */
export interface AgentRelease extends ReleaseContent {
  readonly ok: true
  /** When it was signed, in Unix seconds. */
  readonly iat: number
  /** RFC 7638 thumbprint of the key that signed. */
  readonly kid: string
  readonly alg: string
  readonly signingInput: Uint8Array
  readonly signature: Uint8Array
}

/** A key of an operator. */
export interface ReleasingKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly jwk: OperatorJwk
  /** A root key has every role and never expires. */
  readonly isRoot: boolean
  readonly roles: readonly string[]
  /** Unix seconds from which the key is valid. */
  readonly nbf: number
  /** Unix seconds at which the key expires. */
  readonly exp: number
  /** Present if the key is a passkey, which cannot sign a release. */
  readonly webauthn?: PasskeyBinding
}

/** The role that an operational key needs to release an agent. */
const ROLE = 'agents.manage'
const RULES: JwsRules = {
  maxBytes: MAX_RELEASE_BYTES,
  algs: [...ED25519_ALGORITHMS, 'ES256'],
  typs: [AGENT_RELEASE_TYPE],
}
const NAMES = new Set(['iss', 'sub', 'event', 'to', 'iat'])

/**
 * Parses a release strictly: it has exactly its claims, each of its form. Does not verify the signature.
 *
 * @example
 * ```ts
 * import { parseAgentRelease } from '@auth4agent/core/key-events/release'
 *
 * const release = parseAgentRelease(text)
 * if (!release.ok) throw new TypeError(release.demand)
 * ```
 */
export function parseAgentRelease(text: string): AgentRelease | KeyEventRefusal {
  const jws = parseCompactJws(text, RULES)
  if (!jws.ok) return refuse('malformed', `the ${jws.part} of the release ${jwsDemand(jws, RULES)}`)
  const { header, payload, signingInput, signature } = jws
  const { iss, sub, event, to, iat } = payload
  if (!OPERATOR_ID.holds(iss)) return wrongClaim('iss', OPERATOR_ID)
  if (!DID.holds(sub)) return wrongClaim('sub', DID)
  if (!DIGEST.holds(event)) return wrongClaim('event', DIGEST)
  if (!DID.holds(to)) return wrongClaim('to', DID)
  if (!TIME.holds(iat)) return wrongClaim('iat', TIME)
  const unknown = Object.keys(payload).find((name) => !NAMES.has(name))
  if (unknown !== undefined) return refuse('malformed', `the release must not have the claim ${unknown.slice(0, 64)}`)
  const { kid, alg } = header
  return { ok: true, operatorId: iss, did: sub, event, to, iat, kid, alg, signingInput, signature }
}

/**
 * Checks that a release lets go exactly this agent by exactly this move. Returns undefined if it does.
 *
 * @example
 * ```ts
 * import { checkReleaseContent } from '@auth4agent/core/key-events/release'
 *
 * const refusal = checkReleaseContent(release, { operatorId, did, event: move.digest, to })
 * if (refusal !== undefined) throw new TypeError(refusal.demand)
 * ```
 */
export function checkReleaseContent(release: AgentRelease, content: ReleaseContent): KeyEventRefusal | undefined {
  const { operatorId, did, event, to } = content
  if (release.operatorId !== operatorId) return refuse('conflict', `the claim iss of the release must be ${operatorId}`)
  if (release.did !== did) return refuse('conflict', `the claim sub of the release must be ${did}`)
  if (release.event !== event)
    return refuse('conflict', `the claim event of the release must be ${event}, the digest of the move`)
  return release.to === to ? undefined : refuse('conflict', `the claim to of the release must be ${to}`)
}

/**
 * Checks that a key of the operator has signed a release: a root key, or a key with the role `agents.manage` that is
 * valid at a time. Returns undefined if one has.
 *
 * @param atS the time in Unix seconds: the server's clock when it receives the release, later the `iat` of the release
 * @example
 * ```ts
 * import { checkReleaseKey } from '@auth4agent/core/key-events/release'
 *
 * const refusal = checkReleaseKey(release, keys, release.iat)
 * if (refusal !== undefined) throw new TypeError(refusal.demand)
 * ```
 */
export function checkReleaseKey(
  release: AgentRelease,
  keys: readonly ReleasingKey[],
  atS: number,
): KeyEventRefusal | undefined {
  const key = keys.find(({ kid }) => kid === release.kid)
  if (key === undefined)
    return refuse('unknown-key', 'the kid of the release must be the thumbprint of an operator key')
  const { isRoot, roles, nbf, exp, webauthn } = key
  if (webauthn !== undefined) return refuse('signature', 'the key of the release must not be a passkey')
  if (!isRoot && !roles.includes(ROLE)) return refuse('signature', `the key of the release must have the role ${ROLE}`)
  if (!isRoot && (atS < nbf || atS >= exp))
    return refuse('signature', 'the key of the release must be valid at that time')
  const isSigned = readProofKey(release.alg, { ...key.jwk })?.verify(release.signingInput, release.signature) === true
  return isSigned ? undefined : refuse('signature', 'the release must be signed with the key that kid names')
}

function wrongClaim(name: string, { demand }: Form): KeyEventRefusal {
  return refuse('malformed', `the claim ${name} of the release ${demand}`)
}
