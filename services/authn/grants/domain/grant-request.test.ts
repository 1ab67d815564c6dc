import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { expect, it } from 'vitest'
import { reasonOf } from '../../../../test/support/reason-of.ts'
import { grantBindingOf, parseGrantRequest } from './grant-request.ts'

const BOUNDS = { min: 30, max: 3600 }
const CAPABILITY = 'https://api.acme.test#read'
const details = (tools: object) => JSON.stringify([{ type: 'attenuating_agent_token', tools }])
const TEXT = details({ [CAPABILITY]: { amount: { constraint_type: 'range', max: 500 } } })
const parse = (authorizationDetails: string, rest: { ttl?: string; maxDepth?: number } = {}) =>
  parseGrantRequest({ authorizationDetails, ...rest }, BOUNDS)

it('parseGrantRequest returns the capabilities, the digest of the text, and the other terms', () => {
  const { wanted, ...rest } = parse(TEXT, { ttl: '10m', maxDepth: 0 })
  expect([...wanted.capabilities.keys()]).toEqual([CAPABILITY])
  expect(wanted.digest).toBe(sha256Text(TEXT, 'base64url'))
  expect(rest).toEqual({ ttl: 600, depth: 0 })
  expect(parse(` ${TEXT}\n`, { ttl: '' })).toMatchObject({ ttl: undefined, depth: undefined })
})

it.each([
  ['an empty text', '', 'MALFORMED_GRANT'],
  ['a text that is no JSON', '[', 'MALFORMED_GRANT'],
  ['a list with a comma after it', `${TEXT},`, 'MALFORMED_GRANT'],
  ['two lists', `${TEXT},${TEXT}`, 'MALFORMED_GRANT'],
  ['a list and a member', `${TEXT},"other":1`, 'MALFORMED_GRANT'],
  ['a list that is given twice', `[],"details":${TEXT}`, 'MALFORMED_GRANT'],
  ['a list that closes the object around it', `${TEXT}}`, 'MALFORMED_GRANT'],
  ['a member that is given twice', TEXT.replace('"type"', '"type":"x","type"'), 'MALFORMED_GRANT'],
  ['a lone surrogate', TEXT.replace('amount', '\\ud800'), 'MALFORMED_GRANT'],
  ['a number with a fraction of zero', TEXT.replace('500', '500.0'), 'MALFORMED_GRANT'],
  ['a number with an exponent', TEXT.replace('500', '5e2'), 'MALFORMED_GRANT'],
  ['a number with more digits than a double has', TEXT.replace('500', '9007199254740993'), 'MALFORMED_GRANT'],
  ['an integer that not every reader keeps', TEXT.replace('500', '9007199254740992'), 'MALFORMED_CONSTRAINT'],
  ['4097 characters', TEXT.padEnd(4097), 'MALFORMED_GRANT'],
  ['an object', TEXT.slice(1, -1), 'MALFORMED_GRANT'],
  ['no entry', '[]', 'MALFORMED_GRANT'],
  ['no capability', details({}), 'MALFORMED_GRANT'],
  [
    '33 capabilities',
    details(Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`a.com#s${at}`, {}]))),
    'MALFORMED_GRANT',
  ],
  [
    'audiences of nine hosts',
    details(Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`https://a${at}.com/x#s`, {}]))),
    'MALFORMED_GRANT',
  ],
  ['a capability without an audience', details({ read: {} }), 'MALFORMED_GRANT'],
  ['a capability with a wildcard', details({ 'a.com#*': {} }), 'MALFORMED_GRANT'],
  ['a type that this server does not know', TEXT.replace('attenuating_agent_token', 'payment'), 'UNKNOWN_DETAIL_TYPE'],
  ['a second entry', `[${TEXT.slice(1, -1)},${TEXT.slice(1, -1)}]`, 'UNKNOWN_DETAIL_TYPE'],
  ['a constraint of an unknown type', TEXT.replace('range', 'regex'), 'UNKNOWN_CONSTRAINT'],
  ['a constraint with an extra member', TEXT.replace('"max"', '"step":1,"max"'), 'MALFORMED_CONSTRAINT'],
])('parseGrantRequest refuses %s', (_, text, reason) => {
  expect(reasonOf(() => parse(text))).toBe(reason)
  if (text !== '') expect(reasonOf(() => grantBindingOf({ authorizationDetails: text, audience: [] }))).toBe(reason)
})

it('parseGrantRequest accepts many audiences of eight hosts', () => {
  const names = Array.from({ length: 32 }, (_, at) => `https://a${at % 8}.com/${at}#s`)
  expect(parse(details(Object.fromEntries(names.map((name) => [name, {}])))).wanted.capabilities.size).toBe(32)
})

it.each([
  ['a lifetime of 29 s', { ttl: '29s' }, 'INVALID_TTL'],
  ['a lifetime of 3601 s', { ttl: '3601' }, 'INVALID_TTL'],
  ['the depth -1', { maxDepth: -1 }, 'INVALID_ARGUMENT'],
  ['the depth 9', { maxDepth: 9 }, 'INVALID_ARGUMENT'],
])('parseGrantRequest refuses %s', (_, rest, reason) => {
  expect(reasonOf(() => parse(TEXT, rest))).toBe(reason)
})

it('parseGrantRequest says in a sentence what would be right', () => {
  expect(() => parse(details({ read: {} }))).toThrow(/^In authorization_details, a capability must be an audience/)
  expect(() => parse('[]')).toThrow(/^The entry of authorization_details must be an object$/)
})

it('grantBindingOf binds to the digest and the depth, and to nothing without them', () => {
  const request = { authorizationDetails: '', audience: [] }
  expect(grantBindingOf(request)).toEqual({})
  expect(grantBindingOf({ ...request, maxDepth: 0 })).toEqual({ depth: 0 })
  expect(grantBindingOf({ ...request, authorizationDetails: TEXT })).toEqual({ details: sha256Text(TEXT, 'base64url') })
  expect(reasonOf(() => grantBindingOf({ ...request, maxDepth: 9 }))).toBe('INVALID_ARGUMENT')
})

it.each([
  ['authorization_details and scope', { authorizationDetails: TEXT, scope: 'read', audience: [] }],
  ['authorization_details and an empty scope', { authorizationDetails: TEXT, scope: '', audience: [] }],
  ['authorization_details and audience', { authorizationDetails: TEXT, audience: ['a.com'] }],
  ['max_depth and scope', { authorizationDetails: '', maxDepth: 1, scope: 'read', audience: [] }],
])('grantBindingOf refuses %s together', (_, request) => {
  expect(reasonOf(() => grantBindingOf(request))).toBe('INVALID_ARGUMENT')
})
