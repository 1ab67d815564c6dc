import { decodeBase64, encodeBase64 } from '@auth4agent/core/encoding/base64'
import { attestationMessage } from '@auth4agent/core/identity/attestation'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { readAnswer } from '../answers.ts'
import { Auth4AgentError, clientError } from '../errors.ts'
import type { Server } from '../server.ts'
import type { AgentSigner, Signer } from '../signer.ts'
import type { EvidenceRequest, EvidenceSource } from './evidence-source.ts'

/** Who attests, with which evidence, and for which call. */
export interface Gathering {
  readonly server: Server
  /** The operator of the agent. */
  readonly operator: string
  readonly signer: Signer
  readonly sources: readonly EvidenceSource[]
  readonly purpose: 'enrol' | 'attest'
  readonly fetch: typeof globalThis.fetch
  readonly signal: AbortSignal
}

/** The message Attestation, by the names of the wire. */
interface SentAttestation {
  readonly nonce: string
  readonly evidence: readonly { readonly attestor: string; readonly evidence: string; readonly signature: string }[]
}

const NONCE_PATH = '/v1/attest/nonce'
const NONCE = /^[A-Za-z0-9_-]{43}$/
const MAX_EVIDENCE_BYTES = 32_768
const MAX_INPUT_BYTES = 16_384
const nonceAnswer = { nonce: 'text', audience: 'text', challenge: 'text?' } as const

/**
 * Gets a nonce, gathers the evidence of all sources, and signs each evidence with the agent's key.
 *
 * Rejects with Auth4AgentError: EVIDENCE_UNAVAILABLE if a source fails, and CHALLENGE_REFUSED if the server names an
 * audience of another server or key. With a token for that audience, another server could take the agent's place.
 */
export async function gatherEvidence(gathering: Gathering): Promise<SentAttestation> {
  const { server, signer, sources, signal } = gathering
  // The audience contains the issuer, so an unexpected issuer gets its own, clearer error first.
  await server.discover(signal)
  const thumbprint = signerKid(signer)
  const { nonce, audience, challenge } = await requestNonce(gathering, thumbprint)
  const sign = (message: Uint8Array) => signer.sign(message)
  const { fetch } = gathering
  const request = { nonce, audience, publicKey: signer.publicKey, thumbprint, sign, fetch, signal }
  const evidence = await Promise.all(
    sources.map(async (source) => {
      const ownChallenge = source.challengeInput === undefined ? new Uint8Array() : challenge
      const bytes = await read(source, { ...request, challenge: ownChallenge })
      const signature = await sign(attestationMessage(bytes, nonce))
      return { attestor: source.attestor, evidence: encodeBase64(bytes), signature: encodeBase64(signature) }
    }),
  )
  signal.throwIfAborted()
  return { nonce, evidence }
}

/** Returns the identity key of an agent. Throws WRONG_KEY for a P-256 key, which is never an identity key. */
export function identityKey(signer: AgentSigner): Signer {
  if (signer.alg !== 'ES256') return signer
  throw clientError('WRONG_KEY', 'Only the identity key of an agent can attest, and it is an Ed25519 key')
}

async function requestNonce({ server, operator, signer, sources, purpose, signal }: Gathering, thumbprint: string) {
  const challenged = sources.find((source) => source.challengeInput !== undefined)
  const input = await attempt(challenged, (source) => source.challengeInput?.(signal))
  if (input !== undefined && input.length > MAX_INPUT_BYTES)
    throw unavailable(challenged, `its input of ${input.length} bytes is longer than ${MAX_INPUT_BYTES}`)
  const body = {
    agent_public_key: encodeBase64(signer.publicKey),
    purpose,
    operator_id: operator,
    ...(challenged !== undefined &&
      input !== undefined && { attestor: challenged.attestor, challenge_input: encodeBase64(input) }),
  }
  const answer = await server.transport({ method: 'POST', path: NONCE_PATH, body, signal })
  const { nonce, audience, challenge } = readAnswer(nonceAnswer, answer)
  if (!NONCE.test(nonce)) throw clientError('CHALLENGE_REFUSED', 'The nonce is not base64url of 32 bytes')
  if (audience !== `${server.issuer}/attest/${thumbprint}`)
    throw clientError('CHALLENGE_REFUSED', `The nonce is for the audience ${JSON.stringify(audience)}`)
  const bytes = decodeBase64(challenge ?? '')
  if (bytes === undefined) throw clientError('CHALLENGE_REFUSED', 'The challenge is not base64')
  return { nonce, audience, challenge: bytes }
}

async function read(source: EvidenceSource, request: EvidenceRequest): Promise<Uint8Array> {
  const bytes = await attempt(source, () => source.evidence(request))
  if (bytes === undefined || bytes.length === 0) throw unavailable(source, 'it is empty')
  if (bytes.length > MAX_EVIDENCE_BYTES)
    throw unavailable(source, `its ${bytes.length} bytes are more than ${MAX_EVIDENCE_BYTES}`)
  return bytes
}

/** Runs a part of a source. Its errors become those of the SDK, unless they are already. */
async function attempt<T>(
  source: EvidenceSource | undefined,
  work: (source: EvidenceSource) => Promise<T> | undefined,
): Promise<T | undefined> {
  if (source === undefined) return undefined
  try {
    return await work(source)
  } catch (error) {
    if (error instanceof Auth4AgentError) throw error
    throw unavailable(source, error instanceof Error ? error.message : String(error), error)
  }
}

function unavailable(source: EvidenceSource | undefined, why: string, cause?: unknown): Auth4AgentError {
  return clientError('EVIDENCE_UNAVAILABLE', `There is no evidence for ${source?.attestor ?? ''}: ${why}`, { cause })
}
