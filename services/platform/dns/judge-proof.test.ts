import { recordValue } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import { describe, expect, test } from 'vitest'
import { isRecordSeen, judgeProof, type ProofVerdict, readNamedKey } from './judge-proof.ts'

const issuer = 'https://auth.example.com'
const wanted = { issuer, operatorId: 'ours', thumbprint: 'our-key', incumbentId: 'theirs' }

const OURS = recordValue(wanted)
const THEIRS = recordValue({ issuer, operatorId: 'theirs', thumbprint: 'their-key' })
const OTHER = recordValue({ issuer, operatorId: 'other', thumbprint: 'other-key' })
const WRONG_KEY = recordValue({ issuer, operatorId: 'ours', thumbprint: 'other-key' })
const ELSEWHERE = recordValue({ issuer: 'https://else.example.com', operatorId: 'x', thumbprint: 'y' })

const records = (...texts: string[]): TxtAnswer => ({ kind: 'records', records: texts })
const absent: TxtAnswer = { kind: 'absent' }
const failed: TxtAnswer = { kind: 'failed', why: 'ETIMEOUT' }
const proven = records(OURS)

const cases: [string, TxtAnswer[], ProofVerdict][] = [
  ['our record at one resolver', [proven], 'proven'],
  ['our record beside those of others', [records('v=spf1 -all', ELSEWHERE, OURS)], 'proven'],
  ['our record sent twice', [records(OURS, OURS)], 'proven'],
  ['our record in two spellings', [records(OURS, `${OURS};`)], 'contested'],
  ['no record', [absent], 'not-found'],
  ['records of others alone', [records('v=spf1 -all', ELSEWHERE)], 'not-found'],
  ['no records in an answer', [records()], 'not-found'],
  ['the record of a third operator', [records(OTHER)], 'mismatch'],
  ['our id with another key', [records(WRONG_KEY)], 'mismatch'],
  ['a record of this issuer that proves nothing', [records(`v=a4a1; iss=${issuer}`)], 'mismatch'],
  ['our record beside one that proves nothing', [records(OURS, `v=a4a1; iss=${issuer}`)], 'contested'],
  ["the incumbent's record", [records(THEIRS)], 'incumbent-present'],
  ["our record beside the incumbent's", [records(OURS, THEIRS)], 'contested'],
  ['our record beside that of a third operator', [records(OTHER, OURS)], 'contested'],
  ['no resolvers', [], 'unavailable'],
  ['a failed resolver', [failed], 'unavailable'],
  ['our record at one of two resolvers', [proven, absent], 'unavailable'],
  ['our record at one of two resolvers, the other failed', [proven, failed], 'unavailable'],
  ['our record at two of three resolvers', [proven, absent, proven], 'proven'],
  ['our record at two of three resolvers, the other failed', [failed, proven, proven], 'proven'],
  ['our record at one of three resolvers, the others failed', [proven, failed, failed], 'unavailable'],
  ['our record at two of four resolvers', [proven, proven, absent, failed], 'unavailable'],
  ['our record at three of four resolvers', [proven, proven, failed, proven], 'proven'],
  ['no record at one of three resolvers, the others failed', [absent, failed, failed], 'unavailable'],
  ['no record at two of three resolvers', [absent, proven, absent], 'not-found'],
  ['two records at two of three resolvers', [records(OURS, THEIRS), proven, records(OURS, THEIRS)], 'contested'],
  ['two records at one of three resolvers', [records(OURS, THEIRS), proven, proven], 'proven'],
  ['three resolvers with three different answers', [proven, absent, records(OTHER)], 'unavailable'],
]

describe('judgeProof judges', () => {
  test.each(cases)('%s', (_, answers, verdict) => {
    expect(judgeProof(answers, wanted)).toBe(verdict)
  })
})

test("judgeProof returns mismatch for the owner's record when no incumbent is given", () => {
  expect(judgeProof([records(THEIRS)], { issuer, operatorId: 'ours', thumbprint: 'our-key' })).toBe('mismatch')
})

describe('isRecordSeen', () => {
  test.each<[string, TxtAnswer[], boolean]>([
    ['as the only one at a majority', [proven, proven, absent], true],
    ['beside another record', [records(THEIRS, OURS)], true],
    ['at half of the resolvers', [proven, failed], false],
    ['with another key', [records(WRONG_KEY)], false],
    ['nowhere', [absent], false],
  ])("with the operator's record %s returns %s", (_, answers, seen) => {
    expect(isRecordSeen(answers, wanted)).toBe(seen)
  })
})

describe('an operator with several root keys', () => {
  const team = { ...wanted, otherRootKeys: ['our-key', 'second-key'] }
  const second = records(recordValue({ issuer, operatorId: 'ours', thumbprint: 'second-key' }))

  test('is proven by a record that names any of them', () => {
    expect(judgeProof([second], team)).toBe('proven')
    expect(judgeProof([second, proven, absent], team)).toBe('proven')
    expect(judgeProof([records(WRONG_KEY)], team)).toBe('mismatch')
    expect(judgeProof([second], wanted)).toBe('mismatch')
  })

  test('is seen by a record that names any of them', () => {
    expect(isRecordSeen([records(THEIRS, recordValue({ ...wanted, thumbprint: 'second-key' }))], team)).toBe(true)
    expect(isRecordSeen([second], wanted)).toBe(false)
  })
})

describe('readNamedKey', () => {
  test.each<[string, TxtAnswer[], string | undefined]>([
    ['the key that the only record names', [proven], 'our-key'],
    ['a key that is no key of the operator', [records(WRONG_KEY)], 'other-key'],
    ['the key that two of three resolvers have', [proven, records(WRONG_KEY), proven], 'our-key'],
    ['nothing at half of the resolvers', [proven, failed], undefined],
    ['nothing if three resolvers differ', [proven, records(WRONG_KEY), absent], undefined],
    ['nothing beside another record', [records(OURS, THEIRS)], undefined],
    ['nothing beside a second record of the operator', [records(OURS, WRONG_KEY)], undefined],
    ['nothing for the record of another operator', [records(THEIRS)], undefined],
    ['nothing for a record of another issuer', [records(ELSEWHERE)], undefined],
    ['nothing for a record without a key', [records(`v=a4a1; iss=${issuer}; op=ours`)], undefined],
    ['nothing for a record with an empty key', [records(`v=a4a1; iss=${issuer}; op=ours; rk=`)], undefined],
    ['nothing without a record', [absent], undefined],
    ['nothing without resolvers', [], undefined],
  ])('returns %s', (_, answers, named) => {
    expect(readNamedKey(answers, wanted)).toBe(named)
  })
})
