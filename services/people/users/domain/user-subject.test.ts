import { isUserSubject } from '@auth4agent/core/identity/user-subject'
import { expect, it } from 'vitest'
import { type UserSource, userSubject } from './user-subject.ts'

const alice: UserSource = {
  operatorId: '018f3c1e-0000-7000-8000-000000000001',
  issuer: 'https://login.acme.example',
  tenant: '',
  claim: 'sub',
  sub: 'alice',
}

it('userSubject returns the same subject for the same person, which never changes between versions', () => {
  expect(userSubject(alice)).toBe('user:p6ZEr5Ag2ZUgh4m6HsvbNg')
  expect(userSubject({ ...alice })).toBe(userSubject(alice))
  expect(isUserSubject(userSubject(alice))).toBe(true)
})

it.each<[string, Partial<UserSource>]>([
  ['another operator', { operatorId: '018f3c1e-0000-7000-8000-000000000002' }],
  ['another issuer', { issuer: 'https://login.acme.example/' }],
  ['a tenant', { tenant: 'a' }],
  ['another claim', { claim: 'oid' }],
  ['another case of the subject', { sub: 'Alice' }],
  ['an e-mail address with the subject', { sub: 'alice@acme.example' }],
])('userSubject returns another subject for %s', (_, other) => {
  expect(userSubject({ ...alice, ...other })).not.toBe(userSubject(alice))
})

it.each<[string, Partial<UserSource>, Partial<UserSource>]>([
  ['moves from the tenant to the subject', { tenant: 'a', sub: 'b' }, { tenant: '', sub: 'ab' }],
  ['has a quote and a comma', { tenant: 'a","sub', sub: 'b' }, { tenant: 'a', sub: 'sub","b' }],
  ['has a lone surrogate', { sub: '\ud800' }, { sub: '\ud801' }],
])('userSubject takes no two persons for one when a text %s', (_, one, other) => {
  expect(userSubject({ ...alice, ...one })).not.toBe(userSubject({ ...alice, ...other }))
})
