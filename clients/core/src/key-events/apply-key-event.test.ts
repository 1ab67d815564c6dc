import { describe, expect, it } from 'vitest'
import {
  appended,
  applied,
  begun,
  didOf,
  type EventKey,
  eventOf,
  identityKey,
  nextEvent,
  nextProven,
  p256Key,
  stateOf,
} from '../../../../test/support/key-events.ts'
import { fingerprint, formatDid } from '../identity/did.ts'
import { jwkThumbprint } from '../jose/public-jwk.ts'
import { recordedInception } from './key-event.ts'

const NOW = 1_800_000_000
const [first, next, other] = [identityKey('first'), identityKey('next'), identityKey('other')]
const p256 = p256Key('added')
const did = didOf(first)
const FREE = await begun(first, NOW)
const COMMITTED = await begun(first, NOW, next.kid)

const adding = (log: readonly string[]) => nextProven(log, p256, { type: 'add-key', label: 'a', exp: NOW + 3600 })
const kidOf = (kid: string) => `kid must be ${kid}, the thumbprint of the key that has to sign`
const refused = (why: string, demand: string) => ({ ok: false, why, demand })
const followed = (log: readonly string[], text: string) => applied(stateOf(log), text)

const event = (log: readonly string[], claims: object, signer: EventKey = first, header: object = {}) =>
  nextEvent(log, claims, signer, header)

describe('applyKeyEvent, at the beginning', () => {
  const inception = { type: 'inception', did, seq: 0, iat: NOW, key: first.jwk }
  const smallOrder = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } as const
  const smallDid = formatDid('acme.example', fingerprint(Buffer.alloc(32)))
  const smallKid = jwkThumbprint(smallOrder)

  it('begins with an inception', () => {
    const state = { did, previousDids: [], seq: 0, iat: NOW, createdAt: NOW, recorded: false, key: first.jwk }
    const rest = { kid: first.kid, next: next.kid, addedKeys: [], usedKids: new Set([first.kid]), deactivated: false }
    const text = eventOf(first, { ...inception, next: next.kid })
    expect(applied(undefined, text)).toEqual({ ok: true, state: { ...state, ...rest, head: expect.any(String) } })
  })

  const DID = 'the DID must contain the fingerprint of the first key'
  const POINT = 'key must be a valid Ed25519 key'
  it.each([
    [
      'another type',
      eventOf(first, { type: 'deactivate', did, seq: 1, iat: NOW, prev: next.kid }),
      'conflict',
      'the first event must be an inception',
    ],
    ['seq 1', eventOf(first, { ...inception, seq: 1 }), 'conflict', 'seq of an inception must be 0'],
    ['the DID of another key', eventOf(first, { ...inception, did: didOf(other) }), 'signature', DID],
    ['another key', eventOf(first, { ...inception, key: other.jwk }), 'signature', DID],
    [
      'the signature of another key',
      eventOf(other, inception, { kid: first.kid }),
      'signature',
      'the event must be signed with the key that kid names',
    ],
    [
      'the kid of another key',
      eventOf(other, inception),
      'signature',
      `kid must be ${first.kid}, the thumbprint of the key that has to sign`,
    ],
    [
      'a commitment to its own key',
      eventOf(first, { ...inception, next: first.kid }),
      'reused',
      'next must name another key than key',
    ],
    [
      'a key of small order',
      eventOf(first, { ...inception, did: smallDid, key: smallOrder }, { kid: smallKid }),
      'malformed',
      POINT,
    ],
    [
      'a recorded key of small order',
      recordedInception({ did: smallDid, key: smallOrder, iat: NOW }),
      'malformed',
      POINT,
    ],
    [
      'a recorded key of another DID',
      recordedInception({ did: didOf(other), key: first.jwk, iat: NOW }),
      'signature',
      DID,
    ],
  ])('refuses %s', (_name, text, why, demand) => {
    expect(applied(undefined, text)).toEqual(refused(why, demand))
  })
})

describe('applyKeyEvent, about the place of an event', () => {
  const end = { type: 'deactivate' }
  const { head } = stateOf(FREE)
  const PREV = 'prev must be the SHA-256 of the last event of the log'

  it.each([
    [
      'a second inception',
      eventOf(first, { type: 'inception', did, seq: 0, iat: NOW, key: first.jwk }),
      'only the first event may be an inception',
    ],
    ['the DID of another agent', event(FREE, { ...end, did: didOf(other) }), `did must be ${did}`],
    ['the number of the last event', event(FREE, { ...end, seq: 0 }), 'seq must be 1'],
    ['a gap in the numbers', event(FREE, { ...end, seq: 2 }), 'seq must be 1'],
    ['the digest of another log', event(FREE, { ...end, prev: stateOf(COMMITTED).head }), PREV],
    [
      'the digest with its bytes in reverse order',
      event(FREE, { ...end, prev: Buffer.from(Buffer.from(head, 'base64url').toReversed()).toString('base64url') }),
      PREV,
    ],
    [
      'a time before the last event',
      event(FREE, { ...end, iat: NOW - 1 }),
      `iat must not be before ${NOW}, when the last event was signed`,
    ],
  ])('refuses %s', (_name, text, demand) => {
    expect(followed(FREE, text)).toEqual(refused('conflict', demand))
  })

  it('accepts the second of the last event', () => {
    expect(followed(FREE, event(FREE, { ...end, iat: NOW }))).toMatchObject({ ok: true })
  })

  it('refuses every event after deactivate', async () => {
    const log = await appended(FREE, first, { type: 'deactivate' })
    const texts = [event(log, end), event(log, adding(log)), event(log, { type: 'remove-key', kid: p256.kid })]
    for (const text of texts) {
      expect(followed(log, text)).toEqual(refused('ended', 'the agent must not be deactivated'))
    }
  })

  it('refuses an event that is in the log already', async () => {
    const log = await appended(FREE, first, { type: 'rotate', key: next })
    for (const text of log.slice(1)) expect(followed(log, text)).toEqual(refused('conflict', 'seq must be 2'))
  })
})

describe('applyKeyEvent, about the signer', () => {
  const SIGNED = 'the event must be signed with the key that kid names'
  const end = { type: 'deactivate' }

  it('refuses an event of a key that is not the identity key', async () => {
    const added = await appended(FREE, first, { type: 'add-key', key: other, label: 'a', exp: NOW + 3600 })
    const rotated = await appended(FREE, first, { type: 'rotate', key: next })
    expect(followed(FREE, event(FREE, end, other))).toEqual(refused('signature', kidOf(first.kid)))
    expect(followed(FREE, event(FREE, end, other, { kid: first.kid }))).toEqual(refused('signature', SIGNED))
    expect(followed(added, event(added, end, other))).toEqual(refused('signature', kidOf(first.kid)))
    expect(followed(rotated, event(rotated, end, first))).toEqual(refused('signature', kidOf(next.kid)))
  })

  it('refuses a committed key for every event except recover', () => {
    for (const claims of [end, nextProven(COMMITTED, next, { type: 'rotate' }), adding(COMMITTED)]) {
      expect(followed(COMMITTED, event(COMMITTED, claims, next))).toEqual(refused('signature', kidOf(first.kid)))
    }
  })

  it('accepts recover only from the committed key', () => {
    const recover = { type: 'recover', key: next.jwk }
    expect(followed(COMMITTED, event(COMMITTED, recover, next))).toMatchObject({
      ok: true,
      state: { kid: next.kid },
    })
    expect(followed(COMMITTED, event(COMMITTED, recover, first))).toEqual(refused('signature', kidOf(next.kid)))
    expect(followed(COMMITTED, event(COMMITTED, recover, first, { kid: next.kid }))).toEqual(
      refused('signature', SIGNED),
    )
  })
})

describe('applyKeyEvent, about moves', () => {
  const move = { type: 'move', operator_id: '11111111-1111-8111-8111-111111111111', issuer: 'https://auth.example.net' }
  const DEMAND = 'to must be a DID with the same fingerprint under another domain'

  it('continues the log under the new DID', async () => {
    const to = didOf(first, 'other.example')
    const change = { type: 'move', to, operatorId: move.operator_id, issuer: move.issuer } as const
    const moved = await appended(FREE, first, change)
    expect(stateOf(moved)).toMatchObject({ did: to, previousDids: [did], kid: first.kid })
    const old = event(moved, { type: 'deactivate', did })
    expect(followed(moved, old)).toEqual(refused('conflict', `did must be ${to}`))
  })

  it('refuses a move to a DID that the agent had before, because that one is deactivated for good', async () => {
    let log = FREE
    for (const domain of ['b.example', 'c.example']) {
      const to = didOf(first, domain)
      log = await appended(log, first, { type: 'move', to, operatorId: move.operator_id, issuer: move.issuer })
    }
    for (const to of [did, didOf(first, 'b.example')]) {
      const demand = 'to must be a DID that the agent never had'
      expect(followed(log, event(log, { ...move, to }))).toEqual(refused('malformed', demand))
    }
  })

  it('keeps the fingerprint of the first key after a rotation', async () => {
    const rotated = await appended(FREE, first, { type: 'rotate', key: next })
    const text = event(rotated, { ...move, to: didOf(next, 'other.example') }, next)
    expect(followed(rotated, text)).toEqual(refused('malformed', DEMAND))
  })

  it.each([
    ['the same DID', did],
    ['the fingerprint of another agent', didOf(other)],
  ])('refuses a move to %s', (_name, to) => {
    expect(followed(FREE, event(FREE, { ...move, to }))).toEqual(refused('malformed', DEMAND))
  })
})
