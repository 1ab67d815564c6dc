import type { Agent, Dispatcher } from 'undici'
import { OutboundError } from './outbound-error.ts'
import { checkType, readBody } from './read-answer.ts'
import { type Content, discard, type OutboundHeaders, sendUnchecked } from './send.ts'
import type { TimeLimit } from './time-limit.ts'

/** A text that is posted to another server. */
export interface Delivery {
  readonly content: Content
  /**
   * For whom the text is posted. Deliveries for others have a budget and a circuit of their own, also at the same
   * host, because many receivers may be there.
   */
  readonly party: string
  /**
   * The statuses that are an answer. `ignore`: the status says everything, so a bad body does not matter. `read`: the
   * body must have a type of `accept` and at most `maxBytes`. Every other status fails with STATUS.
   */
  readonly statuses: Readonly<Record<number, 'ignore' | 'read'>>
  /** The media types of bodies that are read, in lower case and without parameters. */
  readonly accept: readonly string[]
  /** The longest body, in bytes. */
  readonly maxBytes: number
  /** Time for everything from DNS to the end of the body, in milliseconds. */
  readonly timeoutMs?: number
  readonly headers?: OutboundHeaders | undefined
}

/** How long a body is read that is ignored, in milliseconds. */
const SKIP_MS = 200

/** The answer to a delivery. */
export interface Delivered {
  readonly status: number
  /** Undefined for a status whose body is ignored. */
  readonly body: Uint8Array | undefined
}

/** Posts a text and reads the answer. Throws OutboundError, or the error of undici. */
export async function deliver(agent: Agent, target: URL, delivery: Delivery, limit: TimeLimit): Promise<Delivered> {
  const { content, statuses, accept, maxBytes, headers } = delivery
  const { origin } = target
  const response = await sendUnchecked(agent, { target, accept, headers, content }, limit)
  const { statusCode: status } = response
  try {
    if (!Object.hasOwn(statuses, status))
      throw new OutboundError('STATUS', `${origin} answered with status ${status}, which is no answer`, status)
    if (statuses[status] === 'read') checkType(response.headers, accept, origin)
    if (statuses[status] === 'read') return { status, body: await readBody(response.body, maxBytes, origin) }
    await skipBody(response, maxBytes, origin)
    return { status, body: undefined }
  } catch (error) {
    discard(response)
    throw error
  }
}

/**
 * Reads a body that says nothing, so that the connection can be used again, but lets no slow server hold its place.
 */
async function skipBody(response: Dispatcher.ResponseData, maxBytes: number, origin: string): Promise<void> {
  const timer = setTimeout(() => discard(response), SKIP_MS)
  // The other server has accepted the text, whatever becomes of its connection.
  await readBody(response.body, maxBytes, origin).catch(() => undefined)
  clearTimeout(timer)
}
