import { createHash } from 'node:crypto'

/** The body of a request, which signatures of the caller may cover. */
export interface RequestBody {
  /**
   * Returns the body as sent over REST, or the bytes of the message over gRPC and Connect, without compression. May be
   * called only after the request was read.
   */
  bytes(): Uint8Array
  /** Returns the SHA-256 of the bytes, base64url without padding. Computes it at the first call. */
  digest(): string
}

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
