import { withOtherS } from '../../../support/ecdsa-signatures.ts'
import {
  type EventKey,
  eventOf,
  type IdentityKey,
  identityKeyOf,
  nextEvent,
  nextProven,
  p256KeyOf,
} from '../../../support/key-events.ts'
import { AGENT_KEY, DID, NOW_S, seedOf } from './parties.ts'

/** The keys of the agent in the vectors, and a key of somebody else. */
export const FIRST = identityKeyOf(AGENT_KEY.seed)
export const NEXT = identityKeyOf(seedOf('next identity key'))
export const LATER = identityKeyOf(seedOf('later identity key'))
export const OTHER = identityKeyOf(seedOf('other identity key'))
export const P256 = p256KeyOf(seedOf('added P-256 key'))

const named = (name: string, label: string, key: EventKey) => ({ name, seed: seedOf(label), key })
/** The keys with their names and secrets. */
export const SEEDS = [
  { name: 'first key (RFC 8032 test 2)', seed: Buffer.from(AGENT_KEY.seed), key: FIRST },
  named('next identity key', 'next identity key', NEXT),
  named('later identity key', 'later identity key', LATER),
  named('other identity key', 'other identity key', OTHER),
  named('P-256 key', 'added P-256 key', P256),
]

/** ES256 proofs of the committed file by the text that they sign. */
const kept = new Map<string, string>()

/** Keeps the proofs in events, so that a random signature stays as long as the signed text is the same. */
export function keptProofs(events: readonly string[]): void {
  for (const text of events) {
    const [, payload = ''] = text.split('.')
    const found = /"proof":"([\w.-]+)"/.exec(Buffer.from(payload, 'base64url').toString())?.[1]
    if (found !== undefined) kept.set(signedText(found), lowS(found))
  }
}

const signedText = (jws: string) => jws.slice(0, jws.lastIndexOf('.'))

function resigned(jws: string, change: (signature: Buffer) => Buffer): string {
  const signature = Buffer.from(jws.slice(jws.lastIndexOf('.') + 1), 'base64url')
  return `${signedText(jws)}.${change(signature).toString('base64url')}`
}

/** Returns a proof with the lower of the two values of S. An Ed25519 proof stays as it is. */
function lowS(jws: string): string {
  const header = Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()
  if (!header.includes('ES256')) return jws
  return resigned(jws, (signature) => {
    const other = withOtherS(signature)
    return Buffer.compare(signature.subarray(32), other.subarray(32)) < 0 ? signature : other
  })
}

/**
 * Returns an event at the end of a log with a new key and its proof. The other S of an ES256 proof is the higher one.
 */
export function proven(events: readonly string[], key: EventKey, claims: object, form: 'low S' | 'other S' = 'low S') {
  const made = nextProven(events, key, claims)
  const proof = kept.get(signedText(made.proof)) ?? lowS(made.proof)
  kept.set(signedText(proof), proof)
  return { ...made, proof: form === 'low S' ? proof : resigned(proof, withOtherS) }
}

/** Returns a log with a signed inception, with changed claims and header. */
export function log(claims: object = {}, signer: IdentityKey = FIRST, header: object = {}): readonly string[] {
  return [eventOf(signer, { type: 'inception', did: DID, seq: 0, iat: NOW_S, key: FIRST.jwk, ...claims }, header)]
}

/** Signs an event at the end of a log, by default with the first key. */
export function event(
  events: readonly string[],
  claims: object,
  signer: EventKey = FIRST,
  header: object = {},
): string {
  return nextEvent(events, claims, signer, header)
}
