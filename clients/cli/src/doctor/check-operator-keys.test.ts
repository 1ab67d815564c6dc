import { expect, it } from 'vitest'
import { judgeKey } from './check-operator-keys.ts'

const NOW_S = 1_800_000_000
const DAY_S = 86_400
const key = { kid: 'k', label: 'bob', isKnown: true, isRoot: false, roles: ['policy'], exp: NOW_S + 30 * DAY_S }

it.each([
  ['ok', 'a key that is valid for long', {}, 'it has the roles policy until 2027-02-14T08:00:00Z'],
  ['ok', 'a root key', { isRoot: true, roles: [], exp: undefined }, 'it is a root key, and has all roles'],
  ['ok', 'a key that expires in 14 days', { exp: NOW_S + 14 * DAY_S }, 'it has the roles policy until'],
  ['warning', 'a key that expires in less than 14 days', { exp: NOW_S + 14 * DAY_S - 1 }, 'the key bob expires in 13'],
  ['warning', 'a key that expires today', { exp: NOW_S + 60 }, 'the key bob expires in less than a day'],
  ['warning', 'a key that has expired', { exp: NOW_S }, 'the key bob expired at'],
  ['problem', 'a key that the server does not accept', { isKnown: false }, 'the server does not accept this key'],
])('judgeKey returns %s for %s', (level, _name, change, message) => {
  expect(judgeKey({ ...key, ...change }, NOW_S * 1000)).toMatchObject({
    check: 'key bob',
    level,
    message: expect.stringContaining(message),
  })
})
