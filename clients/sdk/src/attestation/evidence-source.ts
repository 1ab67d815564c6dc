/** What a source gets for one evidence. */
export interface EvidenceRequest {
  /** The nonce of the server: base64url of 32 bytes. The evidence of quotes and of keys with certificates signs it. */
  readonly nonce: string
  /** The audience that a token must have, if its issuer lets the agent choose the audience. */
  readonly audience: string
  /** The challenge of the attestor's type. It is empty unless the source has `challengeInput`. */
  readonly challenge: Uint8Array
  /** The agent's raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array
  /** The RFC 7638 thumbprint of that key. */
  readonly thumbprint: string
  /** Signs with the agent's identity key (Ed25519); resolves with 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>
  readonly fetch: typeof globalThis.fetch
  /** Stops the work. */
  readonly signal: AbortSignal
}

/**
 * Gets evidence about an agent for one attestor of its operator. `@auth4agent/sdk/enrol` has the sources of
 * Kubernetes, of CI systems, clouds, SPIFFE, certificates, TPMs and join tokens.
 *
 * The agent calls a source again whenever it attests, so a source reads its token or file each time.
 *
 * @example
 *
 * ```ts
 * import type { EvidenceSource } from '@auth4agent/sdk'
 *
 * const vault: EvidenceSource = {
 *   attestor: 'vault',
 *   evidence: async ({ audience }) => new TextEncoder().encode(await identityTokenOf(audience)),
 * }
 * const agent = await createAgent({ server, operator, enrol: vault })
 * ```
 */
export interface EvidenceSource {
  /** The name of the attestor, as the operator has configured it. */
  readonly attestor: string
  /**
   * For a type with a challenge of its own, such as `tpm`: resolves with what the server needs for the challenge, at
   * most 16 KiB. Only one source of an agent can have it.
   */
  challengeInput?(signal: AbortSignal): Promise<Uint8Array>
  /** Resolves with the evidence in the form of the attestor's type: 1 byte to 32 KiB. */
  evidence(request: EvidenceRequest): Promise<Uint8Array>
}

/** One source, or several, all of which are used. */
export type EvidenceSources = EvidenceSource | readonly EvidenceSource[]

const MAX_SOURCES = 4
const ATTESTOR = /^[a-z][a-z0-9_]{0,62}$/

/** Returns the sources as a list. Throws TypeError for a list that no server accepts. */
export function listSources(given: EvidenceSources): readonly EvidenceSource[] {
  const sources = 'attestor' in given ? [given] : given
  const names = sources.map(({ attestor }) => attestor)
  const isFitting = names.length > 0 && names.length <= MAX_SOURCES && new Set(names).size === names.length
  if (!isFitting) throw new TypeError(`An agent has 1 to ${MAX_SOURCES} sources of evidence, for different attestors`)
  const wrong = names.find((name) => !ATTESTOR.test(name))
  if (wrong !== undefined)
    throw new TypeError(`attestor must be a letter of a-z, then a-z, 0-9 and _, not ${JSON.stringify(wrong)}`)
  if (sources.filter((source) => source.challengeInput !== undefined).length > 1)
    throw new TypeError('Only one source of evidence can need a challenge of its own')
  return sources
}
