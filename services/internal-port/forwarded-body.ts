import type { Metadata } from '@grpc/grpc-js'
import { type RequestBody, requestBody } from '../calls/request-body.ts'
import type { Meta } from '../calls/rpc.ts'
import { ApiError } from '../platform/errors/api-error.ts'

/**
 * The metadata keys of the body of a forwarded call. The body is needed beside the message, because the gateway has
 * encoded the message again. A body is in the metadata, which processes of older versions ignore. One that is too long
 * for metadata precedes the message, and then the metadata contains its length.
 */
const KEYS = { body: 'auth4agent-body-bin', length: 'auth4agent-body-length' } as const
/**
 * The longest body in metadata, in bytes. Node accepts metadata of 64 KiB. All headers of a request together may need
 * 44 KiB of it: HTTP allows them 16 KiB, which JSON may double and base64 extends by a third.
 */
const MAX_METADATA_BODY_BYTES = 8 * 1024
/**
 * A byte before a body that precedes the message. No message begins with it, so a process of an older version refuses
 * the call. Without the byte it could take a body in protobuf for a part of the message.
 */
const MARK = Uint8Array.of(0)
const LENGTH = /^\d{1,7}$/
const NO_BYTES = new Uint8Array()

/**
 * Writes the body to the metadata of a forwarded call. Returns the bytes that precede the message. Writes nothing for
 * a request without signatures, because the pipeline of the other process then needs no body.
 */
export function writeBody(metadata: Metadata, { authorization, signable, body }: Meta): Uint8Array {
  const isSigned = authorization !== undefined || signable !== undefined
  if (!isSigned || body === undefined) return NO_BYTES
  const bytes = body.bytes()
  if (bytes.length <= MAX_METADATA_BODY_BYTES) {
    metadata.set(KEYS.body, Buffer.from(bytes))
    return NO_BYTES
  }
  metadata.set(KEYS.length, String(bytes.length))
  return Buffer.concat([MARK, bytes])
}

/**
 * Splits the bytes of a forwarded call into the body and the message. The body is undefined if the gateway has not
 * sent it. Throws INTERNAL for a length that cannot be right.
 */
export function readBody(
  metadata: Metadata,
  sent: Buffer,
): { readonly body: RequestBody | undefined; readonly message: Buffer } {
  const [length] = metadata.get(KEYS.length)
  if (length !== undefined) {
    const size = LENGTH.test(String(length)) ? Number(length) : Number.POSITIVE_INFINITY
    if (size + MARK.length > sent.length) {
      throw new ApiError('INTERNAL', undefined, { cause: 'The metadata of a forwarded call has a wrong length' })
    }
    const end = MARK.length + size
    return { body: requestBody(() => sent.subarray(MARK.length, end)), message: sent.subarray(end) }
  }
  const [bytes] = metadata.get(KEYS.body)
  return { body: typeof bytes === 'object' ? requestBody(() => bytes) : undefined, message: sent }
}
