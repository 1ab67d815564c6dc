import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import type { KeyState } from '@auth4agent/core/key-events/key-state'
import type { LogEnd } from '@auth4agent/core/key-events/sign-key-event'
import { logVerifier } from '#verify-log'
import { readAnswer, readAnswers } from '../answers.ts'
import { clientError } from '../errors.ts'
import type { Transport } from '../transport.ts'
import * as answers from './key-answers.ts'
import type { SeenEnd } from './log-verifier.ts'

/** The log of an agent's key events, and what it says. */
export interface KeyLog {
  readonly did: string
  /** The events, oldest first. */
  readonly events: readonly answers.KeyEventRecord[]
  /** The recovery and the move that wait. They are not in the log yet. */
  readonly pending: readonly answers.PendingKeyEvent[]
  /** RFC 7638 thumbprint of the identity key. */
  readonly kid: string
  /** Thumbprint of the key to which the agent committed; undefined without a commitment. */
  readonly next: string | undefined
  /** When the identity key was established: by the inception, a rotation or a recovery. In Unix seconds. */
  readonly keySinceS: number
  /**
   * The state after the last event. The SDK has verified every signature of the log. Undefined on platforms without
   * node:crypto, such as browsers, where nothing was verified.
   */
  readonly state: KeyState | undefined
}

const PAGE_SIZE = 500
/** The most pages that the SDK reads. A log has at most 2,000 events and one that ends it. */
const MAX_PAGES = 10
/** Types of events that establish an identity key. */
const ESTABLISHING = new Set(['inception', 'rotate', 'recover'])

/** What to read, and what is known about it. */
interface Wanted {
  readonly did: string
  /** The end of the log as the caller saw it before. A log that does not continue it is refused. */
  readonly seen?: SeenEnd | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads the log of an agent and verifies it. Rejects with UNEXPECTED_ANSWER if the log cannot be verified, and with
 * the server's errors.
 */
export async function readKeyLog(send: Transport, { did, seen, signal }: Wanted): Promise<KeyLog> {
  const events: answers.KeyEventRecord[] = []
  let token = ''
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const query = new URLSearchParams({ page_size: String(PAGE_SIZE), ...(token !== '' && { page_token: token }) })
    const path = `/v1/agent/${did}/events?${query.toString()}`
    const page = readAnswer(answers.keyEventPage, await send({ method: 'GET', path, signal }))
    events.push(...readAnswers(answers.keyEvent, page.events))
    token = page.next_page_token ?? ''
    if (token === '') return openLog({ did, seen }, events, readAnswers(answers.pendingKeyEvent, page.pending ?? []))
  }
  throw unexpected('The log of key events has too many pages')
}

function openLog(
  { did, seen }: Wanted,
  events: readonly answers.KeyEventRecord[],
  pending: readonly answers.PendingKeyEvent[],
): KeyLog {
  const replayed = logVerifier?.replay(
    events.map(({ event }) => event),
    did,
    seen,
  )
  if (replayed?.ok === false) throw unexpected(`Event ${replayed.at} of the log is wrong: ${replayed.demand}`)
  const established = events.map(({ event }) => claimsOf(event)).findLast(({ type }) => ESTABLISHING.has(type))
  const key = readPublicJwk(established?.key)
  if (established === undefined || key === undefined) throw unexpected('The log of key events has no identity key')
  const { next, iat: keySinceS } = established
  return { did, events, pending, kid: jwkThumbprint(key), next, keySinceS, state: replayed?.state }
}

/** Returns the end of a log, after which the next event comes. */
export function endOf({ did, events, state }: KeyLog): LogEnd {
  const last = events.at(-1)
  if (last === undefined) throw unexpected('The log of key events must not be empty')
  return state ?? { did, seq: last.seq, head: sha256Text(last.event, 'base64url'), iat: claimsOf(last.event).iat }
}

/** The claims of an event that the SDK reads itself. */
interface ReadClaims {
  readonly type: string
  readonly iat: number
  readonly key: unknown
  readonly next: string | undefined
  /** The new DID of a move. */
  readonly to: string | undefined
}

/** Reads claims of an event. On platforms with node:crypto the event has been verified before. */
export function claimsOf(event: string): ReadClaims {
  const { type, iat, key, next, to } = payloadOf(event)
  if (typeof type !== 'string' || !isUnixSeconds(iat)) throw unexpected('An event of the log has no type or time')
  return { type, iat, key, next: textOf(next), to: textOf(to) }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function payloadOf(event: string): Readonly<Record<string, unknown>> {
  const bytes = decodeBase64url(event.split('.')[1] ?? '')
  try {
    const payload: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return isJsonObject(payload) ? payload : {}
  } catch {
    return {}
  }
}

function unexpected(message: string) {
  return clientError('UNEXPECTED_ANSWER', message)
}
