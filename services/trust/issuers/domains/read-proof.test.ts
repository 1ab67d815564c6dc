import { recordValue } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import { describe, expect, it } from 'vitest'
import { readProof } from './read-proof.ts'

const issuer = 'https://beta.io/auth'
const operatorId = '00000000-0000-8000-8000-000000000001'
const thumbprint = 'k'.repeat(43)
const ours = recordValue({ issuer, operatorId, thumbprint })
const other = recordValue({ issuer, operatorId: operatorId.replace('1', '2'), thumbprint })
const proven = { kind: 'proven', operatorId, thumbprint }

const says = (...records: readonly string[]): TxtAnswer => ({ kind: 'records', records })
const absent: TxtAnswer = { kind: 'absent' }
const failed: TxtAnswer = { kind: 'failed', why: 'ETIMEOUT' }

describe('readProof', () => {
  it.each([
    ['one resolver', [says(ours)]],
    ['two of three resolvers, and one without an answer', [says(ours), failed, says(ours)]],
    ['two of three resolvers, and one with another record', [says(ours), says(other), says(ours)]],
    [
      'a record beside records of other issuers',
      [says(ours, recordValue({ issuer: `${issuer}/`, operatorId, thumbprint }), 'v=spf1 -all')],
    ],
    ['a record that a server sends twice', [says(ours, ours)]],
  ])('is proven by %s', (_, answers) => {
    expect(readProof(answers, issuer)).toEqual(proven)
  })

  it.each([
    ['no record', [absent], 'not-found'],
    [
      'only records of other issuers',
      [says('v=spf1 -all', recordValue({ issuer: 'https://beta.io', operatorId, thumbprint }))],
      'not-found',
    ],
    ['two records of the issuer', [says(ours, other)], 'contested'],
    [
      'the same operator with two keys',
      [says(ours, recordValue({ issuer, operatorId, thumbprint: 'l'.repeat(43) }))],
      'contested',
    ],
    ['a record without an operator', [says(`v=a4a1; iss=${issuer}; rk=${thumbprint}`)], 'malformed'],
    ['a record without a key', [says(`v=a4a1; iss=${issuer}; op=${operatorId}`)], 'malformed'],
    ['a record whose operator is no id', [says(recordValue({ issuer, operatorId: 'beta', thumbprint }))], 'malformed'],
    ['one of two resolvers', [says(ours), failed], 'unavailable'],
    ['resolvers that disagree', [says(ours), says(other)], 'unavailable'],
    ['resolvers without an answer', [failed, failed, says(ours)], 'unavailable'],
    ['no resolver', [], 'unavailable'],
  ] as const)('is not proven by %s', (_, answers, kind) => {
    expect(readProof(answers, issuer)).toEqual({ kind })
  })
})
