import { readProofKey } from '@auth4agent/core/dpop/proof-key'
import { parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import type { ChallengeContent } from '@auth4agent/core/identity/challenge'
import { ED25519_ALGORITHMS } from '@auth4agent/core/jose/jws'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { importPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import type { Attestation } from '../../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Subject } from './subject.ts'

/** The terms that a signature covers. A term is undefined when the signed text does not contain it. */
export interface CoveredTerms
  extends Pick<ChallengeContent, 'scope' | 'aud' | 'ttl' | 'may_act' | 'details' | 'depth'> {
  /** SHA-256 of the subject token of an exchange, base64url. Only client assertions contain it. */
  readonly subject_token?: string
}

/**
 * How an agent proves itself: by a signature over a text that can be used once. The text is a challenge or a client
 * assertion.
 */
export interface AgentProof {
  readonly did: string
  readonly message: Uint8Array
  readonly signature: Uint8Array
  /** Thumbprint of the key that has signed; empty if the text names none. */
  readonly kid: string
  /** The algorithm that the text names. Undefined if it names none: then the key decides. */
  readonly alg: string | undefined
  readonly covered: CoveredTerms
  /** Whether the signature covers every term that a token request of this kind can have. */
  readonly isFullyBound: boolean
  /** Makes the text single-use: a UUID that no other text has. */
  readonly id: string
  /** When the text expires by the database's clock, in Unix seconds. A clock skew is already added. */
  readonly exp: number
  /** Id of the challenge key that sealed the text; empty for a text that the server did not make. */
  readonly challengeKeyId: string
  /** Makes the error of each fault, in the words of this kind of text. */
  readonly refusals: Readonly<Record<ProofFault, () => ApiError>>
  /** Makes the error for a key that cannot have signed. `demand` says what would be right. */
  readonly wrongKey: (demand: string) => ApiError
}

/**
 * What may be wrong with a text that the agent has signed: it was used before; it has expired; its challenge key was
 * deleted; its signature does not cover the terms although it must.
 */
type ProofFault = 'used' | 'expired' | 'void' | 'unbound'

/** What an agent presents: its proof, and evidence for requirements that need a fresh result. */
export interface Presented {
  readonly proof: AgentProof
  readonly evidence?: Attestation | undefined
}

/** The key with which an agent has proved itself. */
export interface ProvenKey {
  /** Thumbprint of an added key; empty for the identity key. */
  readonly addedKid: string
  /** When an added key expires, in Unix seconds; the identity key never expires. */
  readonly exp: number
}

/** The identity key of an agent. */
export const IDENTITY_KEY: ProvenKey = { addedKid: '', exp: Number.POSITIVE_INFINITY }
/** The algorithms with which keys sign, by the type of the key. The first one is for texts that name none. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = { OKP: ED25519_ALGORITHMS, EC: ['ES256'] }

/** The keys of an agent. */
type AgentKeys = Pick<Subject['agent'], 'publicKey' | 'addedKeys'>

/**
 * Decides which key of the agent has signed: the key that `kid` names, or without a `kid` the identity key. It must be
 * a key that the agent has now.
 *
 * @param nowS Unix seconds
 * @throws ApiError INVALID_SIGNATURE, or the error of the kind of text
 */
export function proveKey({ agent }: { readonly agent: AgentKeys }, proof: AgentProof, nowS: number): ProvenKey {
  const { kid, alg, message, signature } = proof
  if (kid === '' || kid === thumbprintOf(agent)) {
    if (alg !== undefined && !ED25519_ALGORITHMS.includes(alg)) {
      throw proof.wrongKey(`alg must be ${ED25519_ALGORITHMS.join(' or ')}, unless kid names an added key of P-256`)
    }
    if (isByIdentityKey(agent, proof)) return IDENTITY_KEY
    throw new ApiError(
      'INVALID_SIGNATURE',
      "The signature must be valid under the agent's identity key, because kid names no other key",
    )
  }
  const added = agent.addedKeys.find((key) => key.kid === kid && key.exp > nowS)
  const jwk = added && parseStrictJsonText(added.jwk)
  if (added === undefined || jwk?.ok !== true) {
    throw proof.wrongKey('kid must be the thumbprint of a key that the agent has now and that has not expired')
  }
  const algs = ALGORITHMS[String(jwk.value.kty)] ?? []
  if (alg !== undefined && !algs.includes(alg)) {
    throw proof.wrongKey(`alg must be ${algs.join(' or ')} for the key that kid names`)
  }
  const isSigned = readProofKey(algs[0] ?? '', jwk.value)?.verify(message, signature) === true
  if (!isSigned) throw new ApiError('INVALID_SIGNATURE', 'The signature must be valid under the key that kid names')
  return { addedKid: kid, exp: Number(added.exp) }
}

function isByIdentityKey({ publicKey }: AgentKeys, { message, signature }: AgentProof): boolean {
  const key = importPublicKey(publicKey)
  return key !== undefined && verify(key, message, signature)
}

/** Returns the thumbprint of the identity key; undefined for an agent that has none. */
function thumbprintOf({ publicKey }: AgentKeys): string | undefined {
  return publicKey.length === 0 ? undefined : thumbprint(publicKey)
}

/**
 * Checks that agent and operator are active.
 *
 * @throws ApiError AGENT_NOT_ACTIVE, AGENT_OPERATOR_NOT_ACTIVE
 */
export function checkStatuses({ agent, operator }: Subject): void {
  if (agent.movedTo !== '') throw new ApiError('AGENT_NOT_ACTIVE', `The agent has moved to ${agent.movedTo}`)
  if (agent.status !== 'active') throw new ApiError('AGENT_NOT_ACTIVE')
  if (operator.status !== 'active') throw new ApiError('AGENT_OPERATOR_NOT_ACTIVE')
}
