import { readProofKey } from '../dpop/proof-key.ts'
import { decodeBase64url } from '../encoding/base64.ts'
import { fingerprint, parseDid } from '../identity/did.ts'
import { jwkThumbprint } from '../jose/public-jwk.ts'
import type { Ed25519Jwk, KeyEventClaims, KeyEventType } from './event-claims.ts'
import type { KeyEvent } from './key-event.ts'
import { checkKeyProof } from './key-proof.ts'
import { type KeyState, MAX_ADDED_KEY_LIFETIME_S, MAX_ADDED_KEYS, MAX_KEY_EVENTS } from './key-state.ts'
import { type KeyEventRefusal, refuse } from './refusal.ts'

type Claims<T extends KeyEventType> = Extract<KeyEventClaims, { readonly type: T }>
type Following = Exclude<KeyEventClaims, { readonly type: 'inception' }>
/** The state after an event, or why the log refuses the event. */
export type Applied = { readonly ok: true; readonly state: KeyState } | KeyEventRefusal

/**
 * Applies an event to the state of a log. Checks its place, its signatures and the rule of its type (docs/identity.md).
 * The server, the replayer and clients decide with this one function. It reads no clock; only a server that receives
 * an event compares `iat` with its time.
 *
 * @param state the state after the event before; undefined for an inception
 * @example
 * ```ts
 * import { applyKeyEvent } from '@auth4agent/core/key-events/apply-key-event'
 *
 * const applied = applyKeyEvent(state, event)
 * if (!applied.ok) throw new TypeError(applied.demand)
 * ```
 */
export function applyKeyEvent(state: KeyState | undefined, event: KeyEvent): Applied {
  const { claims } = event
  if (state === undefined) {
    return claims.type === 'inception'
      ? begin(claims, event)
      : refuse('conflict', 'the first event must be an inception')
  }
  if (claims.type === 'inception') return refuse('conflict', 'only the first event may be an inception')
  return checkPlace(state, claims) ?? checkSigner(state, event, claims) ?? follow(state, event, claims)
}

function begin(claims: Claims<'inception'>, event: KeyEvent): Applied {
  const { did, key, seq, iat, next, recorded } = claims
  if (seq !== 0) return refuse('conflict', 'seq of an inception must be 0')
  const raw = decodeBase64url(key.x)
  if (raw === undefined || parseDid(did)?.fingerprint !== fingerprint(raw))
    return refuse('signature', 'the DID must contain the fingerprint of the first key')
  const kid = jwkThumbprint(key)
  if (readProofKey('EdDSA', { ...key }) === undefined) return refuse('malformed', 'key must be a valid Ed25519 key')
  const refusal = recorded ? undefined : checkSignature(event, key, kid)
  if (refusal !== undefined) return refusal
  if (next === kid) return refuse('reused', 'next must name another key')
  const usedKids = new Set([kid])
  const place = { did, previousDids: [], seq, head: event.digest, iat, createdAt: iat, recorded }
  return { ok: true, state: { ...place, key, kid, next, addedKeys: [], usedKids, deactivated: false } }
}

function checkPlace(state: KeyState, claims: Following): KeyEventRefusal | undefined {
  if (state.deactivated) return refuse('ended', 'the agent must not be deactivated')
  if (claims.did !== state.did) return refuse('conflict', `did must be ${state.did}`)
  if (claims.seq !== state.seq + 1) return refuse('conflict', `seq must be ${state.seq + 1}`)
  if (claims.prev !== state.head) return refuse('conflict', 'prev must be the SHA-256 of the last event of the log')
  if (claims.iat < state.iat)
    return refuse('malformed', `iat must not be before ${state.iat}, when the last event was signed`)
  if (claims.seq >= MAX_KEY_EVENTS && claims.type !== 'deactivate')
    return refuse('full', `the log must have fewer than ${MAX_KEY_EVENTS} events; it can only be ended by deactivate`)
  return undefined
}

/** A recovery is signed with the committed key, every other event with the identity key. */
function checkSigner(state: KeyState, event: KeyEvent, claims: Following): KeyEventRefusal | undefined {
  if (claims.type !== 'recover') return checkSignature(event, state.key, state.kid)
  return checkCommitment(state, claims.key) ?? checkSignature(event, claims.key, jwkThumbprint(claims.key))
}

function checkSignature(event: KeyEvent, jwk: Ed25519Jwk, kid: string): KeyEventRefusal | undefined {
  if (event.kid !== kid) return refuse('signature', `kid must be ${kid}, the thumbprint of the key that has to sign`)
  const isSigned = readProofKey(event.alg, { ...jwk })?.verify(event.signingInput, event.signature) === true
  return isSigned ? undefined : refuse('signature', 'the event must be signed with the key that kid names')
}

function checkCommitment(state: KeyState, key: Ed25519Jwk): KeyEventRefusal | undefined {
  if (state.next === undefined) return refuse('not-committed', 'the agent must have committed to a next key')
  return jwkThumbprint(key) === state.next
    ? undefined
    : refuse('not-committed', 'key must be the one to which the agent committed')
}

function follow(state: KeyState, event: KeyEvent, claims: Following): Applied {
  const changes = CHANGES[claims.type](state, claims as never)
  if ('ok' in changes) return changes
  return { ok: true, state: { ...state, seq: claims.seq, head: event.digest, iat: claims.iat, ...changes } }
}

type Changes = Partial<KeyState> | KeyEventRefusal

const CHANGES: { readonly [T in Following['type']]: (state: KeyState, claims: Claims<T>) => Changes } = {
  rotate(state, claims) {
    const refusal =
      (state.next === undefined ? undefined : checkCommitment(state, claims.key)) ??
      checkKeyProof(claims.proof, claims.key, jwkThumbprint(claims.key), claims)
    return refusal ?? establish(state, claims)
  },
  recover: (state, claims) => establish(state, claims),
  'add-key'(state, { key: jwk, label, exp, proof, ...place }) {
    const kid = jwkThumbprint(jwk)
    if (isKnown(state, kid) || kid === state.next) return refuse('reused', 'key must be new to the agent')
    if (state.addedKeys.length >= MAX_ADDED_KEYS)
      return refuse('too-many-keys', `the agent must have fewer than ${MAX_ADDED_KEYS} added keys`)
    if (exp <= place.iat || exp - place.iat > MAX_ADDED_KEY_LIFETIME_S)
      return refuse('malformed', 'exp must be after iat, by at most 366 days')
    const refusal = checkKeyProof(proof, jwk, kid, place)
    return refusal ?? { addedKeys: [...state.addedKeys, { kid, jwk, label, exp }] }
  },
  'remove-key'(state, { kid }) {
    const addedKeys = state.addedKeys.filter((key) => key.kid !== kid)
    if (addedKeys.length === state.addedKeys.length)
      return refuse('unknown-key', 'kid must be the thumbprint of an added key')
    return { addedKeys }
  },
  deactivate: () => ({ deactivated: true }),
  move(state, { to }) {
    const [from, target] = [parseDid(state.did), parseDid(to)]
    if (to === state.did || from?.fingerprint !== target?.fingerprint)
      return refuse('malformed', 'to must be a DID with the same fingerprint under another domain')
    return { did: to, previousDids: [...state.previousDids, state.did] }
  },
}

/** Makes a key the identity key. A key never becomes the identity key again. */
function establish(state: KeyState, { key, next }: Claims<'rotate' | 'recover'>): Changes {
  const kid = jwkThumbprint(key)
  if (isKnown(state, kid)) return refuse('reused', 'key must be new to the agent')
  const usedKids = new Set([...state.usedKids, kid])
  if (next !== undefined && (usedKids.has(next) || state.addedKeys.some((added) => added.kid === next)))
    return refuse('reused', 'next must name a key that is new to the agent')
  return { key, kid, next, usedKids }
}

function isKnown(state: KeyState, kid: string): boolean {
  return state.usedKids.has(kid) || state.addedKeys.some((key) => key.kid === kid)
}
