import { decodeBase64url, encodeBase64url } from '../encoding/base64.ts'
import { sha256Text } from '../encoding/sha256.ts'
import { type JsonObject, parseStrictJson } from '../encoding/strict-json.ts'
import { encodeUtf8 } from '../encoding/utf8.ts'
import { ED25519_ALGORITHMS, type JwsRules, parseCompactJws } from '../jose/jws.ts'
import { jwsDemand } from '../jose/jws-demand.ts'
import type { Ed25519Jwk } from '../jose/public-jwk.ts'
import { type KeyEventClaims, readClaims } from './event-claims.ts'
import { KEY_EVENT_TYPE } from './jws-types.ts'
import { type KeyEventRefusal, refuse } from './refusal.ts'

/** Longest accepted text of a key event. */
const MAX_KEY_EVENT_BYTES = 8192

/** A well-formed key event. Its signature and its place in a log are not checked yet. */
export interface KeyEvent {
  readonly ok: true
  readonly claims: KeyEventClaims
  /** The claims by their names in the text. A proof signs all of them except `proof`. */
  readonly payload: JsonObject
  /** Thumbprint of the key that signed; empty for an inception that a server recorded. */
  readonly kid: string
  readonly alg: string
  readonly signingInput: Uint8Array
  readonly signature: Uint8Array
  /** SHA-256 of the text, base64url. The next event names it in `prev`. */
  readonly digest: string
  readonly text: string
}

const RULES: JwsRules = { maxBytes: MAX_KEY_EVENT_BYTES, algs: ED25519_ALGORITHMS, typs: [KEY_EVENT_TYPE] }
/** `{"alg":"none","typ":"auth4agent-key-event+jwt"}` and a dot: the beginning of an event without a signature. */
const RECORDED_PREFIX = 'eyJhbGciOiJub25lIiwidHlwIjoiYXV0aDRhZ2VudC1rZXktZXZlbnQrand0In0.'
const NOTHING = new Uint8Array()

/**
 * Parses a key event: a JWS in compact serialisation whose claims are exactly those of its type (docs/identity.md).
 * Only an inception that a server recorded has no signature (RFC 7515 appendix A.5). It needs none, because the DID
 * names the key.
 *
 * @example
 * ```ts
 * import { parseKeyEvent } from '@auth4agent/core/key-events/key-event'
 *
 * const event = parseKeyEvent(text)
 * if (!event.ok) throw new TypeError(event.demand)
 * ```
 */
export function parseKeyEvent(text: string): KeyEvent | KeyEventRefusal {
  const isRecorded = text.startsWith(RECORDED_PREFIX)
  const jws = isRecorded ? parseRecorded(text) : parseCompactJws(text, RULES)
  if (!jws.ok) return refuse('malformed', `the ${jws.part} of the event ${jwsDemand(jws, RULES)}`)
  const claims = readClaims(jws.payload)
  if (!claims.ok) return claims
  const { value } = claims
  if (isRecorded !== (value.type === 'inception' && value.recorded))
    return refuse('malformed', 'an inception with recorded: true, and no other event, must be without a signature')
  if (value.type === 'inception' && value.recorded && recordedInception(value) !== text)
    return refuse('malformed', 'a recorded inception must be the text that recordedInception returns')
  const { payload, signingInput, signature } = jws
  const { kid, alg } = jws.header
  const digest = sha256Text(text, 'base64url')
  return { ok: true, claims: value, payload, kid, alg, signingInput, signature, digest, text }
}

/**
 * Returns the inception that a server records for an agent that registered without a signed one. The text depends only
 * on the arguments: every process of a server returns the same text for the same agent.
 *
 * @example
 * ```ts
 * import { recordedInception } from '@auth4agent/core/key-events/key-event'
 *
 * const event = recordedInception({ did, key, iat: 1_800_000_000 })
 * ```
 */
export function recordedInception(agent: {
  readonly did: string
  readonly key: Ed25519Jwk
  readonly iat: number
}): string {
  const { did, iat } = agent
  const { kty, crv, x } = agent.key
  const claims = { type: 'inception', did, seq: 0, iat, key: { kty, crv, x }, recorded: true }
  return `${RECORDED_PREFIX}${encodeBase64url(encodeUtf8(JSON.stringify(claims)))}.`
}

function parseRecorded(text: string) {
  if (text.length > MAX_KEY_EVENT_BYTES) return { ok: false, part: 'text', why: 'size' } as const
  if (!text.endsWith('.')) return { ok: false, part: 'text', why: 'shape' } as const
  const bytes = decodeBase64url(text.slice(RECORDED_PREFIX.length, -1))
  if (bytes === undefined) return { ok: false, part: 'payload', why: 'encoding' } as const
  const json = parseStrictJson(bytes)
  if (!json.ok) return { ok: false, part: 'payload', why: json.why } as const
  const header = { kid: '', alg: 'none' }
  return { ok: true, header, payload: json.value, signingInput: NOTHING, signature: NOTHING } as const
}
