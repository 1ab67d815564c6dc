import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { eventOf, type IdentityKey, proofOf, signAsIs, withProof } from '../../support/key-events.ts'
import { type Made, POOL } from './build-log.ts'
import { choose, ENDS, ending, type Fault, pick } from './fault.ts'
import type { NaiveState } from './naive-replayer.ts'

/** Returns the claims that the proof of an event signs. */
function unproven({ claims }: Made): Made['claims'] {
  const { proof: _, ...others } = claims
  return others
}

/** Faults in the new key of an event and its proof, by name. */
export const PROOF_FAULTS: Readonly<Record<string, Fault>> = {
  'uncommitted key'(log, { at, other }) {
    const made = choose(log, at, ({ before, proven }) => before?.next !== undefined && proven?.kid === before.next)
    const key = POOL.find((each, index) => index >= other % POOL.length && each.kid !== made?.before?.next)
    if (made === undefined || key === undefined) return undefined
    return ending(log, made.place, eventOf(made.signer, withProof(key, unproven(made))))
  },
  'needless key'(log, { at, other }) {
    const made = choose(log, at, ({ claims, proven }) => proven === undefined && ENDS.includes(claims['type']))
    if (made === undefined) return undefined
    return ending(log, made.place, eventOf(made.signer, withProof(pick(POOL, other), unproven(made))))
  },
  'known key'(log, { at, other }) {
    const made = choose(log, at, ({ proven, before }) => proven !== undefined && before?.next === undefined)
    const known = POOL.filter(({ kid }) => made?.before?.used.includes(kid))
    if (made === undefined || known.length === 0) return undefined
    const key = pick(known, other)
    return ending(log, made.place, eventOf(made.signer, withProof(key, unproven(made))))
  },
  'swapped proof'(log, { at, other, variant }) {
    const made = choose(log, at, ({ proven }) => proven !== undefined)
    if (made?.proven === undefined) return undefined
    const claims = unproven(made)
    const { type: _, ...others } = claims
    const stranger = pick(POOL, other)
    const proofs = [
      pick(log, other).claims['proof'] ?? 'a.b.c',
      proofOf(stranger, claims),
      proofOf(stranger, claims, { kid: made.proven.kid }),
      proofOf(made.proven, { ...claims, seq: Number(claims['seq']) + 1 }),
      proofOf(made.proven, others),
      proofOf(made.proven, made.claims),
      eventOf(made.proven, claims),
      signAsIs(made.signer, { alg: 'EdDSA', typ: 'JWT' }, claims),
    ]
    return ending(log, made.place, eventOf(made.signer, { ...claims, proof: pick(proofs, variant) }))
  },
  // A move that waits is public, so a thief of the identity key has the committed key and its proof.
  'proof of another event'(log, { at, other, variant }) {
    const made = choose(log, at, ({ before, proven }) => before?.next !== undefined && proven?.kid === before.next)
    if (made?.before === undefined) return undefined
    const { did, seq, prev, iat, key, proof } = made.claims
    const stolen = { did, seq, prev, iat, key, proof }
    const fingerprint = made.before.did.slice(-32)
    const target = { operator_id: '22222222-2222-8222-8222-222222222222', issuer: 'https://auth.thief.example' }
    const changes = [
      { type: 'deactivate' },
      { type: 'rotate', next: strangerTo(made.before, other).kid },
      { type: 'move', to: `did:agent:thief.example:${fingerprint}`, ...target },
    ]
    const change = pick(
      changes.filter(({ type }) => type === 'move' || type !== made.claims['type']),
      variant,
    )
    return ending(log, made.place, eventOf(made.signer, { ...stolen, ...change }))
  },
  // The key that a rotation replaced can sign the rotation again, and continue with a key of the forger.
  'rotation with another next'(log, { at, other }) {
    const made = choose(log, at, ({ claims }) => claims['type'] === 'rotate')
    if (made?.before === undefined) return undefined
    const own = strangerTo(made.before, other)
    if (own.kid === made.claims['next']) return undefined
    const text = eventOf(made.signer, { ...made.claims, next: own.kid })
    const { did, seq, iat } = made.claims
    const place = { did, seq: Number(seq) + 1, prev: sha256Text(text, 'base64url'), iat }
    return [...ending(log, made.place, text), eventOf(own, { ...place, type: 'recover', key: own.jwk })]
  },
}

/** Chooses a key that the agent neither has nor had. */
function strangerTo({ used, next, added }: NaiveState, at: number): IdentityKey {
  const known = new Set([...used, next, ...added.map(({ kid }) => kid)])
  return pick(
    POOL.filter(({ kid }) => !known.has(kid)),
    at,
  )
}
