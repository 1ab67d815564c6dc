import { createHash } from 'node:crypto'
import { type AgentParty, type Keys, signJws, thumbprintOf } from './parties.ts'
import type { Answer, Json, ProtocolClient } from './protocol-client.ts'
import { expectStatus } from './story.ts'

/**
 * Key events, signed with node:crypto and none of the server's code, so that they do not repeat an error of the
 * server.
 */

/** The end of an agent's log. */
export interface LogEnd {
  readonly did: string
  readonly seq: number
  /** SHA-256 of the last event, base64url. */
  readonly digest: string
}

/** Returns the SHA-256 of an event, base64url. */
function digestOf(event: string): string {
  return createHash('sha256').update(event).digest('base64url')
}

/** Returns a rotation from one key to the next. `next` is the thumbprint of the key after that. */
export function rotation(end: LogEnd, from: Keys, to: Keys, next?: string): string {
  return keyEvent(from, withProof({ ...placeAfter(end), type: 'rotate', next }, to))
}

/** Returns a move. `committed` is the key to which the agent committed; `prover` is the key that signs its proof. */
export function move(
  end: LogEnd,
  from: Keys,
  target: { readonly to: string; readonly operator_id: string; readonly issuer: string },
  { committed, prover = committed }: { readonly committed?: Keys; readonly prover?: Keys } = {},
): string {
  const claims = { ...placeAfter(end), type: 'move', ...target }
  return keyEvent(from, committed === undefined ? claims : withProof(claims, committed, prover))
}

/** Returns another event for the place of an event, with its key and its proof. */
export function reusedProof(event: string, from: Keys, change: object): string {
  const [, payload = ''] = event.split('.')
  const { did, seq, prev, iat, key, proof } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return keyEvent(from, { did, seq, prev, iat, key, proof, ...change })
}

/** Returns an agent's keys. */
export function keysOfAgent({ rawPublicKey, privateKey }: AgentParty): Keys {
  return { publicKey: rawPublicKey, privateKey }
}

/** Appends an event. Returns the new end of the log. */
export async function append(client: ProtocolClient, did: string, event: string): Promise<LogEnd> {
  const { seq } = expectStatus(200, await sendEvent(client, did, event))
  return { did, seq: Number(seq), digest: digestOf(event) }
}

/** Sends an event, which the server may refuse. */
export function sendEvent(client: ProtocolClient, did: string, event: string): Promise<Answer> {
  return client.send('POST', eventsOf(did), JSON.stringify({ event }))
}

/** Returns the end of an agent's log. */
export async function endOfLog(client: ProtocolClient, did: string): Promise<LogEnd> {
  const { events } = expectStatus(200, await client.send('GET', `${eventsOf(did)}?page_size=500`))
  const last = (events as readonly Json[]).at(-1)
  return { did, seq: Number(last?.seq), digest: String(last?.digest) }
}

function eventsOf(did: string): string {
  return `/v1/agent/${encodeURIComponent(did)}/events`
}

function placeAfter({ did, seq, digest }: LogEnd) {
  return { did, seq: seq + 1, prev: digest, iat: Math.floor(Date.now() / 1000) + 1 }
}

/** Adds a key, and its signature over all claims. */
function withProof(claims: object, key: Keys, { privateKey }: Keys = key) {
  const proven = { ...claims, key: jwkOf(key) }
  return { ...proven, proof: signJws({ typ: 'auth4agent-key-proof+jwt', kid: thumbprintOf(key) }, proven, privateKey) }
}

function keyEvent(keys: Keys, claims: Readonly<Record<string, unknown>>): string {
  return signJws({ typ: 'auth4agent-key-event+jwt', kid: thumbprintOf(keys) }, claims, keys.privateKey)
}

function jwkOf({ publicKey }: Keys) {
  return { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') }
}
