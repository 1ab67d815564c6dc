import type { KeyEventType } from '@auth4agent/core/key-events/event-claims'
import { type KeyEvent, parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { ApiError } from '../../platform/errors/api-error.ts'
import { refusalError } from './refuse-key-event.ts'

/** Seconds by which the time in a signed event or statement may differ from the server's time. */
export const MAX_AGE_S = 300

/** The server's clock, and the clock skew that it allows, in seconds. */
export interface SigningClock {
  readonly nowS: number
  readonly skewS: number
}

/**
 * Parses a key event that somebody has sent. Its place in the log, its signature and its time are not checked yet: the
 * server accepts a repeated event at any time.
 *
 * @param types the types that the call accepts
 * @throws ApiError INVALID_KEY_EVENT
 */
export function parseSentEvent(text: string, types: readonly KeyEventType[]): KeyEvent {
  const event = parseKeyEvent(text)
  if (!event.ok) throw refusalError(event)
  requireType(event, types)
  const { claims } = event
  // No server has another issuer, so the move would lead nowhere. Logs from before may have one.
  if (claims.type === 'move' && parseNormalUrl(claims.issuer) === undefined)
    throw refusalError({ ok: false, why: 'malformed', demand: 'issuer must be a URL in its normal form' })
  return event
}

/**
 * Throws unless an event has one of the types that a call accepts.
 *
 * @throws ApiError INVALID_KEY_EVENT
 */
export function requireType({ claims: { type } }: KeyEvent, types: readonly KeyEventType[]): void {
  if (types.includes(type)) return
  throw new ApiError('INVALID_KEY_EVENT', ELSEWHERE[type] ?? `In the key event, type must be ${types.join(' or ')}`)
}

/** Where events go that not every call accepts. */
const ELSEWHERE: Partial<Readonly<Record<KeyEventType, string>>> = {
  inception: 'An inception must be sent with the registration of the agent',
  recover: 'A recovery must be sent by the operator of the agent to RecoverAgent',
}

/**
 * Checks when an event or a statement was signed.
 *
 * @param iat Unix seconds
 * @returns what would be right; undefined if the time is right
 */
export function timeDemand(iat: number, { nowS, skewS }: SigningClock): string | undefined {
  return Math.abs(nowS - iat) <= MAX_AGE_S + skewS
    ? undefined
    : `iat must be within ${MAX_AGE_S} seconds of the server's time, which is ${nowS}`
}

/**
 * Checks when an event was signed.
 *
 * @throws ApiError INVALID_KEY_EVENT
 */
export function checkTime({ claims }: KeyEvent, clock: SigningClock): void {
  const demand = timeDemand(claims.iat, clock)
  if (demand !== undefined) throw refusalError({ ok: false, why: 'malformed', demand })
}
