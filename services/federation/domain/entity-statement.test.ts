import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
import { describe, expect, it } from 'vitest'
import {
  ANCHOR,
  type Claims,
  createKey,
  HOUR_S,
  NOW_S,
  planConfiguration,
  planStatement,
  SUBJECT,
  signStatement,
} from '../../../test/support/federation/entities.ts'
import { WRONG_TIMES } from '../../../test/support/wrong-times.ts'
import { MAX_STATEMENT_BYTES, parseEntityStatement } from './entity-statement.ts'
import type { FederationRule } from './refusal.ts'

const KEY = createKey()

function parse(plan: Parameters<typeof signStatement>[0]) {
  return parseEntityStatement(signStatement(plan))
}

/** Signs a configuration with a claim of this length. */
function sized(length: number): string {
  return signStatement(planConfiguration(SUBJECT, KEY, { filler: 'a'.repeat(length) }))
}

describe('parseEntityStatement', () => {
  it.each(['EdDSA', 'Ed25519', 'ES256', 'RS256'] as const)('reads a configuration signed with %s', (alg) => {
    const key = createKey(alg)
    const metadata = { oauth_authorization_server: { issuer: SUBJECT }, federation_entity: {} }
    const plan = planConfiguration(SUBJECT, key, { authority_hints: [ANCHOR], metadata, trust_marks: [], other: 1 })
    expect(parse(plan)).toMatchObject({
      ok: true,
      statement: {
        iss: SUBJECT,
        sub: SUBJECT,
        iat: NOW_S - HOUR_S,
        exp: NOW_S + HOUR_S,
        authorityHints: [ANCHOR],
        metadata: new Map(Object.entries(metadata)),
        policy: undefined,
        constraints: undefined,
        keys: new Map([[key.kid, expect.objectContaining({ kid: key.kid })]]),
      },
    })
  })

  it('reads a subordinate statement', () => {
    const plan = planStatement(ANCHOR, KEY, SUBJECT, KEY, {
      metadata_policy: { a: { b: { essential: true } } },
      constraints: { max_path_length: 1 },
      source_endpoint: 'https://anchor.example/fetch',
    })
    expect(parse(plan)).toMatchObject({
      ok: true,
      statement: {
        iss: ANCHOR,
        sub: SUBJECT,
        authorityHints: [],
        metadata: new Map(),
        policy: new Map([['a', new Map([['b', { essential: true }]])]]),
        constraints: { maxPathLength: 1 },
      },
    })
  })

  it.each<[string, Claims, string]>([
    ['another typ', { typ: 'at+jwt' }, 'The header must have the typ entity-statement+jwt'],
    [
      'typ with its prefix',
      { typ: 'application/entity-statement+jwt' },
      'The header must have the typ entity-statement+jwt',
    ],
    ['no typ', { typ: undefined }, 'The header must have the typ entity-statement+jwt'],
    ['alg none', { alg: 'none' }, 'The header must have the alg EdDSA or Ed25519 or ES256 or RS256'],
    ['alg ES384', { alg: 'ES384' }, 'The header must have the alg EdDSA or Ed25519 or ES256 or RS256'],
    ['no kid', { kid: undefined }, 'The header must have a kid of 1 to 128 visible ASCII characters'],
    ['an empty kid', { kid: '' }, 'The header must have a kid of 1 to 128 visible ASCII characters'],
    ['crit', { crit: ['exp'] }, 'The header must not have crit or b64'],
    ['jwk', { jwk: KEY.jwk }, 'The header must not contain a key or the address of one, such as jwk or jku'],
  ])('refuses a header with %s', (_, header, text) => {
    const plan = planConfiguration(SUBJECT, KEY)
    expect(parse({ ...plan, header: { ...header } })).toEqual({ ok: false, rule: 'JWS_REFUSED', text })
  })

  it('reads a statement of 64 KiB, and refuses a longer one', () => {
    // Sizes of base64url grow by one or two characters.
    const sizes = Array.from({ length: 100 }, (_, at) => 48_690 + at)
    const largest = sizes.findLast((size) => sized(size).length <= MAX_STATEMENT_BYTES) ?? 0
    expect(sized(largest).length).toBeGreaterThan(MAX_STATEMENT_BYTES - 2)
    expect(parseEntityStatement(sized(largest))).toMatchObject({ ok: true })
    expect(parseEntityStatement(sized(largest + 1))).toMatchObject({
      rule: 'JWS_REFUSED',
      text: 'The text must have at most 65536 bytes',
    })
  })

  it('refuses a duplicate member inside a metadata policy', () => {
    const [header = '', , signature = ''] = signStatement(planStatement(ANCHOR, KEY, SUBJECT, KEY)).split('.')
    const json = `{"iss":"${ANCHOR}","sub":"${SUBJECT}","iat":1,"exp":2,"jwks":{"keys":[]},
      "metadata_policy":{"a":{"b":{"value":1,"value":2}}}}`
    expect(parseEntityStatement(`${header}.${encodeBase64url(encodeUtf8(json))}.${signature}`)).toMatchObject({
      rule: 'JWS_REFUSED',
      text: 'The payload must not have two members of one name in an object',
    })
  })
})

const IDS = 'iss and sub must be entity identifiers'
const TIMES = 'iat and exp must be whole Unix seconds, and iat must be before exp'
const HINTS = 'authority_hints and trust_anchor_hints must be lists of at least one entity identifier'
const METADATA = 'metadata must be an object of objects without null as a value'
const JWKS = 'jwks must be a JWK Set of at most 32 keys, each with a kid of its own'

describe('parseEntityStatement, claims of both kinds', () => {
  it.each<[string, Claims, FederationRule, string]>([
    ['iss', { iss: undefined }, 'CLAIM_MALFORMED', IDS],
    ['sub', { sub: undefined }, 'CLAIM_MALFORMED', IDS],
    ['iat', { iat: undefined }, 'CLAIM_MALFORMED', TIMES],
    ['exp', { exp: undefined }, 'CLAIM_MALFORMED', TIMES],
    ['jwks', { jwks: undefined }, 'KEYS_MALFORMED', JWKS],
  ])('needs %s', (_, claims, rule, text) => {
    expect(parse(planConfiguration(SUBJECT, KEY, claims))).toEqual({ ok: false, rule, text })
    expect(parse(planStatement(ANCHOR, KEY, SUBJECT, KEY, claims))).toEqual({ ok: false, rule, text })
  })

  it.each<[string, Claims, FederationRule, string]>([
    ['iss in another case', { iss: 'https://AS.example' }, 'CLAIM_MALFORMED', IDS],
    ...WRONG_TIMES.flatMap(([name, value]): [string, Claims, FederationRule, string][] => [
      [`iat that is ${name}`, { iat: value }, 'CLAIM_MALFORMED', TIMES],
      [`exp that is ${name}`, { exp: value }, 'CLAIM_MALFORMED', TIMES],
    ]),
    ['exp at iat', { iat: NOW_S, exp: NOW_S }, 'CLAIM_MALFORMED', TIMES],
    ['a key without kid', { jwks: { keys: [{ kty: 'OKP' }] } }, 'KEYS_MALFORMED', JWKS],
    ['null as metadata', { metadata: null }, 'CLAIM_MALFORMED', METADATA],
    ['a text as metadata of a type', { metadata: { a: 'b' } }, 'CLAIM_MALFORMED', METADATA],
    ['null inside metadata', { metadata: { a: { b: null } } }, 'CLAIM_MALFORMED', METADATA],
    ['crit', { crit: ['other'], other: 1 }, 'CRIT_UNKNOWN', 'The critical claim "other" is unknown'],
    ['an empty crit', { crit: [] }, 'CLAIM_MALFORMED', 'crit must be a list of claim names'],
    ['null as crit', { crit: null }, 'CLAIM_MALFORMED', 'crit must be a list of claim names'],
  ])('refuses %s', (_, claims, rule, text) => {
    expect(parse(planConfiguration(SUBJECT, KEY, claims))).toEqual({ ok: false, rule, text })
  })
})

describe('parseEntityStatement, claims of one kind', () => {
  it.each<[string, Claims]>([
    ['metadata_policy', { metadata_policy: {} }],
    ['metadata_policy_crit', { metadata_policy_crit: ['a'] }],
    ['constraints', { constraints: {} }],
    ['source_endpoint', { source_endpoint: 'https://anchor.example/fetch' }],
    ['aud', { aud: ANCHOR }],
    ['trust_anchor', { trust_anchor: ANCHOR }],
  ])('refuses %s in a configuration', (name, claims) => {
    const text = `A configuration must not have the claim ${name}`
    expect(parse(planConfiguration(SUBJECT, KEY, claims))).toEqual({ ok: false, rule: 'CLAIM_MISPLACED', text })
  })

  it.each<[string, Claims]>([
    ['authority_hints', { authority_hints: [ANCHOR] }],
    ['trust_anchor_hints', { trust_anchor_hints: [ANCHOR] }],
    ['trust_marks', { trust_marks: [] }],
    ['trust_mark_issuers', { trust_mark_issuers: {} }],
    ['trust_mark_owners', { trust_mark_owners: {} }],
    ['aud', { aud: SUBJECT }],
    ['trust_anchor', { trust_anchor: ANCHOR }],
  ])('refuses %s in a subordinate statement', (name, claims) => {
    const text = `A subordinate statement must not have the claim ${name}`
    expect(parse(planStatement(ANCHOR, KEY, SUBJECT, KEY, claims))).toEqual({
      ok: false,
      rule: 'CLAIM_MISPLACED',
      text,
    })
  })

  it.each<[string, Claims]>([
    ['an empty list of hints', { authority_hints: [] }],
    ['a hint that is not an entity identifier', { authority_hints: [ANCHOR, 'anchor'] }],
    ['null as hints', { authority_hints: null }],
    ['an empty list of anchors', { trust_anchor_hints: [] }],
  ])('refuses %s', (_, claims) => {
    const refusal = { ok: false, rule: 'CLAIM_MALFORMED', text: HINTS }
    expect(parse(planConfiguration(SUBJECT, KEY, claims))).toEqual(refusal)
  })

  it.each<[string, Claims, FederationRule]>([
    ['a malformed policy', { metadata_policy: { a: { b: { add: 1 } } } }, 'POLICY_MALFORMED'],
    ['null as policy', { metadata_policy: null }, 'POLICY_MALFORMED'],
    ['forbidden operators', { metadata_policy: { a: { b: { add: ['a'], one_of: ['a'] } } } }, 'POLICY_COMBINATION'],
    ['an unknown critical operator', { metadata_policy_crit: ['regexp'] }, 'POLICY_CRIT_UNKNOWN'],
    ['malformed constraints', { constraints: { max_path_length: -1 } }, 'CLAIM_MALFORMED'],
    ['null as constraints', { constraints: null }, 'CLAIM_MALFORMED'],
  ])('refuses %s', (_, claims, rule) => {
    expect(parse(planStatement(ANCHOR, KEY, SUBJECT, KEY, claims))).toMatchObject({ ok: false, rule })
  })
})
