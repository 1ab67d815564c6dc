import { encodeMultikey } from '../encoding/multibase.ts'

/** The agent that a DID document describes. `publicKey` is raw, 32 bytes, or undefined if the agent has none. */
export interface DidSubject {
  readonly did: string
  readonly status: 'pending' | 'active' | 'suspended' | 'revoked'
  readonly publicKey: Uint8Array | undefined
}

/** A DID document as JSON. */
export type DidDocument = {
  '@context': string[]
  id: string
  verificationMethod: { id: string; type: 'Multikey'; controller: string; publicKeyMultibase: string }[]
  authentication: string[]
}

const CONTEXT = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1']

/**
 * Builds an agent's DID document (DID Core 1.0) with the key as a Multikey. The fragment of the method's id is the key
 * itself, so the id can never name another key. Only an active agent's document lists the method under
 * `authentication`. A revoked agent's document contains no key.
 *
 * @example
 * ```ts
 * import { buildDidDocument } from '@auth4agent/core/identity/did-document'
 *
 * const document = buildDidDocument({ did, status: 'active', publicKey })
 * ```
 */
export function buildDidDocument({ did, status, publicKey }: DidSubject): DidDocument {
  const base = { '@context': [...CONTEXT], id: did }
  if (publicKey === undefined || status === 'revoked') return { ...base, verificationMethod: [], authentication: [] }
  const publicKeyMultibase = encodeMultikey(publicKey)
  const id = `${did}#${publicKeyMultibase}`
  return {
    ...base,
    verificationMethod: [{ id, type: 'Multikey', controller: did, publicKeyMultibase }],
    authentication: status === 'active' ? [id] : [],
  }
}
