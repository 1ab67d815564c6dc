import { describe, expect, it } from 'vitest'
import { CliError } from '../cli-error.ts'
import { readPolicyText } from './read-policy.ts'

const RULE = { audience: 'https://api.example.com', callers: ['example.org'] }
const OTHER = { audience: 'https://web.example.com', callers: [] }
const SCOPE = { name: 'read', words: 'Read', groups: ['staff'], is_default: true }
const USERS = { domains: ['example.com'], scopes: [SCOPE], clients: 'any', max_days: 7, device: true }
const FULL = {
  audiences: [
    { ...RULE, token_signing_alg: 'ES256', dpop: 'required', token_status: 'status_list', users: USERS },
    OTHER,
  ],
  users_to: ['example.net'],
  require_bound_challenges: true,
  delegate_to: ['example.org'],
  max_grant_ttl: 600,
  etag: 'e',
}

const ofUsers = (users: unknown) => JSON.stringify({ audiences: [{ ...OTHER, users }] })

describe('readPolicyText', () => {
  it.each([
    ['all members', FULL, FULL],
    ['no members, which changes nothing', {}, {}],
    ['switches that are false', { require_body_digest: false }, { require_body_digest: false }],
    [
      'a rule without callers, which keeps them',
      { audiences: [{ audience: 'a.example.com' }] },
      { audiences: [{ audience: 'a.example.com' }] },
    ],
    [
      'members that are null, which resets them',
      { audiences: [{ ...RULE, token_signing_alg: null, dpop: null, token_status: null, users: null }] },
      { audiences: [{ ...RULE, token_signing_alg: '', dpop: '', token_status: '', users: null }] },
    ],
    [
      'users without members, which get their defaults',
      { audiences: [{ ...OTHER, users: {} }] },
      { audiences: [{ ...OTHER, users: { domains: [], scopes: [] } }] },
    ],
  ])('reads %s', (_name, given, expected) => {
    expect(readPolicyText(JSON.stringify(given))).toEqual(expected)
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{audiences:[]}'],
    ['a list', '[]'],
    ['a misspelt member', '{"audience":[]}'],
    ['a misspelt member of a rule', `{"audiences":[{"audience":"a.example.com","caller":["example.org"]}]}`],
    ['audiences that are not a list', `{"audiences":${JSON.stringify(RULE)}}`],
    ['a rule that is a text', '{"audiences":["a.example.com"]}'],
    ['a rule without an audience', '{"audiences":[{"callers":[]}]}'],
    ['callers that are one text', '{"audiences":[{"audience":"a.example.com","callers":"example.org"}]}'],
    ['callers that are numbers', '{"audiences":[{"audience":"a.example.com","callers":[1]}]}'],
    ['an algorithm that is a number', '{"audiences":[{"audience":"a.example.com","token_signing_alg":1}]}'],
    ['a demand for DPoP that is a boolean', '{"audiences":[{"audience":"a.example.com","dpop":true}]}'],
    ['a rule for the status that is a number', '{"audiences":[{"audience":"a.example.com","token_status":1}]}'],
    ['users that are a list', ofUsers([])],
    ['a misspelt member of users', ofUsers({ domain: [] })],
    ['domains of users that are one text', ofUsers({ domains: 'example.com' })],
    ['scopes that are one object', ofUsers({ scopes: SCOPE })],
    ['a scope that is a text', ofUsers({ scopes: ['read'] })],
    ['a misspelt member of a scope', ofUsers({ scopes: [{ ...SCOPE, default: true }] })],
    ['a scope without words', ofUsers({ scopes: [{ name: 'read' }] })],
    ['groups that are one text', ofUsers({ scopes: [{ ...SCOPE, groups: 'staff' }] })],
    ['a default that is a text', ofUsers({ scopes: [{ ...SCOPE, is_default: 'yes' }] })],
    ['clients that are a list', ofUsers({ clients: ['any'] })],
    ['devices that are a text', ofUsers({ device: 'yes' })],
    ['days that are a text', ofUsers({ max_days: '30' })],
    ['targets of users that are one text', '{"users_to":"example.org"}'],
    ['two rules for one audience', JSON.stringify({ audiences: [RULE, { ...RULE, callers: [] }] })],
    ['an etag that is a number', '{"etag":1}'],
    ['domains for grants that are one text', '{"delegate_to":"example.org"}'],
    ['a lifetime of grants that is a text', '{"max_grant_ttl":"10m"}'],
    ['a boolean that is a text', '{"require_bound_challenges":"false"}'],
  ])('refuses %s without repeating the text', (_name, text) => {
    expect(() => readPolicyText(text)).toThrow(CliError)
    expect(() => readPolicyText(`${text} -----BEGIN PRIVATE KEY-----`)).toThrow(
      /^(?!.*PRIVATE)The policy is not valid: /,
    )
  })
})
