import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { WRONG_TIMES } from '../../../../test/support/wrong-times.ts'
import { type ManifestContent, signOperatorManifest } from '../../../sdk/src/sign-operator-manifest.ts'
import { decodeBase64url, encodeBase64url } from '../encoding/base64.ts'
import { jwkThumbprint, readPublicJwk } from '../jose/public-jwk.ts'
import { thumbprint } from '../jose/thumbprint.ts'
import { generateKeyPair, importPublicKey, verify } from '../keys/ed25519.ts'
import { MAX_MANIFEST_BYTES } from './operator-manifest.ts'
import { OPERATOR_ROLES } from './operator-roles.ts'
import { manifestDemand, parseOperatorManifest } from './parse-operator-manifest.ts'
import { signJwt } from './sign-jwt.ts'

const NOW_S = 1_800_000_000
const ISSUER = 'https://auth.example'
const OPERATOR = 'aaaaaaaa-1111-8111-8111-111111111111'
const RULES = { operatorId: OPERATOR, issuer: ISSUER }

const root = newRoot()
const second = newRoot()
const pipeline = newRoot()
const cloud = newP256()

function newRoot() {
  const { publicKey, privateKey } = generateKeyPair()
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) } as const
  return { publicKey, jwk, kid: thumbprint(publicKey), sign: async (message: Uint8Array) => privateKey.sign(message) }
}

function newP256() {
  const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  return { kty: 'EC', crv: 'P-256', x, y } as const
}

const CONTENT: ManifestContent = {
  operatorId: OPERATOR,
  issuer: ISSUER,
  nowS: NOW_S,
  seq: 7,
  threshold: 2,
  rootKeys: [
    { jwk: root.jwk, label: 'alice' },
    { jwk: second.jwk, label: 'bob' },
  ],
  keys: [
    { jwk: pipeline.jwk, label: 'pipeline', roles: ['agents.register'], nbf: NOW_S, exp: NOW_S + 86_400 },
    { jwk: cloud, label: 'cloud', roles: ['policy', 'audit.read'], nbf: 1, exp: 99_999_999_999 },
  ],
}

const PASSKEY = { webauthn: { rpId: 'auth.example', credentialId: 'AQIDBA' }, person: 'Alice Liddell' } as const

type Claims = Record<string, unknown>

/** The claims of a good manifest, as plain JSON that a test may change. */
async function goodClaims() {
  const [, payload = ''] = (await signOperatorManifest(root, CONTENT)).split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims & {
    root: Claims & { keys: Claims[] }
    keys: [Claims, Claims]
  }
}

function longLabel(at: number): string {
  return `${String(at).padStart(2, '0')}${'é'.repeat(62)}`
}

const HEADER = { typ: 'auth4agent-operator-keys+jwt', kid: root.kid }

async function refusalOf(claims: Claims, header: object = HEADER): Promise<string | undefined> {
  const parsed = parseOperatorManifest(await signJwt(root, header, claims), RULES)
  return parsed.ok ? undefined : manifestDemand(parsed, RULES)
}

describe('signOperatorManifest', () => {
  it('signs a manifest that parseOperatorManifest reads back, under the key that signed', async () => {
    const parsed = parseOperatorManifest(await signOperatorManifest(root, CONTENT), RULES)
    if (!parsed.ok) throw new TypeError(manifestDemand(parsed, RULES))
    const { manifest, jws } = parsed
    // Strict: a key without the members webauthn and person is read as before these members existed.
    expect(manifest).toStrictEqual({
      operatorId: OPERATOR,
      issuer: ISSUER,
      seq: 7,
      iat: NOW_S - 30,
      threshold: 2,
      rootKeys: [
        { kid: root.kid, jwk: root.jwk, label: 'alice' },
        { kid: second.kid, jwk: second.jwk, label: 'bob' },
      ],
      keys: [
        { kid: pipeline.kid, ...CONTENT.keys[0] },
        { kid: jwkThumbprint(cloud), ...CONTENT.keys[1] },
      ],
    })
    expect(jws.header).toEqual({ alg: 'EdDSA', ...HEADER })
    const key = importPublicKey(root.publicKey)
    expect(key && verify(key, jws.signingInput, jws.signature)).toBe(true)
  })

  it('signs a passkey and the name of a person, which parseOperatorManifest reads back', async () => {
    const passkey = { jwk: cloud, label: 'passkey', roles: ['approvals'], nbf: 1, exp: 2, ...PASSKEY } as const
    const parsed = parseOperatorManifest(await signOperatorManifest(root, { ...CONTENT, keys: [passkey] }), RULES)
    expect(parsed.ok && parsed.manifest.keys).toStrictEqual([{ kid: jwkThumbprint(cloud), ...passkey }])
    expect(parsed.ok && parsed.jws.payload['keys']).toMatchObject([
      { webauthn: { rp_id: 'auth.example', credential_id: 'AQIDBA' }, person: 'Alice Liddell' },
    ])
  })

  it('fits the largest allowed number of keys into the largest allowed size, all passkeys with usual ids', async () => {
    const keys = Array.from({ length: 32 }, (_, at) => ({
      jwk: newP256(),
      label: longLabel(at),
      roles: OPERATOR_ROLES,
      nbf: NOW_S,
      exp: NOW_S + 1,
      webauthn: { rpId: 'auth.example', credentialId: encodeBase64url(new Uint8Array(32).fill(at)) },
    }))
    const rootKeys = Array.from({ length: 9 }, (_, at) => ({ jwk: newRoot().jwk, label: longLabel(50 + at) }))
    const text = await signOperatorManifest(root, { ...CONTENT, threshold: 9, rootKeys, keys })
    expect(text.length).toBeLessThan(MAX_MANIFEST_BYTES)
  })

  it('rejects a manifest that the server would refuse, and says what would be right', async () => {
    const wrong = signOperatorManifest(root, { ...CONTENT, threshold: 3 })
    await expect(wrong).rejects.toThrow(
      new TypeError('root.threshold of the manifest must be a whole number from 1 to the number of root keys'),
    )
  })
})

/** Changes one thing of the claims; the manifest must then be refused with this text. */
type Case = readonly [title: string, change: (claims: Awaited<ReturnType<typeof goodClaims>>) => unknown, said: string]

const small = 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
const KEY_TYPE = 'must be a public JWK with the members kty, crv and x of Ed25519'
const SEQ = 'seq of the manifest must be a whole number from 1 to 2147483647'
const TIME = 'must be a time in whole Unix seconds'
const LABEL = 'must have 1 to 64 visible characters in Unicode form NFC, with single spaces inside'
const ROLES = `keys[0].roles of the manifest must name at least one of ${OPERATOR_ROLES.join(', ')}, each once`
const THRESHOLD = 'root.threshold of the manifest must be a whole number from 1 to the number of root keys'
const POINT = 'must be a valid point of the curve, in canonical form and of prime order'
const PARTY = `must be the operator's id, ${OPERATOR}`

const RP_ID = 'must be the host of the issuer, auth.example'
const CREDENTIAL = 'must be canonical base64url of 1 to 1023 bytes'
/** Wrong values of the member webauthn: name, value, the wrong member, what the refusal says. */
const PASSKEYS: readonly (readonly [string, unknown, string, string])[] = [
  ['as null', null, '', 'must be a JSON object'],
  ['as a list', [], '', 'must be a JSON object'],
  ['without members', {}, '.rp_id', RP_ID],
  ['for a parent domain', { rp_id: 'example', credential_id: 'AQID' }, '.rp_id', RP_ID],
  ['for another host', { rp_id: 'auth.example.net', credential_id: 'AQID' }, '.rp_id', RP_ID],
  ['for the host in upper case', { rp_id: 'AUTH.example', credential_id: 'AQID' }, '.rp_id', RP_ID],
  ['for the origin', { rp_id: ISSUER, credential_id: 'AQID' }, '.rp_id', RP_ID],
  ['without an id', { rp_id: 'auth.example' }, '.credential_id', CREDENTIAL],
  ['with an empty id', { rp_id: 'auth.example', credential_id: '' }, '.credential_id', CREDENTIAL],
  ['with a padded id', { rp_id: 'auth.example', credential_id: 'AQIDBA==' }, '.credential_id', CREDENTIAL],
  ['with trailing bits', { rp_id: 'auth.example', credential_id: 'AQIDBB' }, '.credential_id', CREDENTIAL],
  [
    'with an id of 1024 bytes',
    { rp_id: 'auth.example', credential_id: 'AAAA'.repeat(341) + 'AA' },
    '.credential_id',
    CREDENTIAL,
  ],
  [
    'with an unknown member',
    { rp_id: 'auth.example', credential_id: 'AQID', up: 1 },
    '."up"',
    'is not a member of a manifest',
  ],
]

const CASES: readonly Case[] = [
  ['an unknown member', (c) => (c['crit'] = []), '"crit" of the manifest is not a member of a manifest'],
  ['an unknown member of root', (c) => (c.root['x'] = 1), 'root."x" of the manifest is not a member of a manifest'],
  [
    'an unknown member of a root key',
    (c) => (c.root.keys[0] = { ...c.root.keys[0], roles: ['policy'] }),
    'root.keys[0]."roles" of the manifest is not a member of a manifest',
  ],
  [
    'an unknown member of an operational key, with characters that a terminal obeys',
    (c) => (c.keys[1]['\u001b[31m\u202e'] = 1),
    'keys[1]."?[31m?" of the manifest is not a member of a manifest',
  ],
  ['another operator as iss', (c) => (c['iss'] = OPERATOR.replace('a', 'b')), `iss of the manifest ${PARTY}`],
  ['another operator as sub', (c) => (c['sub'] = 'admin'), `sub of the manifest ${PARTY}`],
  ['no sub', (c) => delete c['sub'], `sub of the manifest ${PARTY}`],
  ['another issuer as aud', (c) => (c['aud'] = `${ISSUER}/`), `aud of the manifest must be exactly ${ISSUER}`],
  ['a list as aud', (c) => (c['aud'] = [ISSUER]), `aud of the manifest must be exactly ${ISSUER}`],
  ['seq 0', (c) => (c['seq'] = 0), SEQ],
  ['seq with a fraction', (c) => (c['seq'] = 1.5), SEQ],
  ['seq as text', (c) => (c['seq'] = '1'), SEQ],
  ['seq beyond 31 bits', (c) => (c['seq'] = 2 ** 31), SEQ],
  ['no iat', (c) => delete c['iat'], `iat of the manifest ${TIME}`],
  ['iat with a fraction', (c) => (c['iat'] = 1.5), `iat of the manifest ${TIME}`],
  ['iat in milliseconds', (c) => (c['iat'] = NOW_S * 1000), `iat of the manifest ${TIME}`],
  ['no root', (c) => delete (c as Claims)['root'], 'root of the manifest must be a JSON object'],
  ['root as a list', (c) => ((c as Claims)['root'] = []), 'root of the manifest must be a JSON object'],
  ['root.keys as an object', (c) => (c.root['keys'] = {} as never), 'root.keys of the manifest must be a JSON array'],
  ['no root key', (c) => (c.root.keys = []), 'root.keys of the manifest must have 1 to 9 keys'],
  [
    'ten root keys',
    (c) => (c.root.keys = Array.from({ length: 10 }, (_, at) => ({ jwk: newRoot().jwk, label: `r${at}` }))),
    'root.keys of the manifest must have 1 to 9 keys',
  ],
  ['threshold 0', (c) => (c.root['threshold'] = 0), THRESHOLD],
  ['a threshold above the number of root keys', (c) => (c.root['threshold'] = 3), THRESHOLD],
  ['a threshold with a fraction', (c) => (c.root['threshold'] = 1.5), THRESHOLD],
  ['no threshold', (c) => delete c.root['threshold'], THRESHOLD],
  ['a root key as text', (c) => (c.root.keys[1] = 'x' as never), 'root.keys[1] of the manifest must be a JSON object'],
  [
    'a root key of P-256',
    (c) => (c.root.keys[1] = { jwk: cloud, label: 'bob' }),
    `root.keys[1].jwk of the manifest ${KEY_TYPE}`,
  ],
  [
    'a root key with its private half',
    (c) => (c.root.keys[1] = { jwk: { ...second.jwk, d: small }, label: 'bob' }),
    `root.keys[1].jwk of the manifest ${KEY_TYPE}`,
  ],
  [
    'a root key of small order',
    (c) => (c.root.keys[1] = { jwk: { ...second.jwk, x: small }, label: 'bob' }),
    `root.keys[1].jwk of the manifest ${POINT}`,
  ],
  [
    'one root key twice',
    (c) => (c.root.keys[1] = { jwk: root.jwk, label: 'bob' }),
    'root.keys[1].jwk of the manifest must be a key that the manifest does not contain yet',
  ],
  [
    'a key that is both root and operational',
    (c) => Object.assign(c.keys[0], { jwk: root.jwk, kid: root.kid }),
    'keys[0].jwk of the manifest must be a key that the manifest does not contain yet',
  ],
  ['no list of keys', (c) => delete (c as Claims)['keys'], 'keys of the manifest must be a JSON array'],
  [
    '33 operational keys',
    (c) => Object.assign(c, { keys: Array.from({ length: 33 }, () => ({})) }),
    'keys of the manifest must have at most 32 keys',
  ],
  ['an operational key as null', (c) => (c.keys[0] = null as never), 'keys[0] of the manifest must be a JSON object'],
  ['no kid', (c) => delete c.keys[0]['kid'], 'keys[0].kid of the manifest must be the RFC 7638 thumbprint of jwk'],
  [
    'the kid of another key',
    (c) => (c.keys[0]['kid'] = root.kid),
    'keys[0].kid of the manifest must be the RFC 7638 thumbprint of jwk',
  ],
  [
    'an RSA key',
    (c) => (c.keys[0]['jwk'] = { kty: 'RSA', n: `w${'A'.repeat(340)}B`, e: 'AQAB' }),
    `keys[0].jwk of the manifest ${KEY_TYPE}, or with kty, crv, x and y of P-256`,
  ],
  [
    'an operational key of small order',
    (c) => (c.keys[0]['jwk'] = { ...pipeline.jwk, x: small }),
    `keys[0].jwk of the manifest ${POINT}`,
  ],
  [
    'an operational key that is not on P-256',
    (c) => (c.keys[1]['jwk'] = { ...cloud, y: cloud.x }),
    `keys[1].jwk of the manifest ${KEY_TYPE}, or with kty, crv, x and y of P-256`,
  ],
  ['no label', (c) => delete c.keys[0]['label'], `keys[0].label of the manifest ${LABEL}`],
  [
    'a label with a bidirectional override',
    (c) => (c.keys[0]['label'] = 'a\u202e'),
    `keys[0].label of the manifest ${LABEL}`,
  ],
  [
    'the label of a root key, in upper case',
    (c) => (c.keys[0]['label'] = 'ALICE'),
    'keys[0].label of the manifest must differ from the labels of all other keys, in more than upper and lower case',
  ],
  ['no roles', (c) => delete c.keys[0]['roles'], ROLES],
  ['an empty list of roles', (c) => (c.keys[0]['roles'] = []), ROLES],
  ['an unknown role', (c) => (c.keys[0]['roles'] = ['root']), ROLES],
  ['a role twice', (c) => (c.keys[0]['roles'] = ['policy', 'policy']), ROLES],
  ['roles as text', (c) => (c.keys[0]['roles'] = 'policy'), ROLES],
  ['no exp', (c) => delete c.keys[0]['exp'], `keys[0].exp of the manifest ${TIME}`],
  ...WRONG_TIMES.flatMap(([name, value]): Case[] => [
    [`iat that is ${name}`, (c) => (c['iat'] = value), `iat of the manifest ${TIME}`],
    [`nbf that is ${name}`, (c) => (c.keys[0]['nbf'] = value), `keys[0].nbf of the manifest ${TIME}`],
    [`exp that is ${name}`, (c) => (c.keys[0]['exp'] = value), `keys[0].exp of the manifest ${TIME}`],
  ]),
  ...PASSKEYS.map(
    ([name, webauthn, member, said]): Case => [
      `webauthn ${name}`,
      (c) => (c.keys[1]['webauthn'] = webauthn),
      `keys[1].webauthn${member} of the manifest ${said}`,
    ],
  ),
  [
    'a passkey among the root keys',
    (c) => (c.root.keys[1] = { ...c.root.keys[1], webauthn: { rp_id: 'auth.example', credential_id: 'AQID' } }),
    'root.keys[1]."webauthn" of the manifest is not a member of a manifest',
  ],
  [
    'a root key with a person',
    (c) => (c.root.keys[1] = { ...c.root.keys[1], person: 'bob' }),
    'root.keys[1]."person" of the manifest is not a member of a manifest',
  ],
  ['a person that is no text', (c) => (c.keys[0]['person'] = null), `keys[0].person of the manifest ${LABEL}`],
  ['an invisible person', (c) => (c.keys[0]['person'] = 'a\u200b'), `keys[0].person of the manifest ${LABEL}`],
  [
    'two names of persons that differ only in upper and lower case',
    (c) => c.keys.forEach((key, at) => (key['person'] = ['Alice', 'alice'][at])),
    'keys[1].person of the manifest must equal another name of a person, or differ from it in more than upper and lower case',
  ],
  ['exp equal to nbf', (c) => (c.keys[0]['exp'] = NOW_S), 'keys[0].exp of the manifest must be later than nbf'],
]

describe('parseOperatorManifest', () => {
  it('accepts the claims that the tests below change', async () => {
    expect(await refusalOf(await goodClaims())).toBeUndefined()
  })

  it('lets two keys of one person have the same name', async () => {
    const claims = await goodClaims()
    for (const key of claims.keys) key['person'] = 'Alice'
    expect(await refusalOf(claims)).toBeUndefined()
  })

  it('accepts the longest credential id, of 1023 bytes', async () => {
    const claims = await goodClaims()
    claims.keys[1]['webauthn'] = { rp_id: 'auth.example', credential_id: 'AAAA'.repeat(341) }
    expect(await refusalOf(claims)).toBeUndefined()
  })

  it.each(CASES)('refuses %s', async (_, change, said) => {
    const claims = await goodClaims()
    change(claims)
    expect(await refusalOf(claims)).toBe(said)
  })

  it.each([
    ['the typ of an assertion', { ...HEADER, typ: 'auth4agent-operator+jwt' }, /typ auth4agent-operator-keys\+jwt$/],
    ['the typ of an approval', { ...HEADER, typ: 'auth4agent-operator-approval+jwt' }, /typ auth4agent-operator-keys/],
    ['no kid', { typ: HEADER.typ }, /must have a kid/],
    ['alg none', { ...HEADER, alg: 'none' }, /must have the alg EdDSA or Ed25519/],
    ['alg ES256', { ...HEADER, alg: 'ES256' }, /must have the alg EdDSA or Ed25519/],
    ['a key in the header', { ...HEADER, jwk: root.jwk }, /must not contain a key/],
  ])('refuses a header with %s', async (_, header, said) => {
    expect(await refusalOf(await goodClaims(), header)).toMatch(said)
  })

  it.each([
    ['a text longer than 32 KiB', 'a'.repeat(MAX_MANIFEST_BYTES + 1), 'The manifest must have at most 32768 bytes'],
    ['an empty text', '', 'The manifest must have three parts separated by dots: header.payload.signature'],
  ])('refuses %s', (_, text, said) => {
    const parsed = parseOperatorManifest(text, RULES)
    expect(parsed.ok ? undefined : manifestDemand(parsed, RULES)).toBe(said)
  })

  it('reads a stored manifest without checking the points again', async () => {
    const claims = await goodClaims()
    const jwk = readPublicJwk({ ...pipeline.jwk, x: small })
    Object.assign(claims.keys[0], { jwk, kid: jwk && jwkThumbprint(jwk) })
    const text = await signJwt(root, HEADER, claims)
    expect(parseOperatorManifest(text, RULES).ok).toBe(false)
    expect(parseOperatorManifest(text, { ...RULES, keys: 'admitted' }).ok).toBe(true)
    expect(decodeBase64url(small)?.length).toBe(32)
  })
})
