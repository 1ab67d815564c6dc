import { describe, expect, it } from 'vitest'
import { GOOD_CLAIMS } from '../../../../test/support/access-tokens.ts'
import { NOW_S } from '../../../../test/support/assertions.ts'
import { isJti, parseAccessTokenClaims } from './claims.ts'

const OTHER_DID = 'did:agent:b.example:21fe31dfa154a261626bf854046fd227'
const parse = (edits: Record<string, unknown>) => parseAccessTokenClaims({ ...GOOD_CLAIMS, ...edits })
const edge = (n: number) => `0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1${String(n).padStart(3, '0')}`
const identity = (did: unknown) => ({ sub: did, client_id: did })

describe('parseAccessTokenClaims', () => {
  it('reads good claims and omits unknown ones', () => {
    expect(parse({})).toEqual(GOOD_CLAIMS)
    expect(parse({ sid: 'x', constructor: 1 })).toEqual(GOOD_CLAIMS)
  })

  it('reads a place in a status list of the issuer, and refuses any other status', () => {
    const status = { status_list: { idx: 7, uri: `${GOOD_CLAIMS.iss}/v1/status-lists/1` } }
    expect(parse({ status })).toEqual({ ...GOOD_CLAIMS, status })
    expect(parse({ status, iss: 'https://other.example' })).toBeUndefined()
    expect(parse({ status: undefined })).toBeUndefined()
  })

  it('does not read a claim from a prototype', () => {
    expect(parseAccessTokenClaims(JSON.parse('{}') as Record<string, unknown>)).toBeUndefined()
  })

  const wrongTypes: unknown[] = [undefined, null, true, {}, [], -1, 1.5, [[]]]
  const rows = Object.keys(GOOD_CLAIMS).flatMap((name) => wrongTypes.map((value) => [name, value] as const))
  it.each(rows)('refuses %s as %j', (name, value) => {
    expect(parse({ [name]: value })).toBeUndefined()
  })

  it.each(['iss', 'sub', 'scope', 'operator_id', 'jti', 'client_id'])('refuses %s as an array of itself', (name) => {
    expect(parse({ [name]: [GOOD_CLAIMS[name as keyof typeof GOOD_CLAIMS]] })).toBeUndefined()
  })

  it.each([
    ['iss that is too long', { iss: 'x'.repeat(2049) }],
    ['sub that is not a DID', identity('agent')],
    ['sub that is a DID of another method', identity('did:web:a.example')],
    ['sub in capitals', identity(GOOD_CLAIMS.sub.toUpperCase())],
    ['sub that is a DID URL', identity(`${GOOD_CLAIMS.sub}#key`)],
    ['client_id that is another agent', { client_id: OTHER_DID }],
    ['aud as text', { aud: 'https://b.example' }],
    ['aud with a number', { aud: ['https://b.example', 1] }],
    ['aud with the empty text', { aud: [''] }],
    ['aud of nine', { aud: Array.from({ length: 9 }, (_, n) => `h${n}.example`) }],
    ['aud that is too long', { aud: ['x'.repeat(2049)] }],
    ['aud nested', { aud: [['https://b.example']] }],
    ['scope as an array', { scope: ['read'] }],
    ['scope with two spaces', { scope: 'read  write' }],
    ['scope with a wildcard', { scope: '*' }],
    ['scope with 65 tokens', { scope: Array.from({ length: 65 }, (_, n) => `s${n}`).join(' ') }],
    ['operator_id in capitals', { operator_id: GOOD_CLAIMS.operator_id.toUpperCase() }],
    ['operator_id in braces', { operator_id: `{${GOOD_CLAIMS.operator_id}}` }],
    ['operator_id empty', { operator_id: '' }],
    ['jti empty', { jti: '' }],
    ['jti of 65 characters', { jti: 'j'.repeat(65) }],
    ['jti with a space', { jti: 'a b' }],
    ['jti with a NUL', { jti: 'a\0' }],
    ['iat as text', { iat: String(NOW_S) }],
    ['exp as text', { exp: String(NOW_S + 900) }],
    ['iat of zero', { iat: 0, nbf: 1, exp: 60 }],
    ['times in milliseconds', { iat: NOW_S * 1000, nbf: NOW_S * 1000, exp: NOW_S * 1000 + 900 }],
    ['nbf before iat', { nbf: NOW_S - 1 }],
    ['nbf at exp', { nbf: NOW_S + 900 }],
    ['exp at iat', { exp: NOW_S }],
    ['exp before iat', { exp: NOW_S - 1 }],
    ['a lifetime of more than an hour', { exp: NOW_S + 3601 }],
    ['epoch with one number', { epoch: [1] }],
    ['epoch with three numbers', { epoch: [1, 1, 1] }],
    ['epoch of zero', { epoch: [0, 1] }],
    ['epoch that is negative', { epoch: [1, -1] }],
    ['epoch with a fraction', { epoch: [1, 1.5] }],
    ['epoch as text', { epoch: ['1', '1'] }],
    ['epoch with null', { epoch: [1, null] }],
    ['epoch beyond 32 bits', { epoch: [1, 2_147_483_648] }],
    ['act (the token acts for another party)', { act: { sub: OTHER_DID } }],
    ['may_act (another party may act)', { may_act: { sub: OTHER_DID } }],
    ['epoch as an object', { epoch: { 0: 1, 1: 1, length: 2 } }],
  ])('refuses %s', (_name, edits) => {
    expect(parse(edits)).toBeUndefined()
  })

  it.each([
    ['no scope', { scope: '' }],
    ['eight audiences', { aud: Array.from({ length: 8 }, (_, n) => `h${n}.example`) }],
    ['a lifetime of an hour', { exp: NOW_S + 3600 }],
    ['nbf after iat', { nbf: NOW_S + 899 }],
    ['the largest epoch', { epoch: [2_147_483_647, 1] }],
    ['a jti of 64 characters', { jti: '!'.repeat(64) }],
  ])('accepts %s', (_name, edits) => {
    expect(parse(edits)).toEqual({ ...GOOD_CLAIMS, ...edits })
  })
})

describe('parseAccessTokenClaims, for a token that is bound to a key', () => {
  const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'

  it('reads the thumbprint of the added key in agent_key, also beside cnf', () => {
    expect(parse({ agent_key: jkt })).toEqual({ ...GOOD_CLAIMS, agent_key: jkt })
    expect(parse({ agent_key: jkt, cnf: { jkt } })).toEqual({ ...GOOD_CLAIMS, agent_key: jkt, cnf: { jkt } })
    expect(Object.hasOwn(parse({ cnf: { jkt } }) ?? {}, 'agent_key')).toBe(false)
  })

  it.each([null, '', 1, {}, [jkt], `${jkt}A`, jkt.slice(1), `${jkt.slice(0, -1)}=`])(
    'refuses agent_key: %j',
    (agent_key) => {
      expect(parse({ agent_key })).toBeUndefined()
      expect(parse({ agent_key, cnf: { jkt } })).toBeUndefined()
    },
  )

  it('reads the thumbprint of the key in cnf', () => {
    expect(parse({ cnf: { jkt } })).toEqual({ ...GOOD_CLAIMS, cnf: { jkt } })
    expect(Object.hasOwn(parse({}) ?? {}, 'cnf')).toBe(false)
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a text', jkt],
    ['an array', [jkt]],
    ['an array with an object', [{ jkt }]],
    ['an empty object', {}],
    ['jkt null', { jkt: null }],
    ['jkt in an array', { jkt: [jkt] }],
    ['an empty jkt', { jkt: '' }],
    ['jkt of 42 characters', { jkt: jkt.slice(1) }],
    ['jkt of 44 characters', { jkt: `A${jkt}` }],
    ['jkt with padding', { jkt: `${jkt}=` }],
    ['jkt with trailing bits', { jkt: `${jkt.slice(0, -1)}J` }],
    ['jkt in standard base64', { jkt: jkt.replace('-', '+') }],
    ['jkt with a space', { jkt: ` ${jkt.slice(1)}` }],
    ['jkt and another member', { jkt, kid: 'key-1' }],
    ['jkt and a member that is null', { jkt, 'x5t#S256': null }],
    ['x5t#S256 (RFC 8705)', { 'x5t#S256': jkt }],
    ['jwk (RFC 7800)', { jwk: { kty: 'OKP', crv: 'Ed25519', x: jkt } }],
    ['kid (RFC 7800)', { kid: 'key-1' }],
    ['JKT in upper case', { JKT: jkt }],
  ])('refuses cnf: %s', (_name, cnf) => {
    expect(parse({ cnf })).toBeUndefined()
  })
})

describe('parseAccessTokenClaims, for a token that was issued through trust', () => {
  const home = {
    iss: 'https://other.example',
    jti: 'j',
    kids: ['A'.repeat(43)],
    generation: 1,
    epoch: [1, 2],
    edge: edge(5),
  }

  it('reads edges and home, also beside cnf', () => {
    const cnf = { jkt: 'A'.repeat(43) }
    const most = Array.from({ length: 48 }, (_, n) => edge(n))
    for (const edits of [{ edges: [edge(1)] }, { home }, { edges: most, home }, { home, cnf }])
      expect(parse(edits)).toEqual({ ...GOOD_CLAIMS, ...edits })
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a text', edge(1)],
    ['an object', { 0: edge(1), length: 1 }],
    ['no entry', []],
    ['49 entries', Array.from({ length: 49 }, (_, n) => edge(n))],
    ['an entry twice', [edge(1), edge(1)]],
    ['an entry in capitals', [edge(1).toUpperCase()]],
    ['an entry that is no UUID', ['edge']],
    ['an entry with a line feed', [`${edge(1)}\n`]],
    ['a number', [1]],
    ['an array in an array', [[edge(1)]]],
  ])('refuses edges: %s', (_name, edges) => {
    expect(parse({ edges })).toBeUndefined()
    expect(parse({ edges, home })).toBeUndefined()
  })

  it('refuses home beside may_act', () => {
    const may_act = { sub: GOOD_CLAIMS.sub }
    expect(parse({ cnf: { jkt: 'A'.repeat(43) }, may_act })).toBeDefined()
    expect(parse({ cnf: { jkt: 'A'.repeat(43) }, may_act, home })).toBeUndefined()
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'https://other.example'],
    ['an array', [home]],
    ['an empty object', {}],
    ['another member', { ...home, sub: 'x' }],
    ['no iss', { ...home, iss: undefined }],
    ['another member in place of iss', (({ iss: _iss, ...rest }) => ({ sub: 'x', ...rest }))(home)],
    ['iss empty', { ...home, iss: '' }],
    ['iss too long', { ...home, iss: 'x'.repeat(2049) }],
    ['iss as an array', { ...home, iss: [home.iss] }],
    ['jti with a space', { ...home, jti: 'a b' }],
    ['jti as a number', { ...home, jti: 1 }],
    ['kids that are a text', { ...home, kids: 'A'.repeat(43) }],
    ['no kid', { ...home, kids: [] }],
    ['three kids', { ...home, kids: ['A', 'E', 'I'].map((last) => `${'A'.repeat(42)}${last}`) }],
    ['a kid twice', { ...home, kids: [...home.kids, ...home.kids] }],
    ['kid that is no thumbprint', { ...home, kids: ['k'] }],
    ['no edge', { ...home, edge: undefined }],
    ['edge that is no UUID', { ...home, edge: 'x' }],
    ['generation as text', { ...home, generation: '1' }],
    ['generation of zero', { ...home, generation: 0 }],
    ['generation with a fraction', { ...home, generation: 1.5 }],
    ['generation beyond 32 bits', { ...home, generation: 2_147_483_648 }],
    ['epoch with one number', { ...home, epoch: [1] }],
    ['epoch of zero', { ...home, epoch: [0, 1] }],
  ])('refuses home: %s', (_name, value) => {
    expect(parse({ home: value })).toBeUndefined()
    expect(parse({ edges: [edge(1)], home: value })).toBeUndefined()
  })
})

describe('isJti', () => {
  it('accepts 1 to 64 characters of visible ASCII', () => {
    expect(['a', '~', '!', 'a'.repeat(64)].every(isJti)).toBe(true)
    expect(['', ' ', 'a\n', '\x7f', 'é', 'a'.repeat(65)].some(isJti)).toBe(false)
  })
})
