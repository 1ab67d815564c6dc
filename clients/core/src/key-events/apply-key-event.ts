import { readProofKey } from '../dpop/proof-key.ts'
import { decodeBase64url } from '../encoding/base64.ts'
import { fingerprint, parseDid } from '../identity/did.ts'
import { type Ed25519Jwk, jwkThumbprint } from '../jose/public-jwk.ts'
import type { KeyEventClaims, KeyEventType } from './event-claims.ts'
import type { KeyEvent } from './key-event.ts'
import { checkKeyProof } from './key-proof.ts'
import {
  type KeyState,
  MAX_ADDED_KEY_LIFETIME_S,
  MAX_ADDED_KEYS,
  MAX_ADDING_EVENTS,
  MAX_KEY_EVENTS,
} from './key-state.ts'
import { type KeyEventRefusal, refuse } from './refusal.ts'

type Claims<T extends KeyEventType> = Extract<KeyEventClaims, { readonly type: T }>
type Following = Exclude<KeyEventClaims, { readonly type: 'inception' }>
/** The state after an event, or why the log refuses the event. */
export type Applied = { readonly ok: true; readonly state: KeyState } | KeyEventRefusal

/**
 * Applies an event to the state of a log: checks its place, then its signature, then the rule of its type
 * (docs/identity.md). The server, the replayer and clients decide with this one function. It reads no clock; only a
 * server that receives an event compares `iat` with its time.
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
      ? begin(event, claims)
      : refuse('conflict', 'the first event must be an inception')
  }
  if (claims.type === 'inception') return refuse('conflict', 'only the first event may be an inception')
  const refusal = checkPlace(state, claims) ?? checkSigner(state, event, claims)
  if (refusal !== undefined) return refusal
  const changes = CHANGES[claims.type](state, claims as never, event)
  if ('ok' in changes) return changes
  return { ok: true, state: { ...state, seq: claims.seq, head: event.digest, iat: claims.iat, ...changes } }
}

function begin(event: KeyEvent, { did, key, seq, iat, next, recorded }: Claims<'inception'>): Applied {
  if (seq !== 0) return refuse('conflict', 'seq of an inception must be 0')
  const raw = decodeBase64url(key.x)
  if (raw === undefined || parseDid(did)?.fingerprint !== fingerprint(raw))
    return refuse('signature', 'the DID must contain the fingerprint of the first key')
  const kid = jwkThumbprint(key)
  const refusal = recorded ? checkPoint(key) : checkSignature(event, key, kid)
  if (refusal !== undefined) return refusal
  if (next === kid) return refuse('reused', 'next must name another key than key')
  const place = { did, previousDids: [], seq, head: event.digest, iat, createdAt: iat, recorded }
  return { ok: true, state: { ...place, key, kid, next, addedKeys: [], usedKids: new Set([kid]), deactivated: false } }
}

function checkPlace(state: KeyState, claims: Following): KeyEventRefusal | undefined {
  if (state.deactivated) return refuse('ended', 'the agent must not be deactivated')
  if (claims.did !== state.did) return refuse('conflict', `did must be ${state.did}`)
  if (claims.seq !== state.seq + 1) return refuse('conflict', `seq must be ${state.seq + 1}`)
  if (claims.prev !== state.head) return refuse('conflict', 'prev must be the SHA-256 of the last event of the log')
  if (claims.iat < state.iat)
    return refuse('conflict', `iat must not be before ${state.iat}, when the last event was signed`)
  return checkRoom(claims)
}

/**
 * Keeps room for rotations. A thief of the identity key could otherwise fill the log of an agent that has committed,
 * and the owner could never rotate again.
 */
function checkRoom({ type, seq }: Following): KeyEventRefusal | undefined {
  if (seq >= MAX_KEY_EVENTS && type !== 'deactivate')
    return refuse('full', `the log must have fewer than ${MAX_KEY_EVENTS} events; it accepts only deactivate`)
  if (seq >= MAX_ADDING_EVENTS && type === 'add-key')
    return refuse('full', `the log must have fewer than ${MAX_ADDING_EVENTS} events before a key is added`)
  return undefined
}

/** A recovery is signed with the committed key, every other event with the identity key. */
function checkSigner(state: KeyState, event: KeyEvent, claims: Following): KeyEventRefusal | undefined {
  if (claims.type !== 'recover') return checkSignature(event, state.key, state.kid)
  const kid = jwkThumbprint(claims.key)
  return checkCommitment(state, kid) ?? checkSignature(event, claims.key, kid)
}

function checkSignature(event: KeyEvent, jwk: Ed25519Jwk, kid: string): KeyEventRefusal | undefined {
  if (event.kid !== kid) return refuse('signature', `kid must be ${kid}, the thumbprint of the key that has to sign`)
  const key = readProofKey(event.alg, jwk)
  if (key === undefined) return checkPoint(jwk)
  return key.verify(event.signingInput, event.signature)
    ? undefined
    : refuse('signature', 'the event must be signed with the key that kid names')
}

/** Checks that a key is a point of the curve that verifiers agree about. */
function checkPoint(jwk: Ed25519Jwk): KeyEventRefusal | undefined {
  return readProofKey('EdDSA', jwk) === undefined ? refuse('malformed', 'key must be a valid Ed25519 key') : undefined
}

function checkCommitment({ next }: KeyState, kid: string): KeyEventRefusal | undefined {
  if (next === undefined) return refuse('not-committed', 'the agent must have committed to a key')
  return kid === next ? undefined : refuse('not-committed', 'key must be the key to which the agent committed')
}

type Changes = Partial<KeyState> | KeyEventRefusal

const CHANGES: {
  readonly [T in Following['type']]: (state: KeyState, claims: Claims<T>, event: KeyEvent) => Changes
} = {
  rotate(state, { key, next, proof }, { payload }) {
    const kid = jwkThumbprint(key)
    const refusal = state.next === undefined ? undefined : checkCommitment(state, kid)
    return refusal ?? checkKeyProof(proof, key, kid, payload) ?? establish(state, key, kid, next)
  },
  recover: (state, { key, next }) => establish(state, key, jwkThumbprint(key), next),
  'add-key'(state, { key: jwk, label, exp, proof, iat }, { payload }) {
    const kid = jwkThumbprint(jwk)
    if (isKnown(state, kid) || kid === state.next) return refuse('reused', 'key must be new to the agent')
    if (state.addedKeys.length >= MAX_ADDED_KEYS)
      return refuse('too-many-keys', `the agent must have fewer than ${MAX_ADDED_KEYS} added keys`)
    if (exp <= iat || exp - iat > MAX_ADDED_KEY_LIFETIME_S)
      return refuse('malformed', 'exp must be after iat, by at most 366 days')
    const refusal = checkKeyProof(proof, jwk, kid, payload)
    return refusal ?? { addedKeys: [...state.addedKeys, { kid, jwk, label, exp }] }
  },
  'remove-key'(state, { kid }) {
    const addedKeys = state.addedKeys.filter((key) => key.kid !== kid)
    if (addedKeys.length === state.addedKeys.length)
      return refuse('unknown-key', 'kid must be the thumbprint of an added key')
    return { addedKeys }
  },
  deactivate: (state, claims, event) => checkEndOfDid(state, claims, event) ?? { deactivated: true },
  move(state, claims, event) {
    const refusal = checkEndOfDid(state, claims, event)
    if (refusal !== undefined) return refusal
    const { to } = claims
    const [from, target] = [parseDid(state.did), parseDid(to)]
    if (to === state.did || from?.fingerprint !== target?.fingerprint)
      return refuse('malformed', 'to must be a DID with the same fingerprint under another domain')
    // Resolvers remember that a DID which an agent has left is deactivated for good.
    if (state.previousDids.includes(to)) return refuse('malformed', 'to must be a DID that the agent never had')
    return { did: to, previousDids: [...state.previousDids, state.did] }
  },
}

/**
 * Checks that an event that ends a DID for good proves the committed key, if there is one. Otherwise a thief of the
 * identity key could end the DID.
 */
function checkEndOfDid(
  state: KeyState,
  { key, proof }: Claims<'deactivate' | 'move'>,
  { payload }: KeyEvent,
): KeyEventRefusal | undefined {
  if (key === undefined || proof === undefined) {
    return state.next === undefined
      ? undefined
      : refuse('not-committed', 'the event must have the key to which the agent committed, and its proof')
  }
  const kid = jwkThumbprint(key)
  return checkCommitment(state, kid) ?? checkKeyProof(proof, key, kid, payload)
}

/** Makes a key the identity key. A key never becomes the identity key again. */
function establish(state: KeyState, key: Ed25519Jwk, kid: string, next: string | undefined): Changes {
  if (isKnown(state, kid)) return refuse('reused', 'key must be new to the agent')
  if (next === kid || (next !== undefined && isKnown(state, next)))
    return refuse('reused', 'next must name a key that is new to the agent')
  return { key, kid, next, usedKids: new Set([...state.usedKids, kid]) }
}

function isKnown(state: KeyState, kid: string): boolean {
  return state.usedKids.has(kid) || state.addedKeys.some((key) => key.kid === kid)
}
