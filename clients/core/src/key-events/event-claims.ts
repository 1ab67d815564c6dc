import { decodeBase64url } from '../encoding/base64.ts'
import type { JsonObject } from '../encoding/strict-json.ts'
import { isUuid } from '../encoding/uuid.ts'
import { parseDid } from '../identity/did.ts'
import { type PublicJwk, readPublicJwk } from '../jose/public-jwk.ts'
import { type KeyEventRefusal, refuse } from './refusal.ts'

/** Types of key events. */
export const KEY_EVENT_TYPES = [
  'inception',
  'rotate',
  'recover',
  'add-key',
  'remove-key',
  'deactivate',
  'move',
] as const

/** The type of a key event. */
export type KeyEventType = (typeof KEY_EVENT_TYPES)[number]

interface Common {
  readonly did: string
  readonly seq: number
  /** When the event was signed, in Unix seconds. */
  readonly iat: number
}

interface Following extends Common {
  /** SHA-256 of the event before, base64url. */
  readonly prev: string
}

/** Claims of a key event, by its type. Keys are public JWKs, `next` and `kid` are RFC 7638 thumbprints. */
export type KeyEventClaims =
  | (Common & {
      readonly type: 'inception'
      readonly key: Ed25519Jwk
      readonly next: string | undefined
      /** Whether a server recorded the inception, so that it has no signature. */
      readonly recorded: boolean
    })
  | (Following & {
      readonly type: 'rotate'
      readonly key: Ed25519Jwk
      readonly next: string | undefined
      /** A JWS by the new key over `did`, `seq`, `prev` and `iat`. */
      readonly proof: string
    })
  | (Following & { readonly type: 'recover'; readonly key: Ed25519Jwk; readonly next: string | undefined })
  | (Following & {
      readonly type: 'add-key'
      readonly key: Ed25519Jwk | P256Jwk
      readonly label: string
      /** When the key expires, in Unix seconds. */
      readonly exp: number
      readonly proof: string
    })
  | (Following & { readonly type: 'remove-key'; readonly kid: string })
  | (Following & { readonly type: 'deactivate' })
  | (Following & {
      readonly type: 'move'
      /** The new DID: the same fingerprint under another domain. */
      readonly to: string
      /** The operator that is to admit the agent, and the issuer of its server. */
      readonly operatorId: string
      readonly issuer: string
    })

/** A public Ed25519 key (RFC 8037). */
export type Ed25519Jwk = Extract<PublicJwk, { kty: 'OKP' }>
/** A public key of P-256 (RFC 7518 section 6.2). */
export type P256Jwk = Extract<PublicJwk, { kty: 'EC' }>

const DIGEST_BYTES = 32
const MAX_LABEL = 100
const MAX_ISSUER = 2048
const MAX_SEQ = 1_000_000
const MAX_UNIX_SECONDS = 253_402_300_799
/** Text without control characters, format characters such as direction marks, and white space at the ends. */
const LABEL = /^(?!\s)[^\p{C}\p{Zl}\p{Zp}]+(?<!\s)$/u

/** Checks one claim. */
interface Claim {
  readonly holds: (value: unknown) => boolean
  /** What is right, after the claim's name. */
  readonly demand: string
}

const DIGEST = 'must be 43 characters of base64url, the SHA-256 of a text or key'
const CLAIMS = {
  type: { holds: (value) => KEY_EVENT_TYPES.some((type) => type === value), demand: 'must be a type of key event' },
  did: { holds: (value) => typeof value === 'string' && parseDid(value) !== undefined, demand: 'must be a DID' },
  seq: { holds: (value) => isInteger(value, 0, MAX_SEQ), demand: `must be a whole number from 0 to ${MAX_SEQ}` },
  iat: { holds: isTime, demand: 'must be whole Unix seconds' },
  prev: { holds: isDigest, demand: DIGEST },
  key: {
    holds: (value) => isKey(value, ['OKP']),
    demand: 'must be a public JWK of Ed25519 with only kty, crv and x',
  },
  addedKey: {
    holds: (value) => isKey(value, ['OKP', 'EC']),
    demand: 'must be a public JWK of Ed25519 or P-256 without further members',
  },
  next: { holds: isDigest, demand: DIGEST },
  kid: { holds: isDigest, demand: DIGEST },
  proof: { holds: (value) => isText(value, 4096), demand: 'must be a JWS in compact serialisation' },
  label: {
    holds: (value) => isText(value, MAX_LABEL) && LABEL.test(value),
    demand: `must be 1 to ${MAX_LABEL} visible characters`,
  },
  exp: { holds: isTime, demand: 'must be whole Unix seconds' },
  recorded: { holds: (value) => value === true, demand: 'must be true or left out' },
  to: { holds: (value) => typeof value === 'string' && parseDid(value) !== undefined, demand: 'must be a DID' },
  operator_id: { holds: (value) => typeof value === 'string' && isUuid(value), demand: 'must be an operator id' },
  issuer: { holds: (value) => isText(value, MAX_ISSUER), demand: 'must be the issuer of a server' },
} as const satisfies Record<string, Claim>

type ClaimName = keyof typeof CLAIMS
/** Names of claims, with the check of each. */
type Members = Readonly<Partial<Record<string, ClaimName>>>

const COMMON = { type: 'type', did: 'did', seq: 'seq', iat: 'iat' } as const satisfies Members
const FOLLOWING = { ...COMMON, prev: 'prev' } as const satisfies Members

/** The claims of each type: those that it must have, and those that it may have. There are no others. */
const SHAPES: Readonly<Record<KeyEventType, { readonly must: Members; readonly may?: Members }>> = {
  inception: { must: { ...COMMON, key: 'key' }, may: { next: 'next', recorded: 'recorded' } },
  rotate: { must: { ...FOLLOWING, key: 'key', proof: 'proof' }, may: { next: 'next' } },
  recover: { must: { ...FOLLOWING, key: 'key' }, may: { next: 'next' } },
  'add-key': { must: { ...FOLLOWING, key: 'addedKey', label: 'label', exp: 'exp', proof: 'proof' } },
  'remove-key': { must: { ...FOLLOWING, kid: 'kid' } },
  deactivate: { must: FOLLOWING },
  move: { must: { ...FOLLOWING, to: 'to', operator_id: 'operator_id', issuer: 'issuer' } },
}

/**
 * Reads the claims of a key event strictly: exactly the claims of its type, each of its form.
 *
 * @example
 * ```ts
 * import { readClaims } from '@auth4agent/core/key-events/event-claims'
 *
 * const claims = readClaims(payload)
 * if (claims.ok) console.log(claims.value.type)
 * ```
 */
export function readClaims(
  payload: JsonObject,
): { readonly ok: true; readonly value: KeyEventClaims } | KeyEventRefusal {
  const type = KEY_EVENT_TYPES.find((each) => each === payload.type)
  if (type === undefined) return refuse('malformed', `type must be one of ${KEY_EVENT_TYPES.join(', ')}`)
  const { must, may = {} } = SHAPES[type]
  for (const [name, check] of Object.entries(must)) {
    if (!Object.hasOwn(payload, name)) return refuse('malformed', `an event ${type} must have the claim ${name}`)
    if (check !== undefined && !CLAIMS[check].holds(payload[name]))
      return refuse('malformed', `${name} ${CLAIMS[check].demand}`)
  }
  for (const name of Object.keys(payload).filter((each) => !Object.hasOwn(must, each))) {
    const check = may[name]
    if (check === undefined) return refuse('malformed', `an event ${type} must not have the claim ${name.slice(0, 64)}`)
    if (!CLAIMS[check].holds(payload[name])) return refuse('malformed', `${name} ${CLAIMS[check].demand}`)
  }
  if (type === 'inception' && payload.recorded === true && payload.next !== undefined) {
    return refuse('malformed', 'a recorded inception must not have the claim next')
  }
  return { ok: true, value: toClaims(type, payload) }
}

function toClaims(type: KeyEventType, payload: JsonObject): KeyEventClaims {
  const { operator_id: operatorId, ...claims } = payload
  const more = {
    inception: () => ({ next: claims.next, recorded: claims.recorded === true }),
    move: () => ({ operatorId }),
    other: () => ({}),
  }[type === 'inception' || type === 'move' ? type : 'other']()
  // The table above has checked every claim that the type demands.
  return { ...claims, ...more } as unknown as KeyEventClaims
}

function isKey(value: unknown, kinds: readonly PublicJwk['kty'][]): boolean {
  const jwk = readPublicJwk(value)
  return jwk !== undefined && kinds.includes(jwk.kty)
}

function isDigest(value: unknown): boolean {
  return typeof value === 'string' && decodeBase64url(value)?.length === DIGEST_BYTES
}

function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= max
}

function isInteger(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

function isTime(value: unknown): boolean {
  return isInteger(value, 1, MAX_UNIX_SECONDS)
}
