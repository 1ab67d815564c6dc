import { describe, expect, it } from 'vitest'
import type { RevocationRecord, TokenIdentity, TrustBasis } from './revocation-log.ts'
import { createRevocationState, type RevocationState } from './revocation-state.ts'

const OTHER = 'another operator'
const token: TokenIdentity = {
  jti: 'jti',
  operatorId: 'operator',
  sub: 'did',
  agentEpoch: 5,
  operatorEpoch: 5,
  kid: 'kid',
}

let sequence = 0
/** Makes a record. Members that do not matter here are empty or 0. */
function record(kind: string, operatorId: string, subject: string, minimumEpoch = 0): RevocationRecord {
  sequence += 1
  const place = { logEpoch: 1, sequence, hash: '', previousHash: '' }
  return { ...place, kind, operatorId, subject, minimumEpoch, expiresAt: 0, recordedAt: 0 }
}

function stateOf(...records: readonly RevocationRecord[]): RevocationState {
  const state = createRevocationState()
  for (const one of records) expect(state.apply(one)).toBe(true)
  return state
}

it('an empty revocation state finds no reason against a token', () => {
  expect(createRevocationState().lookup(token)).toBeUndefined()
})

describe('lookup', () => {
  it.each<[RevocationRecord, string | undefined]>([
    [record('token', 'operator', 'jti'), 'TOKEN_REVOKED'],
    [record('token', 'operator', 'other'), undefined],
    [record('token', OTHER, 'jti'), undefined],
    [record('agent', 'operator', 'did', 6), 'AGENT_TOKENS_ENDED'],
    [record('agent', 'operator', 'did', 5), undefined],
    [record('agent', 'operator', 'other', 6), undefined],
    [record('agent', OTHER, 'did', 6), undefined],
    [record('operator', 'operator', '', 6), 'OPERATOR_TOKENS_ENDED'],
    [record('operator', 'operator', '', 5), undefined],
    [record('operator', OTHER, '', 6), undefined],
    [record('deployment', '', '', 6), 'OPERATOR_TOKENS_ENDED'],
    [record('deployment', '', '', 5), undefined],
    [record('key', '', 'kid'), 'UNKNOWN_KEY'],
    [record('key', '', 'other'), undefined],
  ])('after the record %j returns %s', (one, verdict) => {
    expect(stateOf(one).lookup(token)).toBe(verdict)
  })
})

const ISSUER = 'https://other.example'
const through = { ...token, edges: ['edge 1', 'edge 2'], home: { issuer: ISSUER, generation: 5 } }
const basis: TrustBasis = {
  issuers: [
    { issuer: ISSUER, generation: 5 },
    { issuer: 'https://third.example', generation: 5 },
  ],
  edges: ['edge 1', 'edge 2'],
  authors: [
    { operatorId: 'author 1', epoch: 5 },
    { operatorId: 'author 2', epoch: 5 },
  ],
}

describe('lookup, for a token that was issued through trust,', () => {
  it.each<[RevocationRecord, string | undefined]>([
    [record('issuer', '', ISSUER, 6), 'ISSUER_DISABLED'],
    [record('issuer', '', ISSUER, 5), undefined],
    [record('issuer', '', `${ISSUER}/`, 6), undefined],
    [record('edge', '', 'edge 1'), 'TRUST_ENDED'],
    [record('edge', '', 'edge 2'), 'TRUST_ENDED'],
    [record('edge', '', 'edge 3'), undefined],
    [record('edge', '', ISSUER), undefined],
    [record('token', 'operator', 'jti'), 'TOKEN_REVOKED'],
  ])('after the record %j returns %s', (one, verdict) => {
    expect(stateOf(one).lookup(through)).toBe(verdict)
  })

  it('returns undefined for another token', () => {
    const state = stateOf(record('issuer', '', ISSUER, 6), record('edge', '', 'edge 1'))
    expect(state.lookup(token)).toBeUndefined()
    expect(state.lookup({ ...token, edges: ['edge 3'] })).toBeUndefined()
  })
})

describe('lookupTrust', () => {
  it.each<[RevocationRecord, string | undefined]>([
    [record('issuer', '', ISSUER, 6), 'ISSUER_DISABLED'],
    [record('issuer', '', 'https://third.example', 6), 'ISSUER_DISABLED'],
    [record('issuer', '', ISSUER, 5), undefined],
    [record('issuer', '', 'https://fourth.example', 6), undefined],
    [record('edge', '', 'edge 1'), 'TRUST_ENDED'],
    [record('edge', '', 'edge 2'), 'TRUST_ENDED'],
    [record('edge', '', 'edge 3'), undefined],
    [record('operator', 'author 1', '', 6), 'TRUST_ENDED'],
    [record('operator', 'author 2', '', 6), 'TRUST_ENDED'],
    [record('operator', 'author 2', '', 5), undefined],
    [record('operator', OTHER, '', 6), undefined],
    [record('deployment', '', '', 6), 'TRUST_ENDED'],
    [record('deployment', '', '', 5), undefined],
    [record('agent', 'author 1', 'did', 6), undefined],
  ])('after the record %j returns %s', (one, verdict) => {
    expect(stateOf(one).lookupTrust(basis)).toBe(verdict)
  })

  it('returns undefined for a basis of nothing', () => {
    const state = stateOf(
      record('issuer', '', ISSUER, 6),
      record('edge', '', 'edge 1'),
      record('deployment', '', '', 6),
    )
    expect(state.lookupTrust({ issuers: [], edges: [], authors: [] })).toBeUndefined()
  })

  it('finds nothing after the records are forgotten, and finds later ones', () => {
    const state = stateOf(record('issuer', '', ISSUER, 6), record('edge', '', 'edge 1'))
    const first = sequence
    for (const one of [record('issuer', '', 'https://third.example', 6), record('edge', '', 'edge 3')]) state.apply(one)
    expect(state.size).toBe(4)
    state.forget(first)
    expect([state.size, state.lookup(through)]).toEqual([2, undefined])
    expect(state.lookupTrust(basis)).toBe('ISSUER_DISABLED')
    expect(state.lookupTrust({ ...basis, issuers: [], edges: ['edge 3'] })).toBe('TRUST_ENDED')
  })
})

it('a revocation state keeps the highest epoch, in any order of records', () => {
  const agent = (least: number) => record('agent', 'operator', 'did', least)
  expect(stateOf(agent(6), agent(3)).lookup(token)).toBe('AGENT_TOKENS_ENDED')
  const issuer = (least: number) => record('issuer', '', ISSUER, least)
  expect(stateOf(issuer(6), issuer(3)).lookup(through)).toBe('ISSUER_DISABLED')
  const state = stateOf(record('deployment', '', '', 6), record('operator', 'operator', '', 3))
  expect(state.lookup(token)).toBe('OPERATOR_TOKENS_ENDED')
})

it('apply returns false for a record of unknown kind', () => {
  const state = createRevocationState()
  expect(state.apply(record('device', 'operator', 'jti'))).toBe(false)
  expect(state.apply(record('toString', '', ''))).toBe(false)
  expect(state.size).toBe(0)
})

it('forget removes the records up to a sequence and keeps later ones', () => {
  const records = [record('token', 'operator', 'first'), record('token', 'operator', 'jti'), record('key', '', 'later')]
  const state = stateOf(...records)
  state.forget(records[1]?.sequence ?? 0)
  expect(state.lookup(token)).toBeUndefined()
  expect(state.lookup({ ...token, kid: 'later' })).toBe('UNKNOWN_KEY')
  expect(state.size).toBe(1)
})

it('forget keeps an agent that a later record ended again', () => {
  const [first, between, again] = [
    record('agent', 'operator', 'did', 6),
    record('agent', 'operator', 'other', 6),
    record('agent', 'operator', 'did', 6),
  ]
  const state = stateOf(first, between, again)
  state.forget(between.sequence)
  expect(state.lookup(token)).toBe('AGENT_TOKENS_ENDED')
  expect(state.size).toBe(1)
})

const tokenRecord = (jti: string, operatorId = 'operator') => record('token', operatorId, jti)
const bounded = (...records: readonly RevocationRecord[]) => {
  const state = createRevocationState(2)
  for (const one of records) state.apply(one)
  return state
}
const raised = () => record('operator', 'operator', '', 6)

describe('a record that ends all tokens of an operator', () => {
  it("replaces the operator's token records if their number has reached the limit", () => {
    const state = bounded(tokenRecord('jti'), tokenRecord('other'), tokenRecord('jti', OTHER), raised())
    expect(state.size).toBe(2)
    expect(state.lookup(token)).toBe('OPERATOR_TOKENS_ENDED')
    expect(state.lookup({ ...token, operatorId: OTHER })).toBe('TOKEN_REVOKED')
  })

  it('keeps fewer token records, so that a revoked token still answers TOKEN_REVOKED', () => {
    expect(bounded(tokenRecord('jti'), raised()).lookup(token)).toBe('TOKEN_REVOKED')
  })

  it('does not replace later token records, in any order of application', () => {
    const [first, end, later, last] = [tokenRecord('a'), raised(), tokenRecord('jti'), tokenRecord('b')]
    for (const order of [
      [first, end, later, last],
      [first, later, last, end],
    ]) {
      expect(bounded(...order).lookup({ ...token, operatorEpoch: 6 })).toBe('TOKEN_REVOKED')
    }
  })

  it('does not replace token records if it does not raise the epoch', () => {
    const state = bounded(raised(), tokenRecord('jti'), tokenRecord('other'), record('operator', 'operator', '', 3))
    expect(state.lookup({ ...token, operatorEpoch: 6 })).toBe('TOKEN_REVOKED')
  })
})
