import { describe, expect, it } from 'vitest'
import { type Standing, type StatementState, stateOf } from './state-of.ts'

const NOW = new Date(1_000_000)
const EARLIER = new Date(900_000)
const LATER = new Date(1_100_000)
const ACTIVE: Standing = {
  kind: 'lets_call',
  notBefore: NOW,
  expiresAt: LATER,
  replacedAt: null,
  endedAt: null,
  end: null,
}

describe('stateOf', () => {
  it.each<readonly [StatementState, string, Partial<Standing>, boolean]>([
    ['active', 'that has begun', {}, true],
    ['waiting', 'that begins later', { notBefore: LATER }, true],
    ['active', 'that blocks, although it begins later', { kind: 'blocks', notBefore: LATER }, true],
    ['waiting', 'about an operator of an issuer that is not admitted', {}, false],
    ['expired', 'at its expiry', { expiresAt: NOW }, true],
    ['expired', 'that has expired before its issuer was admitted', { expiresAt: EARLIER }, false],
    ['replaced', 'that a newer version has replaced', { replacedAt: EARLIER }, true],
    ['replaced', 'that has expired since', { replacedAt: EARLIER, expiresAt: NOW }, true],
    ['replaced', 'that allowed more than the newer version', { replacedAt: NOW, endedAt: NOW, end: 'narrowed' }, true],
    ['revoked', 'that was revoked', { endedAt: EARLIER, end: 'revoked' }, true],
    ['revoked', 'that was replaced and then revoked', { replacedAt: EARLIER, endedAt: NOW, end: 'revoked' }, true],
    ['revoked', 'that has ended, whatever has ended it', { endedAt: EARLIER, end: null }, true],
  ])('is %s for a statement %s', (state, _, change, isAdmitted) => {
    expect(stateOf({ ...ACTIVE, ...change }, NOW, isAdmitted)).toBe(state)
  })
})
