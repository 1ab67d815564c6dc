import { describe, expect, it } from 'vitest'
import {
  type Claims,
  GAMMA,
  goodClaims,
  NOW_S,
  newRoot,
  signClaims,
} from '../../../../test/support/trust/statements.ts'
import { parseTrustStatement } from './parse-statement.ts'
import { type EdgeKind, STATEMENT_KINDS } from './statement.ts'

const root = newRoot()
const DAY_S = 86_400
const UUID = 'a UUID in lower-case hex with hyphens'
const ISSUER = 'https, in lower case, without default port, user, query, fragment or characters that need encoding'

/** What the refusal of each rule says, after the name of the member. */
const DEMANDS = {
  unknown: 'is not a member of a trust statement',
  kind: 'must be one of lets-call, accepts-members-of, member, blocks, chains-to',
  operator: `must be an operator id, ${UUID}`,
  issuer: `must be an issuer: ${ISSUER}`,
  deployment: `must be the issuer of a deployment: ${ISSUER}, and without slash at the end`,
  domain: 'must be a domain with at least two labels, in lower-case A-labels',
  self: 'must be another operator than iss',
  'own-home': 'must be another issuer than home',
  audiences: 'must be a list of 1 to 8 different issuers',
  'left-out': 'must be left out in a statement of this kind',
  depth: 'must be 1 or 2',
  visibility: 'must be parties or public',
  jti: `must be ${UUID}`,
  version: 'must be a whole number from 1 to 2147483647',
  time: 'must be whole Unix seconds',
  'nbf-order': 'must not be before iat',
  'exp-order': 'must be after nbf',
  'exp-limit': 'must be at most 366 days after iat',
}

type Rule = keyof typeof DEMANDS
type Case = readonly [name: string, at: string, rule: Rule, change: Claims]

const { iss: ISS, jti: JTI } = goodClaims()
const issuers = (count: number) => Array.from({ length: count }, (_, at) => `${GAMMA}/${at}`)

/** Changes of a good statement of the kind lets-call. A member that is undefined is left out. */
const CASES: readonly Case[] = [
  ['an unknown member', '"note"', 'unknown', { note: 1 }],
  ['a member in camel case', '"subHome"', 'unknown', { subHome: GAMMA }],
  ['no kind', 'kind', 'kind', { kind: undefined }],
  ['a kind that statements do not have', 'kind', 'kind', { kind: 'caller' }],
  ['a kind with the name of an inherited member', 'kind', 'kind', { kind: 'toString' }],
  ['no iss', 'iss', 'operator', { iss: undefined }],
  ['iss in upper case', 'iss', 'operator', { iss: String(ISS).toUpperCase() }],
  ['* as iss', 'iss', 'operator', { iss: '*' }],
  ['no home', 'home', 'deployment', { home: undefined }],
  ['home with a slash at the end', 'home', 'deployment', { home: 'https://beta.test/auth/' }],
  ['home in upper case', 'home', 'deployment', { home: 'https://Beta.test' }],
  ['home with http', 'home', 'deployment', { home: 'http://beta.test' }],
  ['home as a list', 'home', 'deployment', { home: [GAMMA] }],
  ['no domain', 'domain', 'domain', { domain: undefined }],
  ['domain as U-labels', 'domain', 'domain', { domain: 'bücher.test' }],
  ['domain in upper case', 'domain', 'domain', { domain: 'Cargo.test' }],
  ['no sub', 'sub', 'operator', { sub: undefined }],
  ['an empty sub', 'sub', 'operator', { sub: '' }],
  ['* as sub', 'sub', 'operator', { sub: '*' }],
  ['sub that is iss', 'sub', 'self', { sub: ISS }],
  ['no sub_home', 'sub_home', 'issuer', { sub_home: undefined }],
  ['* as sub_home', 'sub_home', 'issuer', { sub_home: '*' }],
  ['sub_home with the default port', 'sub_home', 'issuer', { sub_home: `${GAMMA}:443` }],
  ['no sub_domain', 'sub_domain', 'domain', { sub_domain: undefined }],
  ['* as sub_domain', 'sub_domain', 'domain', { sub_domain: '*' }],
  ['sub_domain with a wildcard label', 'sub_domain', 'domain', { sub_domain: '*.acme.test' }],
  ['no aud', 'aud', 'audiences', { aud: undefined }],
  ['aud as text', 'aud', 'audiences', { aud: GAMMA }],
  ['no entry in aud', 'aud', 'audiences', { aud: [] }],
  ['an issuer twice in aud', 'aud', 'audiences', { aud: [GAMMA, GAMMA] }],
  ['nine entries in aud', 'aud', 'audiences', { aud: issuers(9) }],
  ['* in aud', 'aud[0]', 'deployment', { aud: ['*'] }],
  ['a number in aud', 'aud[1]', 'deployment', { aud: [GAMMA, 1] }],
  ['depth', 'depth', 'left-out', { depth: 1 }],
  ['no visibility', 'visibility', 'visibility', { visibility: undefined }],
  ['the visibility private', 'visibility', 'visibility', { visibility: 'private' }],
  ['no jti', 'jti', 'jti', { jti: undefined }],
  ['jti in upper case', 'jti', 'jti', { jti: String(JTI).toUpperCase() }],
  ['jti that is no UUID', 'jti', 'jti', { jti: 'one' }],
  ['no version', 'version', 'version', { version: undefined }],
  ['version 0', 'version', 'version', { version: 0 }],
  ['version beyond 31 bits', 'version', 'version', { version: 2 ** 31 }],
  ['version with a fraction', 'version', 'version', { version: 1.5 }],
  ['version as text', 'version', 'version', { version: '1' }],
  ['no iat', 'iat', 'time', { iat: undefined }],
  ['iat with a fraction', 'iat', 'time', { iat: NOW_S - 0.5 }],
  ['iat as text', 'iat', 'time', { iat: `${NOW_S}` }],
  ['no nbf', 'nbf', 'time', { nbf: undefined }],
  ['no exp', 'exp', 'time', { exp: undefined }],
  ['exp in milliseconds', 'exp', 'time', { exp: NOW_S * 1_000 }],
  ['nbf before iat', 'nbf', 'nbf-order', { nbf: NOW_S - 1 }],
  ['exp equal to nbf', 'exp', 'exp-order', { exp: NOW_S }],
  ['exp more than 366 days after iat', 'exp', 'exp-limit', { exp: NOW_S + 366 * DAY_S + 1 }],
]

/** Changes of good statements of other kinds. */
const BY_KIND: readonly (readonly [EdgeKind, ...Case])[] = [
  ['chains-to', 'sub', 'sub', 'left-out', { sub: ISS }],
  ['chains-to', 'an empty sub', 'sub', 'left-out', { sub: '' }],
  ['chains-to', 'sub_domain', 'sub_domain', 'left-out', { sub_domain: 'acme.test' }],
  ['chains-to', 'the own home as subject', 'sub_home', 'own-home', { sub_home: goodClaims('chains-to')['home'] }],
  ['chains-to', '* as sub_home', 'sub_home', 'issuer', { sub_home: '*' }],
  ['chains-to', 'depth', 'depth', 'left-out', { depth: 1 }],
  ['accepts-members-of', 'no depth', 'depth', 'depth', { depth: undefined }],
  ['accepts-members-of', 'depth 0', 'depth', 'depth', { depth: 0 }],
  ['accepts-members-of', 'depth 3', 'depth', 'depth', { depth: 3 }],
  ['accepts-members-of', 'depth as text', 'depth', 'depth', { depth: '1' }],
  ['member', 'depth', 'depth', 'left-out', { depth: 1 }],
  ['member', 'an empty list of grants', 'grants', 'left-out', { grants: [] }],
  ['blocks', 'grants', 'grants', 'left-out', { grants: goodClaims()['grants'] }],
]

async function refusalOf(kind: EdgeKind, change: Claims) {
  const parsed = parseTrustStatement(await signClaims(root, { ...goodClaims(kind), ...change }))
  return parsed.ok ? undefined : parsed
}

describe('the claims of a trust statement', () => {
  it.each(STATEMENT_KINDS)('are accepted of the kind %s as the tests below change them', async (kind) => {
    expect(await refusalOf(kind, {})).toBeUndefined()
  })

  it.each([
    ['the longest lifetime', { exp: NOW_S + 366 * DAY_S }],
    ['the largest version', { version: 2 ** 31 - 1 }],
    ['an nbf after iat', { nbf: NOW_S + DAY_S - 1 }],
    ['eight entries in aud', { aud: issuers(8) }],
    ['the visibility public', { visibility: 'public' }],
    ['a subject whose issuer ends with a slash, as those of other products do', { sub_home: `${GAMMA}/` }],
  ])('are accepted with %s', async (_, change) => {
    expect(await refusalOf('lets-call', change)).toBeUndefined()
  })

  it.each(CASES)('are refused with %s', async (_, at, rule, change) => {
    const text = `${at} of the statement ${DEMANDS[rule]}`
    expect(await refusalOf('lets-call', change)).toEqual({ ok: false, rule, text })
  })

  it.each(BY_KIND)('are refused of the kind %s with %s', async (kind, _, at, rule, change) => {
    expect(await refusalOf(kind, change)).toEqual({ ok: false, rule, text: `${at} of the statement ${DEMANDS[rule]}` })
  })
})
