import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { PollEventsRequest } from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** A request of RFC 8936, checked. */
export interface Poll {
  readonly maxEvents: number
  readonly returnsImmediately: boolean
  /** The jti of the tokens that the receiver has stored, or could not use. */
  readonly handled: ReadonlySet<string>
  /** What was wrong with the tokens that the receiver could not use, by their jti. */
  readonly errors: ReadonlyMap<string, string>
}

/** The largest number of tokens in an answer. */
export const MAX_EVENTS = 100
const MAX_JTIS = 1_000
const JTI = /^[\x21-\x7e]{1,128}$/
/** The form of error codes (RFC 8936 section 2.6). */
const ERR = /^[\w.-]{1,64}$/
const MAX_DESCRIPTION = 1_024

/** Checks a request of RFC 8936. Throws ApiError INVALID_ARGUMENT. */
export function readPoll({ maxEvents = MAX_EVENTS, returnImmediately, ack, setErrs = {} }: PollEventsRequest): Poll {
  if (maxEvents < 0 || maxEvents > MAX_EVENTS)
    throw new ApiError('INVALID_ARGUMENT', `max_events must be between 0 and ${MAX_EVENTS}`)
  const errors = new Map(Object.entries(setErrs).map(([jti, error]) => [jti, readError(error)]))
  const jtis = [...ack, ...errors.keys()]
  if (jtis.length > MAX_JTIS || !jtis.every((jti) => JTI.test(jti))) {
    const form = 'of 1 to 128 visible ASCII characters'
    throw new ApiError('INVALID_ARGUMENT', `ack must have at most ${MAX_JTIS} jti ${form}, together with set_errs`)
  }
  return { maxEvents, returnsImmediately: returnImmediately, handled: new Set(jtis), errors }
}

function readError(error: unknown): string {
  const { err, description = '' } = isJsonObject(error) ? error : {}
  const isValid = typeof err === 'string' && ERR.test(err) && typeof description === 'string'
  if (isValid && description.length <= MAX_DESCRIPTION) return err
  throw new ApiError(
    'INVALID_ARGUMENT',
    `set_errs must have objects with the code err and a description of at most ${MAX_DESCRIPTION} characters`,
  )
}
