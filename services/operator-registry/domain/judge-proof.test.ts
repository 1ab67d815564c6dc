import { recordValue } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import { describe, expect, test } from 'vitest'
import { isRecordSeen, judgeProof, type ProofVerdict } from './judge-proof.ts'

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
  ['one resolver, our record', [proven], 'proven'],
  ['our record beside those of others', [records('v=spf1 -all', ELSEWHERE, OURS)], 'proven'],
  ['our record sent twice', [records(OURS, OURS)], 'proven'],
  ['our record in two spellings', [records(OURS, `${OURS};`)], 'contested'],
  ['no record', [absent], 'not-found'],
  ['records of others alone', [records('v=spf1 -all', ELSEWHERE)], 'not-found'],
  ['no records in an answer', [records()], 'not-found'],
  ['the record of a third', [records(OTHER)], 'mismatch'],
  ['our id with another key', [records(WRONG_KEY)], 'mismatch'],
  ['a record of this issuer that proves nothing', [records(`v=a4a1; iss=${issuer}`)], 'mismatch'],
  ['our record beside one that proves nothing', [records(OURS, `v=a4a1; iss=${issuer}`)], 'contested'],
  ["the incumbent's record", [records(THEIRS)], 'incumbent-present'],
  ["ours beside the incumbent's", [records(OURS, THEIRS)], 'contested'],
  ["ours beside a third's", [records(OTHER, OURS)], 'contested'],
  ['no resolvers', [], 'unavailable'],
  ['a failure', [failed], 'unavailable'],
  ['one of two', [proven, absent], 'unavailable'],
  ['one of two, the other failed', [proven, failed], 'unavailable'],
  ['two of three', [proven, absent, proven], 'proven'],
  ['two of three, one failed', [failed, proven, proven], 'proven'],
  ['one of three, the others failed', [proven, failed, failed], 'unavailable'],
  ['two of four', [proven, proven, absent, failed], 'unavailable'],
  ['three of four', [proven, proven, failed, proven], 'proven'],
  ['absent at one of three, the others failed', [absent, failed, failed], 'unavailable'],
  ['absent at two of three', [absent, proven, absent], 'not-found'],
  ['contested at two of three', [records(OURS, THEIRS), proven, records(OURS, THEIRS)], 'contested'],
  ['contested at one of three', [records(OURS, THEIRS), proven, proven], 'proven'],
  ['three different views', [proven, absent, records(OTHER)], 'unavailable'],
]

describe('judges', () => {
  test.each(cases)('%s', (_, answers, verdict) => {
    expect(judgeProof(answers, wanted)).toBe(verdict)
  })
})

test("without an incumbent the owner's record is anybody's", () => {
  expect(judgeProof([records(THEIRS)], { issuer, operatorId: 'ours', thumbprint: 'our-key' })).toBe('mismatch')
})

describe('sees our record', () => {
  test.each<[string, TxtAnswer[], boolean]>([
    ['alone at a majority', [proven, proven, absent], true],
    ['beside another', [records(THEIRS, OURS)], true],
    ['at a half', [proven, failed], false],
    ['with another key', [records(WRONG_KEY)], false],
    ['nowhere', [absent], false],
  ])('%s', (_, answers, seen) => {
    expect(isRecordSeen(answers, wanted)).toBe(seen)
  })
})
