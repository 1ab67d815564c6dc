import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import type { Delivered } from '../../platform/outbound/deliver.ts'
import type { Outbound } from '../../platform/outbound/outbound.ts'
import { OutboundError } from '../../platform/outbound/outbound-error.ts'

/**
 * How a delivery has ended. `refused`: the receiver will not take this event, however often it is sent. `failed`: it
 * may take it later. `held`: this server did not ask the receiver.
 */
export type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly err: string }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'held'; readonly delayMs: number }

/** Where events are pushed. */
export interface Endpoint {
  readonly url: string
  /** The operator of the stream. */
  readonly operatorId: string
  readonly authorization: string | undefined
}

/** Time for one delivery, in milliseconds. A receiver must store an event before it answers, and process it later. */
const DELIVERY_MS = 5_000
const MAX_REFUSAL_BYTES = 4_096
const BUSY_MS = 1_000
const CIRCUIT_MS = 5_000
const BAD_REQUEST = 400
/** RFC 8935 registers short names. They are shown to people, so nothing else is taken. */
const ERROR_CODE = /^[A-Za-z0-9_.-]{1,64}$/

/** Pushes a token to its receiver (RFC 8935 section 2). Never throws for what the receiver does. */
export async function pushSet(outbound: Pick<Outbound, 'deliver'>, endpoint: Endpoint, set: string): Promise<Outcome> {
  const { url, operatorId, authorization } = endpoint
  try {
    const answer = await outbound.deliver(url, {
      content: { type: 'application/secevent+jwt', text: set },
      // The RFC knows 202. Many receivers answer with another status that means the same.
      statuses: { 200: 'ignore', 202: 'ignore', 204: 'ignore', 400: 'read' },
      party: `${operatorId} `,
      accept: ['application/json'],
      maxBytes: MAX_REFUSAL_BYTES,
      timeoutMs: DELIVERY_MS,
      ...(authorization !== undefined && { headers: { authorization } }),
    })
    return outcomeOf(answer)
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    return ofError(error)
  }
}

function outcomeOf({ status, body }: Delivered): Outcome {
  if (status !== BAD_REQUEST) return { kind: 'delivered' }
  const parsed = parseStrictJson(body ?? new Uint8Array())
  const err = parsed.ok ? parsed.value['err'] : undefined
  // Anything else may come from a proxy before the receiver.
  return typeof err === 'string' && ERROR_CODE.test(err) ? { kind: 'refused', err } : { kind: 'failed', why: 'STATUS' }
}

function ofError({ why }: OutboundError): Outcome {
  if (why === 'BUSY') return { kind: 'held', delayMs: BUSY_MS }
  if (why === 'CIRCUIT_OPEN') return { kind: 'held', delayMs: CIRCUIT_MS }
  return why === 'CLOSED' ? { kind: 'held', delayMs: 0 } : { kind: 'failed', why }
}
