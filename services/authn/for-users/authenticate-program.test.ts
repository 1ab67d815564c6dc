import { generateKeyPairSync, randomUUID, sign as signBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/authn.ts'
import { documentOf } from '../../../test/support/clients.ts'
import { CLIENT, type ConsentedUser, REDIRECT, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { readDocument } from '../../people/clients/domain/read-document.ts'

const world = useUserWorld()
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const JWKS_URI = 'https://client.example/keys'
const nowS = () => Math.floor(Date.now() / 1_000)
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

const PAIRS = {
  ed: { alg: 'Ed25519', hash: null, pair: generateKeyPairSync('ed25519') },
  ec: { alg: 'ES256', hash: 'sha256', pair: generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
  rsa: { alg: 'RS256', hash: 'sha256', pair: generateKeyPairSync('rsa', { modulusLength: 2048 }) },
}
type Name = keyof typeof PAIRS

const jwkOf = (name: Name, kid: string = name) => ({ ...PAIRS[name].pair.publicKey.export({ format: 'jwk' }), kid })

/** Signs a client assertion, with changed claims and header. */
function assertion(name: Name, claims: object = {}, header: object = {}): string {
  const { alg, hash, pair } = PAIRS[name]
  const usual = { iss: CLIENT, sub: CLIENT, aud: ISSUER, exp: nowS() + 60, jti: randomUUID() }
  const input = `${encode({ alg, kid: name, ...header })}.${encode({ ...usual, ...claims })}`
  const key = { key: pair.privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${input}.${signBytes(hash, Buffer.from(input), key).toString('base64url')}`
}

const by = (clientAssertion: string) => ({ clientAssertion, clientAssertionType: ASSERTION_TYPE })

/** Publishes a document, and makes a user who has consented to exactly this client. */
async function userOf(members: object = { jwks: { keys: [jwkOf('ed'), jwkOf('ec'), jwkOf('rsa')] } }) {
  const user = await world().user('another')
  const document = publish(members)
  const clientDigest = readDocument(CLIENT, Buffer.from(JSON.stringify(document))).digest
  const data = { clientAuth: 'private_key_jwt', clientDigest }
  await world().database.db.prisma.consent.update({ where: { id: user.consentId }, data })
  return user
}

function publish(members: object) {
  const usual = { token_endpoint_auth_method: 'private_key_jwt', redirect_uris: [REDIRECT] }
  const document = documentOf(CLIENT, { ...usual, ...members })
  world().published.set(CLIENT, document)
  // Earlier copies are stale now.
  world().passForClients(100_000_000)
  return document
}

async function connect(user: ConsentedUser, process: 0 | 1 = 0) {
  const { code, redeem } = world()
  return redeem(await code(user), by(assertion('ed')), undefined, process)
}

describe('a client whose document says private_key_jwt', () => {
  it.each<[Name]>([['ed'], ['ec'], ['rsa']])('redeems a code and refreshes by a key of the type %s', async (name) => {
    const user = await userOf()
    const { code, redeem, refresh } = world()
    const first = await redeem(await code(user), by(assertion(name)))
    const next = await refresh(first.refreshToken ?? '', by(assertion(name)))
    const wanted = { audience: [user.audience], scope: 'read', delegation: 'accept' }
    expect(await world().instances[1].verify(next.accessToken ?? '', wanted)).toMatchObject({ valid: true })
  })

  it('is refused without an assertion: for its code, its refresh token and the end of its connection', async () => {
    const user = await userOf()
    const { code, redeem, refresh, instances } = world()
    expect(await refusalOf(redeem(await code(user)))).toBe('UNAUTHENTICATED')
    const { refreshToken = '' } = await connect(user)
    expect(await refusalOf(refresh(refreshToken))).toBe('UNAUTHENTICATED')
    expect(await refusalOf(instances[0].revokeAs(CLIENT, refreshToken))).toBe('UNAUTHENTICATED')
    const own = assertion('ed')
    await instances[0].revokeAs(CLIENT, refreshToken, by(own))
    expect(await refusalOf(refresh(refreshToken, by(assertion('ed'))))).toBe('REFRESH_NOT_ACCEPTED')
    const other = await connect(user)
    expect(await refusalOf(instances[1].revokeAs(CLIENT, other.refreshToken ?? '', by(own)))).toBe('ASSERTION_USED')
  })

  it('uses an assertion once, over codes, refresh tokens and processes, and a replay ends nothing', async () => {
    const user = await userOf()
    const { code, redeem, refresh } = world()
    const own = by(assertion('ed'))
    const [one, two] = [await code(user), await code(user)]
    const answers = await Promise.allSettled([redeem(one, own, undefined, 0), redeem(two, own, undefined, 1)])
    expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const { refreshToken = '' } = await connect(user)
    expect(await refusalOf(refresh(refreshToken, own))).toBe('ASSERTION_USED')
    expect(await refresh(refreshToken, by(assertion('ed')), undefined, 1)).toMatchObject({ tokenType: 'Bearer' })
  })

  it.each<[string, reason: string, () => object]>([
    ['of a key that the document does not have', 'INVALID_ASSERTION', () => by(assertion('ed', {}, { kid: 'x' }))],
    [
      'that names no key where there are several',
      'INVALID_ASSERTION',
      () => by(assertion('ed', {}, { kid: undefined })),
    ],
    ['of another key than it says', 'INVALID_SIGNATURE', () => by(assertion('ed', {}, { kid: 'rsa', alg: 'RS256' }))],
    ['whose algorithm is not that of the key', 'INVALID_SIGNATURE', () => by(assertion('ec', {}, { kid: 'ed' }))],
    ['of another client', 'INVALID_ASSERTION', () => by(assertion('ed', { iss: `${CLIENT}x`, sub: `${CLIENT}x` }))],
    ['for another server', 'INVALID_ASSERTION', () => by(assertion('ed', { aud: 'https://other.example' }))],
    ['that has expired', 'ASSERTION_EXPIRED', () => by(assertion('ed', { exp: nowS() - 60 }))],
    ['that is not signed', 'INVALID_ASSERTION', () => by(assertion('ed', {}, { alg: 'none' }))],
    [
      'of another type',
      'UNSUPPORTED_CLIENT_AUTHENTICATION',
      () => ({ clientAssertion: assertion('ed'), clientAssertionType: 'urn:x' }),
    ],
  ])('is refused with an assertion %s', async (_, reason, members) => {
    const user = await userOf()
    const { code, redeem } = world()
    const text = await code(user)
    expect(await refusalOf(redeem(text, members()))).toBe(reason)
    // The code is still good.
    expect(await redeem(text, by(assertion('ed')))).toMatchObject({ tokenType: 'Bearer' })
  })

  it.each<[string, object]>([
    ['other keys', { jwks: { keys: [jwkOf('ed'), jwkOf('ec')] } }],
    ['no authentication any more', { token_endpoint_auth_method: 'none' }],
    ['another host of redirects', { jwks: { keys: [jwkOf('ed')] }, redirect_uris: ['https://other.example/callback'] }],
  ])('asks the user again when its document has %s between code and token', async (_, members) => {
    const user = await userOf()
    const { code, redeem, refresh } = world()
    const { refreshToken = '' } = await connect(user)
    const text = await code(user)
    publish(members)
    expect(await refusalOf(redeem(text, by(assertion('ed'))))).toBe('CONSENT_REQUIRED')
    expect(await refusalOf(redeem(text))).toBe('UNAUTHENTICATED')
    expect(await refusalOf(refresh(refreshToken, by(assertion('ed'))))).toBe('CONSENT_REQUIRED')
  })
})

describe('a client whose keys are at a jwks_uri', () => {
  it('changes them without asking the user, and the server fetches an unknown key at most twice a minute', async () => {
    const user = await userOf({ jwks: undefined, jwks_uri: JWKS_URI })
    const { published, fetched, passForClients, code, redeem } = world()
    published.set(JWKS_URI, { keys: [jwkOf('ed'), { kty: 'EC', crv: 'P-521', kid: 'ec' }] })
    await connect(user)
    published.set(JWKS_URI, { keys: [jwkOf('ec')] })
    const since = fetched.length
    expect(await refusalOf(redeem(await code(user), by(assertion('ec'))))).toBe('INVALID_ASSERTION')
    expect(fetched).toHaveLength(since)
    passForClients(31_000)
    expect(await redeem(await code(user), by(assertion('ec')))).toMatchObject({ tokenType: 'Bearer' })
    expect(await refusalOf(redeem(await code(user), by(assertion('ed'))))).toBe('INVALID_ASSERTION')
  })

  it.each<[string, string, object | undefined]>([
    ['on a private address', 'UNAVAILABLE', undefined],
    ['without a JWK Set', 'CLIENT_NOT_ACCEPTED', { keys: 1 }],
  ])('is refused when they are %s', async (_, reason, set) => {
    const user = await userOf({ jwks: undefined, jwks_uri: JWKS_URI })
    world().published.delete(JWKS_URI)
    if (set !== undefined) world().published.set(JWKS_URI, set)
    expect(await refusalOf(connect(user))).toBe(reason)
  })
})

describe('a client without authentication', () => {
  it('is refused with an assertion, and by a process that knows its new document', async () => {
    const [open, closed] = [await world().user(), await userOf()]
    const { code, redeem, instances } = world()
    const { refreshToken = '' } = await redeem(await code(open), {}, undefined, 1)
    expect(await refusalOf(redeem(await code(open), by(assertion('ed'))))).toBe('UNSUPPORTED_CLIENT_AUTHENTICATION')
    const before = world().fetched.length
    expect(await world().refresh(refreshToken, {}, undefined, 1)).toMatchObject({ tokenType: 'Bearer' })
    expect(world().fetched).toHaveLength(before)
    await connect(closed, 1)
    expect(await refusalOf(redeem(await code(open), {}, undefined, 1))).toBe('CONSENT_REQUIRED')
    expect(instances).toHaveLength(2)
  })
})
