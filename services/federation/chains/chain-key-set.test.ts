import { describe, expect, it } from 'vitest'
import { useChains } from '../../../test/support/federation/chain-world.ts'
import {
  ANCHOR,
  type Claims,
  createKey,
  jwksOf,
  NOW_S,
  SUBJECT,
  signStatement,
} from '../../../test/support/federation/entities.ts'
import { createNetwork } from '../../../test/support/federation/network.ts'
import { publishedKey } from '../../../test/support/issuer-keys.ts'

const SIGNED = `${SUBJECT}/signed`
const PLAIN = `${SUBJECT}/jwks`
const world = useChains()
const { db, clock, fetchKeys } = world
const key = publishedKey()
const other = publishedKey()
const subject = createKey()
const stranger = createKey()

/** Signs a JWK Set of the subject. */
const signedSet = (claims: Claims = {}, signer = subject, header: Claims = {}) =>
  signStatement({
    signer,
    header: { typ: 'jwk-set+jwt', ...header },
    claims: { iss: SUBJECT, sub: SUBJECT, iat: NOW_S, keys: [key], ...claims },
  })

/** Admits the subject with this metadata, and lets it publish these texts. */
async function admit(metadata: object, texts: Readonly<Record<string, string>>) {
  const given = { [SUBJECT]: subject, [ANCHOR]: createKey() }
  const own = { metadata: { oauth_authorization_server: { issuer: SUBJECT, ...metadata } } }
  const network = world.connect(
    createNetwork({ [SUBJECT]: [ANCHOR] }, (iss, sub) => (iss === SUBJECT && sub === SUBJECT ? own : {}), given),
  )
  for (const [url, text] of Object.entries(texts)) network.texts.set(url, text)
  await world.pin(ANCHOR)
  await world.discover()
  await world.add({ issuer: SUBJECT, anchor: ANCHOR })
  await fetchKeys()
  return network
}

const row = () => db().prisma.issuer.findFirstOrThrow({ include: { keys: { orderBy: { kid: 'asc' } } } })
const kids = async () => (await row()).keys.filter(({ absentSince }) => absentSince === null).map(({ kid }) => kid)

describe('keys of an issuer of a federation', () => {
  const all = { jwks: { keys: [key] }, signed_jwks_uri: SIGNED, jwks_uri: PLAIN }
  const texts = { [SIGNED]: signedSet({ keys: [other] }), [PLAIN]: JSON.stringify({ keys: [other] }) }

  it.each<[string, object, readonly string[]]>([
    ['jwks, before all others', all, [key.kid]],
    ['signed_jwks_uri, before jwks_uri', { ...all, jwks: undefined }, [other.kid]],
    ['jwks_uri', { jwks_uri: PLAIN }, [other.kid]],
  ])('come from %s', async (_, metadata, expected) => {
    await admit(metadata, texts)
    expect(await kids()).toEqual(expected)
    expect(await row()).toMatchObject({ keysProblem: '' })
  })

  it.each<[string, string, string]>([
    ['a key that the chain does not attest', 'KEY_UNKNOWN', signedSet({}, stranger)],
    [
      'a foreign key under the kid of an attested one',
      'SIGNATURE_INVALID',
      signedSet({}, stranger, { kid: subject.kid }),
    ],
    ['another typ', 'JWS_REFUSED', signedSet({}, subject, { typ: 'entity-statement+jwt' })],
    ['another issuer', 'WRONG_STATEMENT', signedSet({ iss: ANCHOR })],
    ['another subject', 'WRONG_STATEMENT', signedSet({ sub: `${SUBJECT}/` })],
    ['no iat', 'CLAIM_MALFORMED', signedSet({ iat: undefined })],
    ['an exp that has passed', 'EXPIRED', signedSet({ exp: NOW_S })],
    ['a critical claim', 'CRIT_UNKNOWN', signedSet({ crit: ['x'] })],
    ['no keys', 'KEYS_MALFORMED', signedSet({ keys: undefined })],
  ])('are not taken from a signed set with %s', async (_, problem, text) => {
    await admit({ signed_jwks_uri: SIGNED }, { [SIGNED]: text })
    expect(await kids()).toEqual([])
    expect(await row()).toMatchObject({ keysProblem: problem })
  })

  it('attack 16: are not taken from an older signed set', async () => {
    const network = await admit({ signed_jwks_uri: SIGNED }, { [SIGNED]: signedSet() })
    expect(await kids()).toEqual([key.kid])
    network.texts.set(SIGNED, signedSet({ iat: NOW_S - 11, keys: [key, other] }))
    clock.ms += 300_000
    await fetchKeys()
    expect(await kids()).toEqual([key.kid])
    expect(await row()).toMatchObject({ keysProblem: 'ROLLBACK' })
  })

  it.each<[string, object]>([
    ['jwks', { jwks: 'none', jwks_uri: PLAIN }],
    ['signed_jwks_uri', { signed_jwks_uri: 'http://as.example/signed', jwks_uri: PLAIN }],
  ])('do not come from a weaker place when %s is malformed', async (_, metadata) => {
    await expect(admit(metadata, texts)).rejects.toMatchObject({ reason: 'TRUST_CHAIN_NOT_FOUND' })
  })

  it('are dropped if the pins of the anchor were replaced while the keys were fetched', async () => {
    const network = await admit({ jwks_uri: PLAIN }, { [PLAIN]: JSON.stringify({ keys: [key] }) })
    network.texts.set(PLAIN, JSON.stringify({ keys: [key, other] }))
    clock.ms += 300_000
    world.interrupt(async () => {
      await db().pool.query('UPDATE trust_chains SET id = gen_random_uuid()')
    })
    await fetchKeys()
    expect(await kids()).toEqual([key.kid])
    clock.ms += 300_000
    await fetchKeys()
    expect(await kids()).toEqual([key.kid, other.kid].toSorted())
  })

  it('tell why there is no chain', async () => {
    const network = await admit({ jwks: jwksOf(subject) }, {})
    network.texts.clear()
    clock.ms += 3_600_000
    await fetchKeys()
    expect(await row()).toMatchObject({ keysProblem: 'NOT_FETCHED' })
  })
})
