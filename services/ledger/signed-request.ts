import type { Actor, SignedCall } from './principal.ts'

/** The author of a change, as far as the request of the change is kept. */
interface RequestAuthor {
  readonly principal: Actor
}

/** A row of signed_requests. */
export interface SignedRequestRow {
  readonly id: string
  readonly rpc: string
  readonly signatures: string[]
  readonly body: Uint8Array<ArrayBuffer> | null
  readonly bodyDigest: string
}

/** The columns of an audit record that name the key of the author. They are empty for an author without a key. */
export function keyColumns({ principal }: RequestAuthor): { readonly kid: string; readonly keyLabel: string } {
  if (principal.kind !== 'operator' && principal.kind !== 'admin') return { kid: '', keyLabel: '' }
  return { kid: principal.key.kid, keyLabel: principal.key.label }
}

/** Returns the row that keeps the signed request of an author, or undefined if the author has signed none. */
export function signedRequestOf({ principal }: RequestAuthor, id: string): SignedRequestRow | undefined {
  if (principal.kind !== 'operator' && principal.kind !== 'admin') return undefined
  const { rpc, signatures, body, isBodySecret }: SignedCall = principal.signed
  return {
    id,
    rpc,
    signatures: [...signatures],
    body: body === undefined || isBodySecret ? null : Uint8Array.from(body.bytes()),
    bodyDigest: body?.digest() ?? '',
  }
}
