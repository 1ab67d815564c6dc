import { describe, expect, it } from 'vitest'
import {
  applied,
  begun,
  didOf,
  eventOf,
  identityKey,
  nextPlace,
  stateOf,
  withProof,
} from '../../../../test/support/key-events.ts'
import type { KeyState } from './key-state.ts'

const NOW = 1_800_000_000
const [first, next, other] = [identityKey('first'), identityKey('next'), identityKey('other')]
const COMMITTED = await begun(first, NOW, next.kid)
const FREE = await begun(first, NOW)
const MOVED = didOf(first, 'moved.example')

const CLAIMS = 'the proof must have exactly the claims of its event, without proof'
const KID = 'kid of the proof must be the thumbprint of the new key'

/** A genuine event whose new key is `next`, and the log to which it belongs. It has every claim of its type. */
const GENUINE = {
  rotate: { log: COMMITTED, claims: { type: 'rotate', next: other.kid } },
  'add-key': { log: FREE, claims: { type: 'add-key', label: 'TPM', exp: NOW + 3600 } },
  deactivate: { log: COMMITTED, claims: { type: 'deactivate' } },
  move: {
    log: COMMITTED,
    claims: {
      type: 'move',
      to: didOf(first, 'b.example'),
      operator_id: '11111111-1111-8111-8111-111111111111',
      issuer: 'https://auth.example',
    },
  },
} as const
type Type = keyof typeof GENUINE

/** A change after the key has signed its proof, and the state in which the changed event needs only a new proof. */
interface Change {
  readonly name: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly state?: Partial<KeyState>
  readonly demand?: string
}

const PLACES: readonly Change[] = [
  { name: 'the DID', claims: { did: MOVED }, state: { did: MOVED } },
  { name: 'the number', claims: { seq: 2 }, state: { seq: 1 } },
  { name: 'the event before', claims: { prev: other.kid }, state: { head: other.kid } },
  { name: 'the time', claims: { iat: NOW + 2 } },
]
const key = (state: Partial<KeyState>): Change => ({ name: 'the key', claims: { key: other.jwk }, state, demand: KID })

const CHANGES: Readonly<Record<Type, readonly Change[]>> = {
  rotate: [
    ...PLACES,
    { name: 'the type to deactivate', claims: { type: 'deactivate', next: undefined } },
    { ...key({ next: other.kid }), claims: { key: other.jwk, next: undefined } },
    { name: 'the next key', claims: { next: identityKey('thief').kid } },
    { name: 'the next key, which is left out', claims: { next: undefined } },
  ],
  'add-key': [
    ...PLACES,
    { name: 'the type to rotate', claims: { type: 'rotate', label: undefined, exp: undefined } },
    key({}),
    { name: 'the label', claims: { label: 'laptop' } },
    { name: 'the expiry', claims: { exp: NOW + 7200 } },
  ],
  deactivate: [
    ...PLACES,
    { name: 'the type to rotate', claims: { type: 'rotate' } },
    { name: 'the type to rotate, with a next key', claims: { type: 'rotate', next: other.kid } },
    key({ next: other.kid }),
  ],
  move: [
    ...PLACES,
    {
      name: 'the type to deactivate',
      claims: { type: 'deactivate', to: undefined, operator_id: undefined, issuer: undefined },
    },
    {
      name: 'the type to rotate, with a next key',
      claims: { type: 'rotate', next: other.kid, to: undefined, operator_id: undefined, issuer: undefined },
    },
    key({ next: other.kid }),
    { name: 'the DID to which it goes', claims: { to: didOf(first, 'thief.example') } },
    { name: 'the operator', claims: { operator_id: '22222222-2222-8222-8222-222222222222' } },
    { name: 'the issuer', claims: { issuer: 'https://auth.thief.example' } },
  ],
}
const TYPES = Object.keys(GENUINE) as Type[]

describe.each(TYPES)('applyKeyEvent, about the proof in an event %s', (type) => {
  const { log, claims } = GENUINE[type]
  const genuine = withProof(next, { ...nextPlace(log), ...claims })

  it('accepts the proof of the claims of the event', () => {
    expect(applied(stateOf(log), eventOf(first, genuine))).toMatchObject({ ok: true })
  })

  it.each(CHANGES[type])('refuses a proof that was made before a change of $name', (change) => {
    const state = { ...stateOf(log), ...change.state }
    const changed = { ...genuine, ...change.claims }
    const { demand = CLAIMS } = change
    expect(applied(state, eventOf(first, changed))).toEqual({ ok: false, why: 'signature', demand })
  })

  it.each(CHANGES[type])('accepts a proof that was made after a change of $name', (change) => {
    const state = { ...stateOf(log), ...change.state }
    const { proof: _, ...changed } = { ...genuine, ...change.claims }
    const prover = change.claims['key'] === undefined ? next : other
    expect(applied(state, eventOf(first, withProof(prover, changed)))).toMatchObject({ ok: true })
  })

  it('covers a change of every claim', () => {
    const { proof: _, ...signed } = genuine
    const changed = CHANGES[type].flatMap((change) => Object.keys(change.claims))
    expect(new Set(changed)).toEqual(new Set([...changed, ...Object.keys(signed)]))
  })
})
