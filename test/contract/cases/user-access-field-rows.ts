import { type FieldRow, many, text } from './field-row.ts'

const domains = (count: number) => many(count, 'c').map((label) => `${label}.com`)
const USERS = 'SetOperatorPolicyRequest.policy.audiences.users'

/** One row for every field about the users of an audience. */
export const userAccessFieldRows: Readonly<Record<string, FieldRow>> = {
  [USERS]: {},
  [`${USERS}.domains`]: {
    wrong: {
      'has too many entries': [domains(65), 'INVALID_DOMAIN'],
      'has an empty entry': [[''], 'INVALID_DOMAIN'],
      'has a wildcard among others': [['*', 'bravo-operator.com'], 'INVALID_DOMAIN'],
    },
    fits: { 'has the maximum of entries': domains(64), 'is every operator': ['*'] },
  },
  [`${USERS}.scopes`]: {
    wrong: {
      'has too many entries': [many(33, 's').map((name) => ({ name, words: 'Read' })), 'INVALID_SCOPE'],
      'names a scope twice': [['read', 'read'].map((name) => ({ name, words: 'Read' })), 'INVALID_SCOPE'],
    },
    fits: { 'has the maximum of entries': many(32, 's').map((name) => ({ name, words: 'Read' })) },
  },
  [`${USERS}.scopes.name`]: {
    absent: 'INVALID_SCOPE',
    wrong: {
      'has two tokens': ['read write', 'INVALID_SCOPE'],
      'is a wildcard': ['*', 'INVALID_SCOPE'],
      'has 129 characters': [text(129), 'INVALID_SCOPE'],
      'has 50 KB': [text(50_000), 'INVALID_SCOPE'],
    },
    fits: { 'has 128 characters': text(128) },
  },
  [`${USERS}.scopes.words`]: {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'has 121 characters': [text(121), 'INVALID_ARGUMENT'],
      'has a line end': ['Read\nall', 'INVALID_ARGUMENT'],
      'changes the direction of writing': ['Read \u202eall', 'INVALID_ARGUMENT'],
    },
    fits: { 'has 120 characters': text(120), 'has 120 characters of two UTF-16 units': '😀'.repeat(120) },
  },
  [`${USERS}.scopes.groups`]: {
    wrong: {
      'has too many entries': [many(33, 'g'), 'INVALID_ARGUMENT'],
      'has an empty entry': [[''], 'INVALID_ARGUMENT'],
      'has an entry of 121 characters': [[text(121)], 'INVALID_ARGUMENT'],
    },
    fits: { 'has the maximum of entries': many(32, 'g') },
  },
  [`${USERS}.scopes.is_default`]: {},
  [`${USERS}.clients`]: {
    wrong: {
      'is unknown': ['all', 'INVALID_ARGUMENT'],
      'is in another case': ['Any', 'INVALID_ARGUMENT'],
      'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'],
    },
    fits: { 'is empty': '', 'is the default': 'listed', 'is every client': 'any' },
  },
  [`${USERS}.max_days`]: {
    wrong: { 'is negative': [-1, 'INVALID_ARGUMENT'], 'is one more than the maximum': [91, 'INVALID_ARGUMENT'] },
    fits: { 'is the minimum': 1, 'is the maximum': 90, 'is zero': 0 },
  },
  [`${USERS}.device`]: {},
  'SetOperatorPolicyRequest.policy.users_to': {
    wrong: {
      'has too many entries': [domains(65), 'INVALID_DOMAIN'],
      'has an empty entry': [[''], 'INVALID_DOMAIN'],
      'is a wildcard': [['*'], 'INVALID_DOMAIN'],
    },
    fits: { 'has the maximum of entries': domains(64) },
  },
}
