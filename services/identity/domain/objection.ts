import { readProofKey } from '@auth4agent/core/dpop/proof-key'
import { ED25519_ALGORITHMS, type JwsRules, parseCompactJws } from '@auth4agent/core/jose/jws'
import { jwsDemand } from '@auth4agent/core/jose/jws-demand'
import { type Ed25519Jwk, jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { DID, DIGEST, TIME } from '@auth4agent/core/key-events/claim-forms'
import { KEY_OBJECTION_TYPE } from '@auth4agent/core/key-events/jws-types'
import { type KeyEventRefusal, refuse } from '@auth4agent/core/key-events/refusal'

const NAMES = ['did', 'event', 'iat']
const RULES: JwsRules = { maxBytes: 4096, algs: ED25519_ALGORITHMS, typs: [KEY_OBJECTION_TYPE] }

/** What an objection says: the agent, the digest of the recovery that it ends, and when it was signed. */
interface ObjectionContent {
  readonly did: string
  /** SHA-256 of the recovery, base64url. */
  readonly event: string
  /** Unix seconds. */
  readonly iat: number
}

/** A well-formed objection. */
export interface Objection extends ObjectionContent {
  readonly ok: true
  /** Checks that this key has signed. Returns undefined if it has. */
  checkSignature(key: Ed25519Jwk): KeyEventRefusal | undefined
}

/**
 * Parses an objection to a recovery. It must have exactly the claims `did`, `event` and `iat`. Its signature is not
 * checked yet.
 *
 * @example
 * ```ts
 * import { parseObjection } from './objection.ts'
 *
 * const objection = parseObjection(text)
 * if (!objection.ok) throw new TypeError(objection.demand)
 * const refusal = objection.checkSignature(state.key)
 * ```
 */
export function parseObjection(text: string): Objection | KeyEventRefusal {
  const jws = parseCompactJws(text, RULES)
  if (!jws.ok) return refuse('malformed', `the ${jws.part} of the objection ${jwsDemand(jws, RULES)}`)
  const { did, event, iat } = jws.payload
  if (Object.keys(jws.payload).length !== NAMES.length)
    return refuse('malformed', `the objection must have exactly the claims ${NAMES.join(', ')}`)
  if (!DID.holds(did)) return refuse('malformed', `did ${DID.demand}`)
  if (!DIGEST.holds(event)) return refuse('malformed', `event ${DIGEST.demand}`)
  if (!TIME.holds(iat)) return refuse('malformed', `iat ${TIME.demand}`)
  const { header, signingInput, signature } = jws
  return {
    ok: true,
    did,
    event,
    iat,
    checkSignature(key) {
      const kid = jwkThumbprint(key)
      if (header.kid !== kid) return refuse('signature', `kid must be ${kid}, the thumbprint of the identity key`)
      const isSigned = readProofKey(header.alg, { ...key })?.verify(signingInput, signature) === true
      return isSigned ? undefined : refuse('signature', 'the objection must be signed with the identity key')
    },
  }
}
