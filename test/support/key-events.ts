import { createECDH, createHash, createPrivateKey, sign as cryptoSign } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { type Ed25519Jwk, jwkThumbprint, type P256Jwk, type PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { type Applied, applyKeyEvent } from '@auth4agent/core/key-events/apply-key-event'
import { KEY_EVENT_TYPE, KEY_PROOF_TYPE } from '@auth4agent/core/key-events/jws-types'
import { parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import type { KeyState } from '@auth4agent/core/key-events/key-state'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import { ed25519Jwk, type KeyChange, signInception, signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { importSeed, type KeyPair } from '@auth4agent/core/keys/ed25519'

type Sign = (message: Uint8Array) => Uint8Array

/** A key pair of an agent, with everything that the signers of core need. */
export interface EventKey<T extends PublicJwk = PublicJwk> {
  readonly kid: string
  readonly jwk: T
  readonly alg: 'EdDSA' | 'ES256'
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>
  readonly signNow: Sign
}

/** An Ed25519 key, which can be an identity key. */
export interface IdentityKey extends EventKey<Ed25519Jwk> {
  readonly publicKey: Uint8Array
  readonly pair: KeyPair
}

const seedOf = (name: string) => createHash('sha256').update(`key of a test: ${name}`).digest()

function eventKey<T extends PublicJwk>(jwk: T, alg: EventKey['alg'], signNow: Sign): EventKey<T> {
  return { kid: jwkThumbprint(jwk), jwk, alg, sign: async (message) => signNow(message), signNow }
}

/** Returns the Ed25519 key of a name; the same key for the same name. */
export function identityKey(name: string): IdentityKey {
  return identityKeyOf(seedOf(name))
}

/** Returns the Ed25519 key of a seed. */
export function identityKeyOf(seed: Uint8Array): IdentityKey {
  const pair = importSeed(seed)
  if (pair === undefined) throw new RangeError('A seed must have 32 bytes')
  const key = eventKey(ed25519Jwk(pair.publicKey), 'EdDSA', (message) => pair.privateKey.sign(message))
  return { ...key, publicKey: pair.publicKey, pair }
}

/** Returns the P-256 key of a name; the same key for the same name. */
export function p256Key(name: string): EventKey<P256Jwk> {
  return p256KeyOf(seedOf(name))
}

/** Returns the P-256 key of a secret number of 32 bytes. */
export function p256KeyOf(secret: Uint8Array): EventKey<P256Jwk> {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(secret)
  const point = ecdh.getPublicKey()
  const jwk: P256Jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: encodeBase64url(point.subarray(1, 33)),
    y: encodeBase64url(point.subarray(33)),
  }
  const key = createPrivateKey({ key: { ...jwk, d: encodeBase64url(secret) }, format: 'jwk' })
  return eventKey(jwk, 'ES256', (message) => cryptoSign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }))
}

/** Returns the DID of a first key under a domain. */
export function didOf({ publicKey }: IdentityKey, domain = 'acme.example'): string {
  return formatDid(domain, fingerprint(publicKey))
}

/** Signs any header and claims as a JWS, also wrong ones. A member that is undefined is left out. */
export function signAsIs(key: Pick<EventKey, 'signNow'>, header: object, claims: object): string {
  const signingInput = [header, claims].map((part) => encodeBase64url(Buffer.from(JSON.stringify(part)))).join('.')
  return `${signingInput}.${encodeBase64url(key.signNow(Buffer.from(signingInput)))}`
}

/** Signs an event with any claims. `header` replaces members of the right header. */
export function eventOf(key: EventKey, claims: object, header: object = {}): string {
  return signAsIs(key, { alg: key.alg, typ: KEY_EVENT_TYPE, kid: key.kid, ...header }, claims)
}

/** Signs the proof of a key with any claims. `header` replaces members of the right header. */
export function proofOf(key: EventKey, claims: object, header: object = {}): string {
  return signAsIs(key, { alg: key.alg, typ: KEY_PROOF_TYPE, kid: key.kid, ...header }, claims)
}

/** Returns the state after a log. Throws an error if the log is wrong. */
export function stateOf(events: readonly string[]): KeyState {
  const replayed = replayKeyEvents(events)
  if (!replayed.ok) throw new Error(`Event ${replayed.at}: ${replayed.demand}`)
  return replayed.state
}

/** Returns the claims that place an event in a log, a second after the last event. */
export function nextPlace(log: readonly string[]) {
  const { did, seq, head, iat } = stateOf(log)
  return { did, seq: seq + 1, prev: head, iat: iat + 1 }
}

/** Signs an event at the end of a log with any claims. They replace those of its place; undefined leaves one out. */
export function nextEvent(log: readonly string[], claims: object, signer: EventKey, header: object = {}): string {
  return eventOf(signer, { ...nextPlace(log), ...claims }, header)
}

/** Returns the claims of an event with a new key and its proof. */
export function withProof<T extends object>(key: EventKey, claims: T) {
  const proven = { ...claims, key: key.jwk }
  return { ...proven, proof: proofOf(key, proven) }
}

/** Returns the claims of an event at the end of a log with a new key and its proof. */
export function nextProven(log: readonly string[], key: EventKey, claims: object) {
  return withProof(key, { ...nextPlace(log), ...claims })
}

/** Returns a log with a signed inception. */
export async function begun(first: IdentityKey, nowS: number, next?: string): Promise<readonly string[]> {
  return [await signInception(first, { did: didOf(first), nowS, next })]
}

/** Returns a log with one more event, a second after the last one. */
export async function appended(
  log: readonly string[],
  signer: IdentityKey,
  change: KeyChange,
): Promise<readonly string[]> {
  const end = stateOf(log)
  return [...log, await signKeyEvent(signer, end, change, end.iat + 1)]
}

/** Parses an event and applies it to a state. */
export function applied(state: KeyState | undefined, text: string): Applied {
  const event = parseKeyEvent(text)
  return event.ok ? applyKeyEvent(state, event) : event
}
