import type { JsonObject } from '../encoding/strict-json.ts'
import { type Ed25519Jwk, type P256Jwk, type PublicJwk, readPublicJwk } from '../jose/public-jwk.ts'
import { isSecureUrl } from '../platform/secure-url.ts'
import { isAddedKeyLabel } from './added-key-label.ts'
import { DID, DIGEST, type Form, OPERATOR_ID, TIME, text, whole } from './claim-forms.ts'
import { MAX_PROOF_BYTES } from './key-proof.ts'
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

interface EndsDid extends Following {
  /** The key to which the agent committed, and its proof. Both are undefined without a commitment. */
  readonly key: Ed25519Jwk | undefined
  readonly proof: string | undefined
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
      /** A JWS by the new key over all other claims of the event. */
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
  | (EndsDid & { readonly type: 'deactivate' })
  | (EndsDid & {
      readonly type: 'move'
      /** The new DID: the same fingerprint under another domain. */
      readonly to: string
      /** The operator that is to admit the agent, and the issuer of its server. */
      readonly operatorId: string
      readonly issuer: string
    })

/** Claims of an event `move`. */
export type MoveClaims = Extract<KeyEventClaims, { readonly type: 'move' }>

const MAX_ISSUER = 255
const MAX_SEQ = 1_000_000
/** An http or https URL without query, fragment and user, as a server writes its own. */
const ISSUER = /^https?:\/\/[a-z0-9._:[\]-]+(?:\/[\w.~-]+)*$/

const TYPE: Form<KeyEventType> = { holds: isType, demand: `must be one of ${KEY_EVENT_TYPES.join(', ')}` }
const SEQ = whole(0, MAX_SEQ, `must be a whole number from 0 to ${MAX_SEQ}`)
const IDENTITY_KEY = key(['OKP'], 'must be a public JWK of Ed25519 with only kty, crv and x')
const ADDED_KEY = key(['OKP', 'EC'], 'must be a public JWK of Ed25519 or P-256 without further members')
const PROOF = text((value) => value.length <= MAX_PROOF_BYTES, `must be a JWS of at most ${MAX_PROOF_BYTES} characters`)
const LABEL = text(isAddedKeyLabel, 'must be 1 to 100 visible characters without a space at either end')
const RECORDED: Form<true> = { holds: (value): value is true => value === true, demand: 'must be true or left out' }
const ISSUER_URL = text(
  (value) => value.length <= MAX_ISSUER && ISSUER.test(value) && isSecureUrl(value),
  `must be the issuer of a server, an https URL, or http on loopback, of at most ${MAX_ISSUER} characters`,
)

type Members = Readonly<Record<string, Form>>
const COMMON: Members = { type: TYPE, did: DID, seq: SEQ, iat: TIME }
const FOLLOWING: Members = { ...COMMON, prev: DIGEST }
const PROVEN_KEY: Members = { key: IDENTITY_KEY, proof: PROOF }

/** The claims of each type: those that it must have, and those that it may have. There are no others. */
const SHAPES: Readonly<Record<KeyEventType, { readonly must: Members; readonly may?: Members }>> = {
  inception: { must: { ...COMMON, key: IDENTITY_KEY }, may: { next: DIGEST, recorded: RECORDED } },
  rotate: { must: { ...FOLLOWING, ...PROVEN_KEY }, may: { next: DIGEST } },
  recover: { must: { ...FOLLOWING, key: IDENTITY_KEY }, may: { next: DIGEST } },
  'add-key': { must: { ...FOLLOWING, key: ADDED_KEY, label: LABEL, exp: TIME, proof: PROOF } },
  'remove-key': { must: { ...FOLLOWING, kid: DIGEST } },
  deactivate: { must: FOLLOWING, may: PROVEN_KEY },
  move: { must: { ...FOLLOWING, to: DID, operator_id: OPERATOR_ID, issuer: ISSUER_URL }, may: PROVEN_KEY },
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
  const { type } = payload
  if (!isType(type)) return refuse('malformed', `type ${TYPE.demand}`)
  const { must, may = {} } = SHAPES[type]
  const missing = Object.keys(must).find((name) => !Object.hasOwn(payload, name))
  if (missing !== undefined) return refuse('malformed', `an event ${type} must have the claim ${missing}`)
  for (const [name, value] of Object.entries(payload)) {
    const form = formOf(must, name) ?? formOf(may, name)
    if (form === undefined) return refuse('malformed', `an event ${type} must have only the claims ${namesOf(type)}`)
    if (!form.holds(value)) return refuse('malformed', `${name} ${form.demand}`)
  }
  return checkTogether(type, payload) ?? { ok: true, value: toClaims(type, payload) }
}

/** Returns undefined for names such as `constructor`, which every object inherits. */
function formOf(members: Members, name: string): Form | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined
}

function namesOf(type: KeyEventType): string {
  const { must, may = {} } = SHAPES[type]
  return Object.keys({ ...must, ...may }).join(', ')
}

function checkTogether(type: KeyEventType, { next, recorded, key, proof }: JsonObject): KeyEventRefusal | undefined {
  if (recorded === true && next !== undefined)
    return refuse('malformed', 'a recorded inception must not have the claim next')
  if (SHAPES[type].may === PROVEN_KEY && (key === undefined) !== (proof === undefined))
    return refuse('malformed', `an event ${type} must have both key and proof, or neither`)
  return undefined
}

/** Names the claims as KeyEventClaims does. The compiler cannot see that the table above has checked all of them. */
function toClaims(type: KeyEventType, payload: JsonObject): KeyEventClaims {
  const { operator_id: operatorId, ...claims } = payload
  const more = type === 'move' ? { operatorId } : type === 'inception' ? { recorded: claims.recorded === true } : {}
  return { ...claims, ...more } as unknown as KeyEventClaims
}

function isType(value: unknown): value is KeyEventType {
  return KEY_EVENT_TYPES.some((type) => type === value)
}

function key(kinds: readonly PublicJwk['kty'][], demand: string): Form<PublicJwk> {
  return { holds: (value): value is PublicJwk => kinds.some((kind) => kind === readPublicJwk(value)?.kty), demand }
}
