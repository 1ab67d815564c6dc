import { describe, expect, test } from 'vitest'
import { readRecord, recordValue } from './proof-record.ts'

const ISSUER = 'https://auth.example.com'
const PROOF = { operatorId: 'op-1', thumbprint: 'key-1' }

describe('readRecord reads a record with', () => {
  test.each([
    ['the text of recordValue', recordValue({ issuer: ISSUER, ...PROOF })],
    ['no white space', `v=a4a1;iss=${ISSUER};op=op-1;rk=key-1`],
    ['white space everywhere', ` v = a4a1 ;\t iss = ${ISSUER} ; op = op-1 ; rk = key-1 ; `],
    ['another order after v', `v=a4a1; rk=key-1; op=op-1; iss=${ISSUER}`],
    ['unknown tags, even twice', `v=a4a1; x=1; x=2; flag; iss=${ISSUER}; op=op-1; rk=key-1`],
    ['a trailing semicolon', `v=a4a1; iss=${ISSUER}; op=op-1; rk=key-1;`],
  ])('%s', (_, text) => {
    expect(readRecord(text, ISSUER)).toEqual(PROOF)
  })
})

describe('readRecord ignores a record with', () => {
  test.each([
    ['nothing', ''],
    ['another protocol', 'v=spf1 -all'],
    ['another version', `v=a4a2; iss=${ISSUER}; op=op-1; rk=key-1`],
    ['a version in upper case', `V=a4a1; iss=${ISSUER}; op=op-1; rk=key-1`],
    ['v that is not first', `iss=${ISSUER}; v=a4a1; op=op-1; rk=key-1`],
    ['an unknown tag before v', `x=1; v=a4a1; iss=${ISSUER}; op=op-1; rk=key-1`],
    ['v twice', `v=a4a1; v=a4a1; iss=${ISSUER}; op=op-1; rk=key-1`],
    ['another issuer', 'v=a4a1; iss=https://other.example.com; op=op-1; rk=key-1'],
    ['the issuer with a slash', `v=a4a1; iss=${ISSUER}/; op=op-1; rk=key-1`],
    ['the issuer in another case', `v=a4a1; iss=${ISSUER.toUpperCase()}; op=op-1; rk=key-1`],
    ['no issuer', 'v=a4a1; op=op-1; rk=key-1'],
    ['op twice', `v=a4a1; iss=${ISSUER}; op=op-1; op=op-2; rk=key-1`],
    ['iss twice', `v=a4a1; iss=${ISSUER}; iss=${ISSUER}; op=op-1; rk=key-1`],
    ['rk twice', `v=a4a1; iss=${ISSUER}; op=op-1; rk=key-1; rk=key-1`],
  ])('%s', (_, text) => {
    expect(readRecord(text, ISSUER)).toBeUndefined()
  })
})

test('readRecord returns a proof with empty members for a record without op and rk', () => {
  expect(readRecord(`v=a4a1; iss=${ISSUER}`, ISSUER)).toEqual({ operatorId: '', thumbprint: '' })
})
