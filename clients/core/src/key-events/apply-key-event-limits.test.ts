import { describe, expect, it } from 'vitest'
import {
  applied,
  begun,
  didOf,
  type EventKey,
  eventOf,
  identityKey,
  p256Key,
  stateOf,
  withProof,
} from '../../../../test/support/key-events.ts'
import type { KeyState } from './key-state.ts'

const NOW = 1_800_000_000
const [first, next, other] = [identityKey('first'), identityKey('next'), identityKey('other')]
const p256 = p256Key('added')
const FREE = await begun(first, NOW)
const COMMITTED = await begun(first, NOW, next.kid)
const operator = { operator_id: '11111111-1111-8111-8111-111111111111', issuer: 'https://auth.example.net' }
const move = { type: 'move', to: didOf(first, 'b.example'), ...operator }
const label = { label: 'TPM', exp: NOW + 86_400 }
const refused = (why: string, demand: string) => ({ ok: false, why, demand })

/** Returns a state as after so many events. */
const after = (events: number, state: KeyState): KeyState => ({ ...state, seq: events - 1 })

/** Signs an event of a type for the place after a state. */
function eventAfter(state: KeyState, claims: object, key?: EventKey, signer: EventKey = first): string {
  const place = { did: state.did, seq: state.seq + 1, prev: state.head, iat: state.iat }
  const all = { ...place, ...claims }
  return eventOf(signer, key === undefined ? all : withProof(key, all))
}

/** The longest domain that a DID can have. */
const longDomain = (letter: string) => [63, 63, 63, 61].map((length) => letter.repeat(length)).join('.')

describe('applyKeyEvent, about the longest claims', () => {
  const [did, to] = [didOf(first, longDomain('a')), didOf(first, longDomain('b'))]
  const state = { ...stateOf(COMMITTED), did, seq: 1899 - 1 }
  const issuer = 'https://auth.example/'.padEnd(255, 'x')

  it.each([
    ['rotate', { type: 'rotate', next: other.kid }, next],
    ['add-key', { type: 'add-key', ...label, label: '🔑'.repeat(100) }, p256],
    ['move', { type: 'move', to, ...operator, issuer }, next],
  ] as const)('accepts them in %s with half of the size that event and proof may have', (_type, claims, key) => {
    const all = withProof(key, { did, seq: 1899, prev: state.head, iat: state.iat, ...claims })
    const text = eventOf(first, all)
    expect([all.proof.length <= 4096 / 2, text.length <= 8192 / 2]).toEqual([true, true])
    expect(applied(state, text)).toMatchObject({ ok: true })
  })
})

describe('applyKeyEvent, at the end of a long log', () => {
  const FULL = 'the log must have fewer than 2000 events; it accepts only deactivate'
  const ADDING = 'the log must have fewer than 1900 events before a key is added'

  it.each([
    [1899, 'add-key', undefined],
    [1900, 'add-key', ADDING],
    [1900, 'rotate', undefined],
    [1999, 'rotate', undefined],
    [2000, 'rotate', FULL],
    [2000, 'add-key', FULL],
  ] as const)('judges after %i events the type %s', (events, type, demand) => {
    const state = after(events, stateOf(FREE))
    const text = type === 'rotate' ? eventAfter(state, { type }, next) : eventAfter(state, { type, ...label }, p256)
    const expected = demand === undefined ? { ok: true, state: { seq: events } } : refused('full', demand)
    expect(applied(state, text)).toMatchObject(expected)
  })

  it('accepts after 2,000 events only deactivate, and nothing after it', () => {
    const added = { kid: p256.kid, jwk: p256.jwk, ...label }
    const state = after(2000, { ...stateOf(COMMITTED), addedKeys: [added] })
    for (const text of [
      eventAfter(state, { type: 'rotate' }, next),
      eventAfter(state, { type: 'recover', key: next.jwk }, undefined, next),
      eventAfter(state, { type: 'remove-key', kid: p256.kid }),
      eventAfter(state, move, next),
    ]) {
      expect(applied(state, text)).toEqual(refused('full', FULL))
    }
    const ended = applied(state, eventAfter(state, { type: 'deactivate' }, next))
    if (!ended.ok) throw new Error(ended.demand)
    expect(ended.state).toMatchObject({ seq: 2000, deactivated: true })
    expect(applied(ended.state, eventAfter(ended.state, { type: 'deactivate' }, next))).toMatchObject({ why: 'ended' })
  })

  it('lets a thief of the identity key append at most four events to the last places of a committed agent', () => {
    const addedKeys = ['a', 'b', 'c', 'd'].map(p256Key).map(({ kid, jwk }) => Object.assign({ kid, jwk }, label))
    let state = after(1900, { ...stateOf(COMMITTED), addedKeys })
    for (const { kid } of addedKeys) {
      const removed = applied(state, eventAfter(state, { type: 'remove-key', kid }))
      if (!removed.ok) throw new Error(removed.demand)
      state = removed.state
    }
    expect(applied(state, eventAfter(state, { type: 'add-key', ...label }, p256))).toMatchObject({ why: 'full' })
    expect(applied(state, eventAfter(state, { type: 'rotate' }, other))).toMatchObject({ why: 'not-committed' })
    expect(applied(state, eventAfter(state, { type: 'deactivate' }))).toMatchObject({ why: 'not-committed' })
    expect(applied(state, eventAfter(state, move))).toMatchObject({ why: 'not-committed' })
    expect(applied(state, eventAfter(state, { type: 'rotate' }, next))).toMatchObject({ ok: true })
  })
})
