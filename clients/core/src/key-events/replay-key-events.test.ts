import { describe, expect, it } from 'vitest'
import {
  appended,
  begun,
  didOf,
  eventOf,
  identityKey,
  nextPlace,
  p256Key,
  stateOf,
} from '../../../../test/support/key-events.ts'
import { applyKeyEvent } from './apply-key-event.ts'
import { parseKeyEvent, recordedInception } from './key-event.ts'
import type { KeyState } from './key-state.ts'
import { replayKeyEvents } from './replay-key-events.ts'

const NOW = 1_800_000_000
const [first, second, third] = [identityKey('first'), identityKey('second'), identityKey('third')]
const p256 = p256Key('added')
const did = didOf(first)
const to = didOf(first, 'other.example')

/** A log with an event of each type. */
const LOG = await [
  { signer: first, change: { type: 'add-key', key: p256, label: 'laptop', exp: NOW + 3600 } },
  { signer: first, change: { type: 'rotate', key: second, next: third.kid } },
  { signer: third, change: { type: 'recover' } },
  { signer: third, change: { type: 'remove-key', kid: p256.kid } },
  {
    signer: third,
    change: { type: 'move', to, operatorId: '11111111-1111-8111-8111-111111111111', issuer: 'https://auth.example' },
  },
  { signer: third, change: { type: 'deactivate' } },
].reduce(
  async (log, { signer, change }) => appended(await log, signer, change as Parameters<typeof appended>[2]),
  begun(first, NOW, second.kid),
)

const refused = (at: number, why: string, demand: unknown = expect.any(String)) => ({ ok: false, at, why, demand })

describe('replayKeyEvents', () => {
  it('follows a whole history', () => {
    expect(replayKeyEvents(LOG, to)).toEqual({
      ok: true,
      state: {
        did: to,
        previousDids: [did],
        seq: 6,
        head: expect.stringMatching(/^[\w-]{43}$/),
        iat: NOW + 6,
        createdAt: NOW,
        recorded: false,
        key: third.jwk,
        kid: third.kid,
        next: undefined,
        addedKeys: [],
        usedKids: new Set([first.kid, second.kid, third.kid]),
        deactivated: true,
      },
    })
  })

  it('returns the same state as applyKeyEvent, event by event', () => {
    let state: KeyState | undefined
    for (const [at, text] of LOG.entries()) {
      const event = parseKeyEvent(text)
      const applied = event.ok ? applyKeyEvent(state, event) : event
      if (!applied.ok) throw new Error(applied.demand)
      state = applied.state
      expect(replayKeyEvents(LOG.slice(0, at + 1))).toEqual({ ok: true, state })
    }
  })

  it('begins with a recorded inception, which has no signature', async () => {
    const start = [recordedInception({ did, key: first.jwk, iat: NOW })]
    expect(stateOf(start)).toMatchObject({ recorded: true, next: undefined, kid: first.kid, createdAt: NOW })
    const rotated = await appended(start, first, { type: 'rotate', key: second, next: third.kid })
    expect(stateOf(rotated)).toMatchObject({ recorded: true, kid: second.kid, next: third.kid })
  })

  it('says which event is wrong', () => {
    const [inception = '', added = '', ...rest] = LOG
    expect(replayKeyEvents([])).toEqual(refused(0, 'conflict', 'the log must have at least 1 events'))
    expect(replayKeyEvents([''])).toEqual(refused(0, 'malformed'))
    expect(replayKeyEvents(LOG.slice(1))).toEqual(refused(0, 'conflict', 'the first event must be an inception'))
    expect(replayKeyEvents([inception, inception])).toEqual(refused(1, 'conflict'))
    expect(replayKeyEvents([inception, ...rest])).toEqual(refused(1, 'conflict', 'seq must be 1'))
    expect(replayKeyEvents([inception, added, added, ...rest])).toEqual(refused(2, 'conflict', 'seq must be 2'))
    expect(replayKeyEvents([...LOG, LOG[6] ?? ''])).toEqual(refused(7, 'ended'))
  })

  it('refuses a log that ends with another DID than the caller expects', () => {
    expect(replayKeyEvents(LOG, did)).toEqual(refused(6, 'conflict', `the log must end with the DID ${did}`))
    expect(replayKeyEvents(LOG.slice(0, 5), did)).toMatchObject({ ok: true })
  })

  describe('with an end of the log that the caller has seen before', () => {
    const seen = stateOf(LOG.slice(0, 3))

    it('accepts the same log and every log that continues it', () => {
      for (const length of [3, 4, 7]) {
        expect(replayKeyEvents(LOG.slice(0, length), undefined, seen)).toMatchObject({ ok: true })
      }
    })

    it('refuses a log that ends before', () => {
      const demand = 'the log must have at least 3 events'
      expect(replayKeyEvents(LOG.slice(0, 2), undefined, seen)).toEqual(refused(2, 'conflict', demand))
      expect(replayKeyEvents([], undefined, seen)).toEqual(refused(0, 'conflict', demand))
    })

    it('refuses another log of the same first key, which is valid by itself', async () => {
      let fork = await begun(first, NOW)
      for (const name of ['a', 'b', 'c']) {
        fork = await appended(fork, first, { type: 'add-key', key: p256Key(name), label: name, exp: NOW + 3600 })
      }
      expect(replayKeyEvents(fork, did)).toMatchObject({ ok: true })
      const demand = `the event must have the SHA-256 ${seen.head}, as it was seen before`
      expect(replayKeyEvents(fork, did, seen)).toEqual(refused(2, 'conflict', demand))
    })
  })

  it('accepts 2,000 events and then only deactivate', async () => {
    const issuer = 'https://auth.example'
    const move = { type: 'move', operator_id: '11111111-1111-8111-8111-111111111111', issuer }
    const log = [...(await begun(first, NOW))]
    let place = nextPlace(log)
    for (let seq = 1; seq < 2000; seq += 1) {
      const event = parseKeyEvent(eventOf(first, { ...place, ...move, to: didOf(first, `d${seq}.example`) }))
      if (!event.ok) throw new Error(event.demand)
      log.push(event.text)
      place = { did: didOf(first, `d${seq}.example`), seq: seq + 1, prev: event.digest, iat: place.iat }
    }
    expect(replayKeyEvents(log)).toMatchObject({ ok: true, state: { seq: 1999 } })
    expect(replayKeyEvents([...log, eventOf(first, { ...place, ...move, to })])).toEqual(refused(2000, 'full'))
    const ended = [...log, eventOf(first, { ...place, type: 'deactivate' })]
    expect(replayKeyEvents(ended)).toMatchObject({ ok: true, state: { seq: 2000, deactivated: true } })
  })
})
