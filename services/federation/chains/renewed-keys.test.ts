import { beforeEach, describe, expect, it } from 'vitest'
import { accessTokenOf } from '../../../test/support/access-tokens.ts'
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
import { asAdmin } from '../../../test/support/identity.ts'
import { testTokenKey } from '../../../test/support/token-keys.ts'
import { readIssuers } from '../../trust/issuers/read-issuers.ts'
import { enableIssuer } from '../../trust/issuers/store.ts'
import { createGenuineForeign } from '../../trust/tokens/genuine-foreign.ts'

const SIGNED = `${SUBJECT}/signed`
const PLAIN = `${SUBJECT}/jwks`
const HALF_MS = 1_800_000
const world = useChains()
const { clock, db, fetchKeys, now } = world
const old = testTokenKey('EdDSA')
const fresh = testTokenKey('EdDSA')
const entries = { old: toEntry(old), fresh: toEntry(fresh) }

function toEntry({ kid, alg, jwk }: typeof old) {
  return { ...jwk, kid, alg, use: 'sig' }
}

let subject = createKey()
let anchor = createKey()
beforeEach(() => {
  subject = createKey()
  anchor = createKey()
})

/** Lets the metadata of the subject have these keys from now on. Texts are answers at other addresses. */
function say(keys: object, texts: Readonly<Record<string, string>> = {}, bySuperior: Claims = {}) {
  const own = { metadata: { oauth_authorization_server: { issuer: SUBJECT, ...keys } } }
  const claims = (iss: string, sub: string): Claims => ({
    exp: NOW_S + 86_400,
    ...(sub === SUBJECT && (iss === SUBJECT ? own : bySuperior)),
  })
  const network = createNetwork({ [SUBJECT]: [ANCHOR] }, claims, { [SUBJECT]: subject, [ANCHOR]: anchor })
  for (const [url, text] of Object.entries(texts)) network.texts.set(url, text)
  return world.connect(network)
}

const signedSet = (iat: number, ...keys: readonly object[]) =>
  signStatement({
    signer: subject,
    header: { typ: 'jwk-set+jwt' },
    claims: { iss: SUBJECT, sub: SUBJECT, iat, keys },
  })
const plainSet = (...keys: readonly object[]) => JSON.stringify({ keys })

/** Admits the subject, whose old key verifies then. */
async function admit(keys: object, texts: Readonly<Record<string, string>> = {}) {
  say(keys, texts)
  await world.pin(ANCHOR)
  await world.discover()
  await world.add({ issuer: SUBJECT, anchor: ANCHOR })
  await fetchKeys()
  expect(await outcome(old)).toBe('GENUINE')
}

/** Judges a token of the subject under the rows as they are now. */
async function outcome(key: typeof old) {
  const issuer = (await readIssuers(db().pool, SUBJECT)).get(SUBJECT) ?? expect.fail()
  const read = createGenuineForeign(now)(accessTokenOf(key, {}, { iss: SUBJECT }), issuer)
  return 'verdict' in read ? read.verdict : 'GENUINE'
}

describe('a renewed chain', () => {
  it('keeps the keys of an address that does not answer for a while', async () => {
    await admit({ jwks_uri: PLAIN }, { [PLAIN]: plainSet(entries.old) })
    say({ jwks_uri: PLAIN })
    clock.ms += HALF_MS
    await fetchKeys()
    expect(await outcome(old)).toBe('GENUINE')
  })

  it.each<[string, () => void]>([
    ['names no keys', () => say({})],
    ['names an address that does not answer', () => say({ jwks_uri: `${SUBJECT}/new` })],
    ['contains a set that is not usable', () => say({ jwks: {} })],
    [
      'attests other keys than the one that signed the set',
      () => {
        const stolen = signedSet(NOW_S, entries.old)
        subject = createKey()
        say({ signed_jwks_uri: SIGNED }, { [SIGNED]: stolen })
      },
    ],
  ])('ends the keys of the last one when it %s', async (_, change) => {
    await admit({ signed_jwks_uri: SIGNED }, { [SIGNED]: signedSet(NOW_S, entries.old) })
    change()
    clock.ms += HALF_MS
    await fetchKeys()
    expect(await outcome(old)).toBe('ISSUER_KEYS_UNAVAILABLE')
  })

  it.each<[string, Claims]>([
    ['metadata', { metadata: { oauth_authorization_server: { jwks: { keys: [entries.fresh] } } } }],
    [
      'a policy',
      { metadata_policy: { oauth_authorization_server: { jwks_uri: { value: 'https://elsewhere.example/jwks' } } } },
    ],
  ])('does not count if a superior replaces the keys by %s, so the last one counts until it ends', async (_, said) => {
    const texts = { [PLAIN]: plainSet(entries.old), 'https://elsewhere.example/jwks': plainSet(entries.fresh) }
    await admit({ jwks_uri: PLAIN }, texts)
    say({ jwks_uri: PLAIN }, texts, said)
    clock.ms += 2 * HALF_MS - 1
    await fetchKeys()
    expect([await outcome(old), await outcome(fresh)]).toEqual(['GENUINE', 'UNKNOWN_KEY'])
    expect(await world.chain()).toMatchObject({ problem: 'KEYS_REPLACED' })
    clock.ms += 1
    expect(await outcome(old)).toBe('ISSUER_KEYS_UNAVAILABLE')
  })

  it('brings its own keys, although their set is older than the last one from another place', async () => {
    await admit({ signed_jwks_uri: SIGNED }, { [SIGNED]: signedSet(NOW_S, entries.old) })
    // The configuration is an hour old.
    say({ jwks: { keys: [entries.fresh] } })
    clock.ms += HALF_MS
    await fetchKeys()
    expect([await outcome(old), await outcome(fresh)]).toEqual(['UNKNOWN_KEY', 'GENUINE'])
  })

  it('verifies nothing until its keys are stored', async () => {
    await admit({ jwks_uri: PLAIN }, { [PLAIN]: plainSet(entries.old) })
    say({ jwks: { keys: [entries.fresh] } })
    clock.ms += HALF_MS
    await world.current(ANCHOR)
    expect([await outcome(old), await outcome(fresh)]).toEqual(Array(2).fill('ISSUER_KEYS_UNAVAILABLE'))
    await fetchKeys()
    expect([await outcome(old), await outcome(fresh)]).toEqual(['UNKNOWN_KEY', 'GENUINE'])
  })
})

describe('a chain that was found again', () => {
  it.each<[string, () => Promise<void>]>([
    [
      'after the pins of the anchor were replaced',
      async () => {
        anchor = createKey()
        await world.pin(ANCHOR, { jwks: JSON.stringify(jwksOf(anchor)) })
        const { id } = await db().prisma.issuer.findFirstOrThrow()
        await enableIssuer(world.issuers(), asAdmin(), id, '')
      },
    ],
    [
      'after it had ended',
      async () => {
        // The keys are younger than the chain, which ends an hour after it was found.
        clock.ms += HALF_MS - 1
        await fetchKeys()
        clock.ms += HALF_MS + 1
      },
    ],
  ])('verifies nothing until its keys are stored, %s', async (_, interrupt) => {
    await admit({ jwks_uri: PLAIN }, { [PLAIN]: plainSet(entries.old) })
    await interrupt()
    say({ jwks_uri: PLAIN }, { [PLAIN]: plainSet(entries.fresh) })
    await world.current(ANCHOR)
    expect([await outcome(old), await outcome(fresh)]).toEqual(Array(2).fill('ISSUER_KEYS_UNAVAILABLE'))
    await fetchKeys()
    expect([await outcome(old), await outcome(fresh)]).toEqual(['UNKNOWN_KEY', 'GENUINE'])
  })
})
