import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import { describe, expect, it } from 'vitest'
import { naiveReplay } from '../../simulation/key-events/naive-replayer.ts'
import { identityKeyOf, p256KeyOf } from '../../support/key-events.ts'
import { readVectors, type Vector } from '../support/read-vectors.ts'

interface State {
  readonly did: string
  readonly previous_dids: readonly string[]
  readonly seq: number
  readonly head: string
  readonly iat: number
  readonly kid: string
  readonly next: string | null
  readonly added_keys: readonly { readonly kid: string; readonly label: string; readonly exp: number }[]
  readonly used_kids: readonly string[]
  readonly recorded: boolean
  readonly deactivated: boolean
}

const file = readVectors('key-events.json') as {
  keys: Vector<{ secret_hex: string }, { jwk: { kty: string }; kid: string }>[]
  accepted: Vector<{ events: string[] }, State>[]
  refused: Vector<{ events: string[] }, { refused: string; at: number }>[]
}

describe('key-events.json', () => {
  it.each(file.keys)('has the public half of the key: $name', ({ secret_hex, expect: { jwk, kid } }) => {
    const secret = Buffer.from(secret_hex, 'hex')
    expect(jwk.kty === 'EC' ? p256KeyOf(secret) : identityKeyOf(secret)).toMatchObject({ jwk, kid })
  })

  it.each(file.accepted)('core accepts the log: $name', ({ events, expect: expected }) => {
    const replayed = replayKeyEvents(events, expected.did)
    if (!replayed.ok) throw new Error(replayed.demand)
    const { state } = replayed
    expect({
      did: state.did,
      previous_dids: state.previousDids,
      seq: state.seq,
      head: state.head,
      iat: state.iat,
      kid: state.kid,
      next: state.next ?? null,
      added_keys: state.addedKeys.map(({ kid, label, exp }) => ({ kid, label, exp })),
      used_kids: [...state.usedKids],
      recorded: state.recorded,
      deactivated: state.deactivated,
    }).toEqual(expected)
  })

  it.each(file.accepted)('a replayer without code of core accepts the log: $name', ({ events, expect: expected }) => {
    const {
      did,
      seq,
      head,
      kid,
      previous_dids: left,
      used_kids: used,
      added_keys: added,
      deactivated: ended,
    } = expected
    const next = expected.next ?? undefined
    expect(naiveReplay(events)).toMatchObject({ state: { did, seq, head, kid, left, used, added, next, ended } })
  })

  it.each(file.refused)('core refuses the log: $name', ({ events, expect: { refused, at } }) => {
    expect(replayKeyEvents(events)).toMatchObject({ ok: false, at, why: refused })
  })

  it.each(file.refused)('a replayer without code of core refuses the log: $name', ({ events, expect: expected }) => {
    expect(naiveReplay(events)).toEqual({ at: expected.at, why: expected.refused })
  })

  it('has a log for each kind of fault that short logs can have', () => {
    const faults = new Set(file.refused.map(({ expect: { refused } }) => refused))
    const all = ['malformed', 'conflict', 'signature', 'not-committed', 'reused', 'unknown-key', 'ended']
    expect([...faults].toSorted()).toEqual(all.toSorted())
  })
})
