import { describe, expect, it } from 'vitest'
import {
  appended,
  applied,
  begun,
  didOf,
  type EventKey,
  identityKey,
  nextEvent,
  nextPlace,
  nextProven,
  p256Key,
  proofOf,
  stateOf,
} from '../../../../test/support/key-events.ts'
import { MAX_ADDED_KEY_LIFETIME_S } from './key-state.ts'

const NOW = 1_800_000_000
const [first, next, other] = [identityKey('first'), identityKey('next'), identityKey('other')]
const [spare, p256] = [identityKey('spare'), p256Key('added')]
const FREE = await begun(first, NOW)
const COMMITTED = await begun(first, NOW, next.kid)
const DAY = 86_400

const refused = (why: string, demand: string) => ({ ok: false, why, demand })
const followed = (log: readonly string[], text: string) => applied(stateOf(log), text)

const adding = (log: readonly string[], key: EventKey, change: object = {}) => {
  return nextProven(log, key, { type: 'add-key', label: 'TPM', exp: NOW + DAY, ...change })
}

const event = (log: readonly string[], claims: object, signer: EventKey = first, header: object = {}) =>
  nextEvent(log, claims, signer, header)

describe('applyKeyEvent, about commitments', () => {
  const COMMITMENT = 'key must be the key to which the agent committed'

  it.each([
    ['rotate to another key', event(COMMITTED, nextProven(COMMITTED, other, { type: 'rotate' })), COMMITMENT],
    ['recover with another key', event(COMMITTED, { type: 'recover', key: other.jwk }, other), COMMITMENT],
  ])('refuses %s', (_name, text, demand) => {
    expect(followed(COMMITTED, text)).toEqual(refused('not-committed', demand))
  })

  it('refuses recover without a commitment', () => {
    const text = event(FREE, { type: 'recover', key: next.jwk }, next)
    expect(followed(FREE, text)).toEqual(refused('not-committed', 'the agent must have committed to a key'))
  })

  it('replaces the commitment with each rotation, and ends it with a rotation without next', async () => {
    const recommitted = await appended(COMMITTED, first, { type: 'rotate', key: next, next: other.kid })
    expect(stateOf(recommitted)).toMatchObject({ kid: next.kid, next: other.kid })
    const again = event(recommitted, nextProven(recommitted, spare, { type: 'rotate' }), next)
    expect(followed(recommitted, again)).toEqual(refused('not-committed', COMMITMENT))
    const free = await appended(recommitted, next, { type: 'rotate', key: other })
    expect(stateOf(free)).toMatchObject({ kid: other.kid, next: undefined })
    expect(await appended(free, other, { type: 'rotate', key: spare })).toHaveLength(4)
  })
})

const to = didOf(first, 'other.example')
const MOVE = { type: 'move', to, operator_id: '11111111-1111-8111-8111-111111111111', issuer: 'https://auth.example' }

describe.each([
  ['deactivate', { type: 'deactivate' }, { deactivated: true }],
  ['move', MOVE, { did: to, previousDids: [didOf(first)] }],
])('applyKeyEvent, about the committed key in %s', (_type, change, ended) => {
  const claims = { ...nextPlace(COMMITTED), ...change, key: next.jwk }
  const COMMITTED_KEY = 'key must be the key to which the agent committed'

  it('accepts the committed key with its proof, and keeps the identity key and the commitment', () => {
    const text = event(COMMITTED, nextProven(COMMITTED, next, change))
    const keys = { kid: first.kid, key: first.jwk, next: next.kid, usedKids: new Set([first.kid]) }
    expect(followed(COMMITTED, text)).toMatchObject({ ok: true, state: { ...keys, ...ended } })
  })

  it('needs no key from an agent without a commitment, and refuses one', () => {
    expect(followed(FREE, event(FREE, change))).toMatchObject({ ok: true, state: ended })
    const demand = 'the agent must have committed to a key'
    expect(followed(FREE, event(FREE, nextProven(FREE, next, change)))).toEqual(refused('not-committed', demand))
  })

  it.each([
    ['no key', change, 'not-committed', 'the event must have the key to which the agent committed, and its proof'],
    ['another key', nextProven(COMMITTED, other, change), 'not-committed', COMMITTED_KEY],
    ['the identity key', nextProven(COMMITTED, first, change), 'not-committed', COMMITTED_KEY],
    [
      'the proof of the identity key',
      { ...claims, proof: proofOf(first, claims) },
      'signature',
      'kid of the proof must be the thumbprint of the new key',
    ],
    [
      'a proof that the identity key has signed under the kid of the committed key',
      { ...claims, proof: proofOf(first, claims, { kid: next.kid }) },
      'signature',
      'the proof must be signed with the new key',
    ],
  ])('refuses %s from an agent that has committed', (_name, all, why, demand) => {
    expect(followed(COMMITTED, event(COMMITTED, all))).toEqual(refused(why, demand))
  })

  it('asks for the key of the last commitment', async () => {
    const log = await appended(COMMITTED, first, { type: 'rotate', key: next, next: other.kid })
    expect(followed(log, event(log, nextProven(log, next, change), next))).toMatchObject({
      why: 'not-committed',
    })
    expect(followed(log, event(log, nextProven(log, other, change), next))).toMatchObject({ ok: true })
  })
})

describe('applyKeyEvent, about keys that come back', () => {
  const NEW = 'key must be new to the agent'
  const NEXT = 'next must name a key that is new to the agent'

  it('refuses a key that is or was the identity key, as identity key and as added key', async () => {
    const log = await appended(FREE, first, { type: 'rotate', key: next })
    for (const key of [first, next]) {
      expect(followed(log, event(log, nextProven(log, key, { type: 'rotate' }), next))).toEqual(refused('reused', NEW))
      expect(followed(log, event(log, adding(log, key), next))).toEqual(refused('reused', NEW))
    }
  })

  it('refuses an added key, as identity key and a second time', async () => {
    const log = await appended(FREE, first, { type: 'add-key', key: other, label: 'a', exp: NOW + DAY })
    expect(followed(log, event(log, nextProven(log, other, { type: 'rotate' })))).toEqual(refused('reused', NEW))
    expect(followed(log, event(log, adding(log, other)))).toEqual(refused('reused', NEW))
  })

  it('refuses the committed key as added key', () => {
    expect(followed(COMMITTED, event(COMMITTED, adding(COMMITTED, next)))).toEqual(refused('reused', NEW))
  })

  it('refuses a commitment to a known key', async () => {
    const log = await appended(FREE, first, { type: 'add-key', key: p256, label: 'a', exp: NOW + DAY })
    for (const kid of [first.kid, next.kid, p256.kid]) {
      const text = event(log, nextProven(log, next, { type: 'rotate', next: kid }))
      expect(followed(log, text)).toEqual(refused('reused', NEXT))
    }
    const recover = event(COMMITTED, { type: 'recover', key: next.jwk, next: first.kid }, next)
    expect(followed(COMMITTED, recover)).toEqual(refused('reused', NEXT))
  })

  it('accepts a removed key as added key again, and as identity key', async () => {
    const change = { type: 'add-key', key: other, label: 'a', exp: NOW + DAY } as const
    const removed = await appended(await appended(FREE, first, change), first, { type: 'remove-key', kid: other.kid })
    expect(stateOf(await appended(removed, first, change)).addedKeys).toHaveLength(1)
    expect(stateOf(await appended(removed, first, { type: 'rotate', key: other })).kid).toBe(other.kid)
  })
})

describe('applyKeyEvent, about added keys', () => {
  it('keeps added keys over rotations, until they are removed', async () => {
    let log = await appended(COMMITTED, first, { type: 'add-key', key: p256, label: 'TPM', exp: NOW + DAY })
    log = await appended(log, next, { type: 'recover', next: other.kid })
    log = await appended(log, next, { type: 'rotate', key: other })
    const added = { kid: p256.kid, jwk: p256.jwk, label: 'TPM', exp: NOW + DAY }
    expect(stateOf(log)).toMatchObject({ kid: other.kid, addedKeys: [added] })
    log = await appended(log, other, { type: 'remove-key', kid: p256.kid })
    expect(stateOf(log).addedKeys).toEqual([])
  })

  it('refuses a fifth key, also when the others have expired', async () => {
    let log = FREE
    for (const name of ['a', 'b', 'c', 'd']) {
      log = await appended(log, first, { type: 'add-key', key: p256Key(name), label: name, exp: NOW + DAY })
    }
    const iat = NOW + 10 * DAY
    const claims = adding(log, p256Key('e'), { iat, exp: iat + DAY })
    const text = event(log, claims)
    expect(followed(log, text)).toEqual(refused('too-many-keys', 'the agent must have fewer than 4 added keys'))
  })

  it.each([
    ['the second of the event', NOW + 1],
    ['a time in the past', NOW],
    ['366 days and a second later', NOW + 2 + MAX_ADDED_KEY_LIFETIME_S],
  ])('refuses an expiry at %s', (_name, exp) => {
    const demand = 'exp must be after iat, by at most 366 days'
    expect(followed(FREE, event(FREE, adding(FREE, p256, { exp })))).toEqual(refused('malformed', demand))
  })

  it.each([NOW + 2, NOW + 1 + MAX_ADDED_KEY_LIFETIME_S])('accepts an expiry at the limit %i', (exp) => {
    expect(followed(FREE, event(FREE, adding(FREE, p256, { exp })))).toMatchObject({ ok: true })
  })

  it('refuses to remove a key that is not an added key', async () => {
    const log = await appended(FREE, first, { type: 'add-key', key: p256, label: 'TPM', exp: NOW + DAY })
    for (const kid of [first.kid, other.kid]) {
      const demand = 'kid must be the thumbprint of an added key'
      expect(followed(log, event(log, { type: 'remove-key', kid }))).toEqual(refused('unknown-key', demand))
    }
  })

  it.each([
    ['rotate', { type: 'rotate' }, next],
    ['add-key', { type: 'add-key', label: 'TPM', exp: NOW + DAY }, spare],
  ])('refuses %s with the proof of another key', (_type, change, key) => {
    const claims = { ...nextPlace(FREE), ...change, key: key.jwk }
    const text = event(FREE, { ...claims, proof: proofOf(other, claims, { kid: key.kid }) })
    expect(followed(FREE, text)).toEqual(refused('signature', 'the proof must be signed with the new key'))
  })
})
