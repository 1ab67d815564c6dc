import { encodeMultikey } from '../encoding/multibase.ts'

/** What an agent's DID document follows from. `publicKey` is raw, 32 bytes; absent when the agent has none. */
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
 * Builds the DID document (DID Core 1.0) of an agent, its key as a Multikey. The method's fragment is the key itself,
 * so that it never comes to name another key. Only an active agent may authenticate, so only there `authentication`
 * lists the method; a revoked agent's document holds no key at all.
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
