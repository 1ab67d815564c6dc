import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { describe, expect, it } from 'vitest'
import { type KnownKey, mergeKeys, type OfferedKey } from './merge-keys.ts'

const NOW = 1_000_000
const MINUTE = 60_000
const jwk: PublicJwk = { kty: 'OKP', crv: 'Ed25519', x: 'x' }

const offered = (kid: string, edits: Partial<OfferedKey> = {}): OfferedKey => ({
  kid,
  alg: 'EdDSA',
  jwk,
  thumbprint: kid,
  ...edits,
})
const known = (kid: string, { absentSince, withdrawnAt }: Readonly<Record<string, number>> = {}): KnownKey => ({
  kid,
  alg: 'EdDSA',
  thumbprint: kid,
  absentSince: absentSince === undefined ? null : new Date(absentSince),
  withdrawnAt: withdrawnAt === undefined ? null : new Date(withdrawnAt),
})
const NOTHING = { inserted: [], returned: [], absent: [], withdrawn: [], refused: [] }
const merge = (before: readonly KnownKey[], set: readonly OfferedKey[], ours: readonly string[] = []) =>
  mergeKeys({ known: before, offered: set, ours: new Set(ours), now: NOW })

describe('mergeKeys', () => {
  it('inserts a new key', () => {
    expect(merge([], [offered('a')])).toEqual({ ...NOTHING, inserted: [offered('a')] })
  })

  it('changes nothing about a key that is still there', () => {
    expect(merge([known('a')], [offered('a')])).toEqual(NOTHING)
  })

  it('stops a key that the newest set lacks, without withdrawing it', () => {
    expect(merge([known('a')], [])).toEqual({ ...NOTHING, absent: ['a'] })
  })

  it('takes a key back that was absent from one set', () => {
    const before = known('a', { absentSince: NOW - 10 * MINUTE })
    expect(merge([before], [offered('a')])).toEqual({ ...NOTHING, returned: ['a'] })
  })

  it.each([
    ['withdraws a key that is absent again after a minute', NOW - MINUTE, ['a']],
    ['does not withdraw a key that is absent again within a minute', NOW - MINUTE + 1, []],
  ])('%s', (_, absentSince, withdrawn) => {
    expect(merge([known('a', { absentSince })], [])).toEqual({ ...NOTHING, withdrawn })
  })

  // Row 16 of the attacks: a replayed JWKS brings no withdrawn key back.
  it('tells that a withdrawn key is published again, but does not end its withdrawal', () => {
    const before = known('a', { absentSince: NOW - MINUTE, withdrawnAt: NOW - 1 })
    expect(merge([before], [offered('a')])).toEqual({ ...NOTHING, returned: ['a'] })
  })

  it('withdraws a key only once', () => {
    expect(merge([known('a', { absentSince: NOW - MINUTE, withdrawnAt: NOW - 1 })], [])).toEqual(NOTHING)
  })

  it('refuses a key of this deployment, and takes the rest of the set', () => {
    expect(merge([], [offered('a'), offered('b')], ['a'])).toEqual({
      ...NOTHING,
      inserted: [offered('b')],
      refused: [{ kid: 'a', why: 'KEY_IS_OURS' }],
    })
  })

  it.each([
    ['another key', { thumbprint: 'other' }],
    ['another algorithm', { alg: 'Ed25519' as const }],
  ])('refuses %s under a known kid, and stops the known key', (_, edits) => {
    expect(merge([known('a')], [offered('a', edits)])).toEqual({
      ...NOTHING,
      absent: ['a'],
      refused: [{ kid: 'a', why: 'KEY_CHANGED' }],
    })
  })

  it('refuses a key under a second kid', () => {
    const set = [offered('a'), offered('b', { thumbprint: 'a' })]
    expect(merge([], set).refused).toEqual([{ kid: 'b', why: 'KEY_REPEATED' }])
  })
})
