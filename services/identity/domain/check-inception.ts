import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { applyKeyEvent } from '@auth4agent/core/key-events/apply-key-event'
import { type KeyEvent, parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import type { ApiError } from '../../platform/errors/api-error.ts'
import { type SigningClock, timeDemand } from './parse-key-event.ts'
import { refusalError } from './refuse-key-event.ts'

/** The first event of a log, signed by the agent. */
export interface SignedInception {
  readonly event: KeyEvent
  /** Thumbprint of the key to which the agent commits. */
  readonly next: string | undefined
  /** The error if it is not in the log yet: its time is too far from the server's. */
  readonly late: ApiError | undefined
}

/**
 * Checks the inception that an agent sends with its registration, including its signature. Its time counts only if it
 * is not in the log yet: a registration may be repeated at any time.
 *
 * @param text the inception; empty if the agent sends none
 * @param agent the DID and the raw public key of the registration
 * @throws ApiError INVALID_KEY_EVENT
 */
export function checkInception(
  text: string,
  { did, publicKey }: { readonly did: string; readonly publicKey: Uint8Array },
  clock: SigningClock,
): SignedInception | undefined {
  if (text === '') return undefined
  const event = parseKeyEvent(text)
  if (!event.ok) throw refusalError(event)
  const { claims } = event
  if (claims.type !== 'inception') throw invalid('type must be inception')
  if (claims.recorded) throw invalid('recorded must be left out, because the agent must sign its inception')
  if (claims.did !== did) throw invalid(`did must be ${did}`)
  if (claims.key.x !== encodeBase64url(publicKey)) throw invalid('key must be the same key as agent_public_key')
  const applied = applyKeyEvent(undefined, event)
  if (!applied.ok) throw refusalError({ ...applied, why: 'malformed' })
  const demand = timeDemand(claims.iat, clock)
  return { event, next: claims.next, late: demand === undefined ? undefined : invalid(demand) }
}

function invalid(demand: string) {
  return refusalError({ ok: false, why: 'malformed', demand })
}
