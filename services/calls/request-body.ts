import { createHash } from 'node:crypto'
import type { RequestBody } from '../ledger/principal.ts'

export type { RequestBody } from '../ledger/principal.ts'

/** Makes the body of a request. `read` returns its bytes, and is called only if something asks for them. */
export function requestBody(read: () => Uint8Array): RequestBody {
  let bytes: Uint8Array | undefined
  let digest: string | undefined
  const body: RequestBody = {
    bytes() {
      bytes ??= read()
      return bytes
    },
    digest() {
      digest ??= createHash('sha256').update(body.bytes()).digest('base64url')
      return digest
    },
  }
  return body
}

const NO_BYTES = new Uint8Array()

/** The body of a request without a body. */
export const EMPTY_BODY: RequestBody = requestBody(() => NO_BYTES)
