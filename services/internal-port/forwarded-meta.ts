import { Metadata } from '@grpc/grpc-js'
import type { SentProof } from '../calls/call.ts'
import { requestId } from '../calls/request-id.ts'
import type { SignableRequest } from '../calls/request-signature/signable-request.ts'
import type { Meta } from '../calls/rpc.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Cause, TraceCarrier } from '../platform/trace/span.ts'

/**
 * The metadata keys of forwarded calls. Most values are bytes, because a path or a header may contain characters that
 * gRPC text does not allow.
 */
const KEYS = {
  requestId: 'x-request-id',
  traceparent: 'traceparent',
  isTraceClaimed: 'auth4agent-trace-claimed',
  source: 'auth4agent-source-bin',
  rpc: 'auth4agent-rpc-bin',
  authorization: 'auth4agent-authorization-bin',
  dpop: 'auth4agent-dpop-bin',
  signable: 'auth4agent-signable-bin',
  approvals: 'auth4agent-approvals-bin',
  isPage: 'auth4agent-page',
} as const

/** Makes the metadata of a call between services. */
export function callMetadata({ requestId }: Cause): Metadata {
  const metadata = new Metadata()
  metadata.set(KEYS.requestId, requestId)
  return metadata
}

/** Adds the trace of a call. */
export function writeTrace(metadata: Metadata, { traceparent, isClaimed }: TraceCarrier): void {
  metadata.set(KEYS.traceparent, traceparent)
  if (isClaimed) metadata.set(KEYS.isTraceClaimed, 'true')
}

/** Reads the trace of a call. Its caller is a process of the deployment, so its decisions count. */
export function readTrace(metadata: Metadata): TraceCarrier {
  const traceparent = textOf(metadata, KEYS.traceparent) ?? ''
  return { traceparent, isClaimed: textOf(metadata, KEYS.isTraceClaimed) === 'true' }
}

/**
 * Writes the metadata of a forwarded call. It does not contain the deadline, which is sent as the gRPC deadline, and
 * the body, which `writeBody` adds.
 */
export function writeMeta(meta: Meta): Metadata {
  const metadata = callMetadata(meta)
  metadata.set(KEYS.source, Buffer.from(meta.source))
  metadata.set(KEYS.rpc, Buffer.from(meta.rpc))
  if (meta.authorization !== undefined) metadata.set(KEYS.authorization, Buffer.from(meta.authorization))
  if (meta.approvals !== undefined) metadata.set(KEYS.approvals, Buffer.from(meta.approvals))
  if (meta.isPage === true) metadata.set(KEYS.isPage, 'true')
  if (meta.dpop !== undefined) metadata.set(KEYS.dpop, Buffer.from(JSON.stringify(meta.dpop)))
  if (meta.signable !== undefined) metadata.set(KEYS.signable, Buffer.from(JSON.stringify(meta.signable)))
  return metadata
}

/**
 * Reads the metadata of a forwarded call, without the body. Only the internal listener trusts it. Throws INTERNAL if
 * it is missing.
 */
export function readMeta(metadata: Metadata): Omit<Meta, 'body' | 'requestId' | 'span'> {
  const source = textOf(metadata, KEYS.source)
  const rpc = textOf(metadata, KEYS.rpc)
  if (source === undefined || rpc === undefined) {
    throw new ApiError('INTERNAL', undefined, { cause: 'The metadata of a forwarded call lacks source or rpc' })
  }
  const dpop = textOf(metadata, KEYS.dpop)
  const signable = textOf(metadata, KEYS.signable)
  const approvals = textOf(metadata, KEYS.approvals)
  return {
    source,
    rpc,
    authorization: textOf(metadata, KEYS.authorization),
    ...(approvals !== undefined && { approvals }),
    ...(textOf(metadata, KEYS.isPage) === 'true' && { isPage: true }),
    ...(dpop !== undefined && { dpop: JSON.parse(dpop) as SentProof }),
    ...(signable !== undefined && { signable: JSON.parse(signable) as SignableRequest }),
  }
}

/** Returns the id of the request that a call belongs to. */
export function readRequestId(metadata: Metadata): string {
  return requestId(textOf(metadata, KEYS.requestId))
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const [first] = metadata.get(key)
  return first?.toString()
}
