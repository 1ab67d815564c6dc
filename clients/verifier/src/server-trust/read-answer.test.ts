import { describe, expect, it } from 'vitest'
import { published } from '../../../../test/support/offline-verifier.ts'
import { testTokenKey } from '../../../../test/support/token-keys.ts'
import { readPage } from './read-answer.ts'

const OWN = 'https://beta.example/auth'
const ALPHA = 'https://alpha.example'
const [SPEAKS, LETS] = ['e0000000-0000-8000-8000-00000000000a', 'e0000000-0000-8000-8000-000000000001']
const key = published(testTokenKey('EdDSA'))
const author = { edge_id: LETS, operator_id: 'c0000000-0000-8000-8000-000000000001', epoch: 1 }
const admission = {
  issuer: ALPHA,
  domain: 'acme.example',
  operator_id: 'a0000000-0000-8000-8000-000000000001',
  scopes: [{ scope: 'read', values: ['orders:read'] }],
  edge_ids: [SPEAKS, LETS],
  authors: [author],
  expires_at: '2027-01-15T08:00:00Z',
}
const issuer = {
  issuer: ALPHA,
  kind: 'auth4agent',
  algorithms: ['EdDSA'],
  revocation_mode: 'log',
  max_token_ttl: 3_600,
  max_staleness_ms: 5_000,
  generation: 1,
  accepted_from: null,
  keys: [key],
  keys_as_of: '2027-01-15T07:00:00Z',
  keys_usable_until: '2027-01-16T07:00:00Z',
}
const page = {
  admissions: [admission],
  issuers: [issuer],
  bound_only: false,
  position: '3-8812',
  as_of: '2027-01-15T08:00:00.123Z',
  max_age: 1_800,
  next_page_token: '',
}
const read = (json: object) => readPage(Object.fromEntries(Object.entries(json)), OWN, new Map())
const withRow = (edits: object) => ({ ...page, admissions: [{ ...admission, ...edits }] })
const withIssuer = (edits: object) => ({ ...page, issuers: [{ ...issuer, ...edits }] })

describe('readPage', () => {
  it('reads a page', () => {
    const { admissions, issuers, position, asOf, maxAgeS, boundOnly, next } = read(page)
    expect({ position, asOf, maxAgeS, boundOnly, next }).toEqual({
      position: { logEpoch: 3, sequence: 8_812 },
      asOf: Date.parse(page.as_of),
      maxAgeS: 1_800,
      boundOnly: false,
      next: '',
    })
    expect(admissions).toEqual([
      {
        issuer: ALPHA,
        domain: 'acme.example',
        operatorId: admission.operator_id,
        scopes: { read: ['orders:read'] },
        edges: [SPEAKS, LETS],
        authors: [{ edge: LETS, operatorId: author.operator_id, epoch: 1, home: '' }],
        expiresAt: Date.parse(admission.expires_at),
      },
    ])
    expect(issuers.get(ALPHA)).toMatchObject({ mode: 'log', generation: 1, acceptedFrom: 0 })
    expect([...(issuers.get(ALPHA)?.keys.keys() ?? [])]).toEqual([key.kid])
  })

  it.each([
    ['an issuer that it does not describe', withRow({ issuer: 'https://gamma.example' }), 'do not describe it'],
    [
      'a signer that it does not describe',
      withRow({ authors: [{ ...author, home: 'https://gamma.example' }] }),
      'do not',
    ],
    ['our own issuer', { ...withRow({ issuer: OWN }), issuers: [{ ...issuer, issuer: OWN }] }, 'must not name'],
    [
      'an issuer in another form',
      { ...withRow({ issuer: `${ALPHA}/` }), issuers: [{ ...issuer, issuer: `${ALPHA}/` }] },
      'admissions',
    ],
    ['a domain that is none', withRow({ domain: '*' }), 'must consist of admissions'],
    ['an operator that is none', withRow({ operator_id: '*' }), 'must consist of admissions'],
    ['no edges', withRow({ edge_ids: [] }), 'must consist of admissions'],
    ['an edge that is none', withRow({ edge_ids: [LETS, 'x'] }), 'must consist of admissions'],
    ['a signer of another edge', withRow({ authors: [{ ...author, edge_id: OWN }] }), 'must consist of admissions'],
    ['no signers', withRow({ authors: [] }), 'must consist of admissions'],
    ['a wildcard scope', withRow({ scopes: [{ scope: '*', values: ['read'] }] }), 'without *'],
    ['no scopes', withRow({ scopes: [] }), 'scopes must map'],
    ['a scope without meaning', withRow({ scopes: [{ scope: 'read', values: [] }] }), 'scopes must map'],
    ['no end', withRow({ expires_at: 'never' }), 'expires_at must be a time'],
    ['a negative generation', withIssuer({ generation: -1 }), 'generation must be a number'],
    ['no keys', withIssuer({ keys: undefined }), 'keys must be public keys'],
    ['no position', { ...page, position: '8812' }, 'position must be'],
    ['no list', { ...page, admissions: {} }, 'admissions must be a list'],
    ['a page token that is no text', { ...page, next_page_token: 1 }, 'next_page_token must be a text'],
  ])('refuses an answer with %s', (_, json, message) => {
    expect(() => read(json)).toThrow(message)
  })

  it('reads one key of two issuers, because a partner can publish the key of another one', () => {
    const copyist = { ...issuer, issuer: 'https://gamma.example' }
    const { issuers } = read({ ...page, issuers: [issuer, copyist] })
    for (const each of issuers.values()) expect([...each.keys.keys()]).toEqual([key.kid])
    expect(issuers.size).toBe(2)
  })

  it('skips keys with a private half, a wrong kid or another use', () => {
    const keys = [
      { ...key, d: 'AA' },
      { ...key, kid: 'x' },
      { ...key, use: 'enc' },
    ]
    expect(read(withIssuer({ keys })).issuers.get(ALPHA)?.keys.size).toBe(0)
  })
})
