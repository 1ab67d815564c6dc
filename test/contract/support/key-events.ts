import { hash } from 'node:crypto'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { KEY_EVENT_TYPE, KEY_OBJECTION_TYPE, KEY_PROOF_TYPE } from '@auth4agent/core/key-events/jws-types'
import { recordedInception } from '@auth4agent/core/key-events/key-event'
import { ed25519Jwk } from '@auth4agent/core/key-events/sign-key-event'
import { generateKeyPair, type KeyPair } from '@auth4agent/core/keys/ed25519'
import { signCompactJws } from '../../support/jws.ts'

/** An agent whose events a test signs: the end of its log, its key, and the key to which it has committed. */
export interface LogParty {
  readonly did: string
  readonly pair: KeyPair
  readonly next: KeyPair
  readonly end: { readonly seq: number; readonly head: string }
  /** Digest of the recovery that waits; empty if none waits. */
  readonly waiting: string
}

/** What differs from a good event. A member that is undefined is left out. */
export interface EventEdits {
  readonly signer?: KeyPair
  readonly header?: object
  readonly claims?: object
}

const nowS = () => Math.floor(Date.now() / 1000)

/** Returns the digest of an event. */
export const digestOf = (event: string) => hash('sha256', event, 'base64url')

/** Returns the inception that the server computes for an agent without stored events. */
export const computedInception = (did: string, pair: KeyPair, createdAt: Date) =>
  recordedInception({ did, key: ed25519Jwk(pair.publicKey), iat: Math.floor(createdAt.getTime() / 1000) })

/** Signs an inception. */
export function inceptionOf({ did, pair, next }: Pick<LogParty, 'did' | 'pair' | 'next'>, edits: EventEdits = {}) {
  const key = ed25519Jwk(pair.publicKey)
  const claims = { type: 'inception', did, seq: 0, iat: nowS(), key, next: thumbprint(next.publicKey) }
  return sign(edits.signer ?? pair, KEY_EVENT_TYPE, claims, edits)
}

/** Signs the next event of a log with the identity key. */
export function eventOf(agent: LogParty, change: object, edits: EventEdits = {}): string {
  const claims = { ...placeIn(agent), ...change }
  return sign(edits.signer ?? agent.pair, KEY_EVENT_TYPE, claims, edits)
}

/** Signs a rotation to a key, which proves itself. */
export function rotation(agent: LogParty, to = generateKeyPair(), edits: EventEdits = {}): string {
  return eventOf(agent, withProof(to, { ...placeIn(agent), type: 'rotate' }), edits)
}

/** Signs the addition of a key, which proves itself. */
export function addition(agent: LogParty, key = generateKeyPair(), edits: EventEdits = {}): string {
  const claims = { ...placeIn(agent), type: 'add-key', label: 'laptop', exp: nowS() + 3600 }
  return eventOf(agent, withProof(key, claims), edits)
}

/** Signs a recovery with the key to which the agent has committed. */
export function recovery(agent: LogParty, edits: EventEdits = {}): string {
  const key = edits.signer ?? agent.next
  return eventOf(agent, { type: 'recover', key: ed25519Jwk(key.publicKey) }, { signer: key, ...edits })
}

/** Signs an objection to the event with this digest. */
export function objectionTo({ did, pair }: LogParty, event: string, edits: EventEdits = {}): string {
  return sign(edits.signer ?? pair, KEY_OBJECTION_TYPE, { did, event, iat: nowS() }, edits)
}

function placeIn({ did, end }: LogParty) {
  return { did, seq: end.seq + 1, prev: end.head, iat: nowS() }
}

/** Adds a key, and its signature over all claims. */
function withProof({ publicKey, privateKey }: KeyPair, claims: object) {
  const proven = { ...claims, key: ed25519Jwk(publicKey) }
  const header = { alg: 'EdDSA', typ: KEY_PROOF_TYPE, kid: thumbprint(publicKey) }
  return { ...proven, proof: signCompactJws(header, proven, privateKey) }
}

function sign({ publicKey, privateKey }: KeyPair, typ: string, claims: object, edits: EventEdits): string {
  const header = { alg: 'EdDSA', typ, kid: thumbprint(publicKey), ...edits.header }
  return signCompactJws(header, { ...claims, ...edits.claims }, privateKey)
}
