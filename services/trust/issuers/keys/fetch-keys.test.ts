import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../../test/support/database.ts'
import { asAdmin } from '../../../../test/support/identity.ts'
import { publishedKey } from '../../../../test/support/issuer-keys.ts'
import { fakeOutbound, useIssuers } from '../../../../test/support/issuers.ts'
import { noChain } from '../../../../test/support/no-foreign.ts'
import { OutboundError } from '../../../platform/outbound/outbound-error.ts'
import { disableIssuer, readmitKey } from '../store.ts'
import { toMessage } from '../to-message.ts'
import { createKeyFetcher } from './fetch-keys.ts'

const BETA = 'https://beta.io/auth'
const DISCOVERY = `${BETA}/.well-known/auth4agent`
const JWKS = `${BETA}/.well-known/jwks.json`
const world = useIssuers()
const { db, clock, now, add, issuers } = world
let outbound: ReturnType<typeof fakeOutbound>

beforeEach(() => {
  outbound = fakeOutbound()
  outbound.answers.set(DISCOVERY, { json: { issuer: BETA, jwks_uri: JWKS } })
})

const fetcher = () => createKeyFetcher({ prisma: db().prisma, outbound, currentChain: noChain, now, log: silentLog })
const publish = (keys: readonly object[], edits: object = {}) => {
  outbound.answers.set(JWKS, { json: { keys }, date: clock.ms, ...edits })
}

/** Fetches what is due after `seconds`, and returns the only issuer. */
async function fetchAfter(seconds: number) {
  clock.ms += seconds * 1000
  await fetcher().run()
  return readBack()
}

async function readBack() {
  const row = await db().prisma.issuer.findFirstOrThrow({
    where: { issuer: BETA },
    include: { keys: true, endedKeys: true, domains: true },
  })
  return { row, states: (toMessage(row, undefined).keys ?? []).map(({ kid, state }) => `${kid} ${state}`) }
}

describe('a fetch of keys', () => {
  it('stores the keys, and is due again at 80 % of their max-age', async () => {
    await add({ issuer: BETA })
    const key = publishedKey()
    publish([key], { maxAgeS: 200 })
    const { row, states } = await fetchAfter(0)
    expect(states).toEqual([`${key.kid} published`])
    expect(row).toMatchObject({
      keysAsOf: new Date(clock.ms),
      keysDate: new Date(clock.ms),
      keysDueAt: new Date(clock.ms + 160_000),
      keysProblem: '',
    })
    expect(row.keys[0]?.publicJwk).toEqual({ kty: 'OKP', crv: 'Ed25519', x: key.x })
    expect(outbound.asked).toEqual([DISCOVERY, JWKS])
  })

  it.each([
    ['a long max-age', 86_400, 300],
    ['a short max-age', 1, 30],
    ['no-store', 0, 30],
    ['no max-age', undefined, 60],
  ])('is due again after %s', async (_, maxAgeS, seconds) => {
    await add({ issuer: BETA })
    publish([publishedKey()], { maxAgeS })
    const { row } = await fetchAfter(0)
    expect(row.keysDueAt).toEqual(new Date(clock.ms + seconds * 1000))
  })

  it('is left to the process that has claimed the issuer', async () => {
    await add({ issuer: BETA })
    publish([publishedKey()])
    await db().prisma.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM issuers FOR UPDATE`
      await fetcher().run()
    })
    expect(outbound.asked).toEqual([])
  })

  it('is not made for a disabled issuer', async () => {
    const { id } = await add({ issuer: BETA })
    await disableIssuer(issuers(), asAdmin(), id, '')
    await fetchAfter(3600)
    expect(outbound.asked).toEqual([])
  })

  it('fetches from the address that the administrator has named, although the document names another', async () => {
    const jwksUri = 'https://keys.beta.io/jwks'
    await add({ issuer: BETA, jwksUri })
    outbound.answers.set(jwksUri, { json: { keys: [publishedKey()] } })
    expect((await fetchAfter(0)).states).toHaveLength(1)
    expect(outbound.asked).toEqual([DISCOVERY, jwksUri])
  })

  it('reads the keys of an OAuth server without a discovery document', async () => {
    const issuer = 'https://idp.beta.io/'
    await add({ issuer, kind: 'oauth', algorithms: ['EdDSA'], domain: 'beta.io' })
    const { use: _, ...key } = publishedKey()
    outbound.answers.set(`${issuer}.well-known/jwks.json`, { json: { keys: [{ ...key, kid: 'key-1' }] } })
    await fetcher().run()
    const rows = await db().prisma.issuerKey.findMany()
    expect(rows).toMatchObject([{ kid: 'key-1', thumbprint: key.kid }])
  })
})

describe('a failed fetch of keys', () => {
  const wrongIssuer = { json: { issuer: `${BETA}/`, jwks_uri: JWKS } }
  const elsewhere = { json: { issuer: BETA, jwks_uri: 'https://evil.org/jwks' } }
  const oddly = { json: { issuer: BETA, jwks_uri: JWKS.replace('https://', 'https:///') } }

  it.each([
    ['TIMEOUT', JWKS, new OutboundError('TIMEOUT', 'x')],
    ['ADDRESS_REFUSED', DISCOVERY, new OutboundError('ADDRESS_REFUSED', 'x')],
    // Row 14 of the attacks.
    ['TOO_LARGE', JWKS, new OutboundError('TOO_LARGE', 'x')],
    ['NOT_JSON', JWKS, { body: Buffer.from('{"keys":[],"keys":[]}') }],
    ['NOT_A_JWKS', JWKS, { json: { keys: Array.from({ length: 33 }, publishedKey) } }],
    // Row 4 of the attacks.
    ['ISSUER_MISMATCH', DISCOVERY, wrongIssuer],
    ['ISSUER_MISMATCH', DISCOVERY, elsewhere],
    ['ISSUER_MISMATCH', DISCOVERY, oddly],
    ['DATE_AHEAD', JWKS, { json: { keys: [] }, date: Date.UTC(2026, 0, 15, 10, 10) + 10_001 }],
  ] as const)('says %s, keeps the keys, and is due again after 30 s', async (why, url, answer) => {
    await add({ issuer: BETA })
    const { kid, ...key } = publishedKey()
    publish([{ kid, ...key }])
    await fetchAfter(0)
    outbound.answers.set(url, answer)
    const { row, states } = await fetchAfter(600)
    expect(row).toMatchObject({ keysProblem: why, keysDueAt: new Date(clock.ms + 30_000) })
    expect(states).toEqual([`${kid} published`])
    expect(row.keysAsOf).toEqual(new Date(clock.ms - 600_000))
  })

  it('is forgotten after the next good one', async () => {
    await add({ issuer: BETA })
    expect((await fetchAfter(0)).row.keysProblem).toBe('UNREACHABLE')
    publish([publishedKey()])
    expect((await fetchAfter(30)).row.keysProblem).toBe('')
  })

  it('of one issuer does not delay another', async () => {
    await add({ issuer: 'https://gamma.org' })
    await add({ issuer: BETA })
    publish([publishedKey()])
    expect((await fetchAfter(0)).states).toHaveLength(1)
  })
})

// Row 16 of the attacks.
describe('a JWKS that is rolled back', () => {
  it('is refused if its Date is more than 10 s earlier than that of the last one', async () => {
    await add({ issuer: BETA })
    const [old, next] = [publishedKey(), publishedKey()]
    publish([old])
    await fetchAfter(0)
    const replayed = clock.ms
    publish([next], { date: clock.ms + 300_000 })
    await fetchAfter(300)
    publish([old], { date: replayed })
    const { row, states } = await fetchAfter(300)
    expect(row.keysProblem).toBe('ROLLBACK')
    expect(states.toSorted()).toEqual([`${next.kid} published`, `${old.kid} absent`].toSorted())
    publish([next], { date: replayed + 290_000 })
    expect((await fetchAfter(30)).row.keysProblem).toBe('')
  })

  it('is refused although it goes back in steps of less than 10 s', async () => {
    await add({ issuer: BETA })
    const { ms } = clock
    publish([publishedKey()], { date: ms })
    await fetchAfter(0)
    publish([publishedKey()], { date: ms - 9_000 })
    expect((await fetchAfter(60)).row.keysProblem).toBe('')
    publish([publishedKey()], { date: ms - 18_000 })
    expect((await fetchAfter(60)).row.keysProblem).toBe('ROLLBACK')
  })

  it('is refused without a Date, if an earlier one had a Date', async () => {
    await add({ issuer: BETA })
    publish([publishedKey()])
    await fetchAfter(0)
    publish([publishedKey()], { date: undefined })
    expect((await fetchAfter(300)).row.keysProblem).toBe('DATE_MISSING')
  })

  it('brings no key back that was absent twice, until the administrator readmits it', async () => {
    const { id } = await add({ issuer: BETA })
    const [old, next] = [publishedKey(), publishedKey()]
    publish([old])
    await fetchAfter(0)
    publish([next])
    expect((await fetchAfter(60)).states).toContain(`${old.kid} absent`)
    publish([next])
    expect((await fetchAfter(60)).states).toContain(`${old.kid} withdrawn`)
    expect(await world.audit()).toContain(`issuer.withdraw-key ${BETA} ${old.kid}: `)
    publish([old, next])
    expect((await fetchAfter(60)).states).toContain(`${old.kid} withdrawn`)
    await readmitKey(issuers(), asAdmin(), { id, kid: old.kid }, '')
    publish([old, next])
    expect((await fetchAfter(60)).states).toContain(`${old.kid} published`)
  })

  it('takes a key back that was absent once', async () => {
    await add({ issuer: BETA })
    const key = publishedKey()
    publish([key])
    await fetchAfter(0)
    publish([])
    const { row, states } = await fetchAfter(60)
    expect(states).toEqual([`${key.kid} absent`])
    expect(row.keysProblem).toBe('NO_USABLE_KEY')
    publish([key])
    expect((await fetchAfter(60)).states).toEqual([`${key.kid} published`])
  })
})

// Row 2 of the attacks.
describe('a key of somebody else', () => {
  it('is taken by its issuer although another enabled issuer has published it first', async () => {
    const key = publishedKey()
    const other = await add({ issuer: 'https://gamma.org' })
    const { kid, alg, use: _, ...publicJwk } = key
    await db().prisma.issuerKey.create({ data: { issuerId: other.id, kid, alg, publicJwk, thumbprint: kid } })
    await add({ issuer: BETA })
    publish([key])
    const { row, states } = await fetchAfter(0)
    expect(states).toEqual([`${kid} published`])
    expect(row.keysProblem).toBe('')
    expect(await world.audit()).toContain(`issuer.new-key ${BETA}: ${kid}`)
  })

  it('is refused if it is a key of this deployment', async () => {
    const { kid, alg: _, use: __, ...publicJwk } = publishedKey()
    const state = 'retired'
    await db().prisma.jwksKey.create({ data: { kid, alg: 'EdDSA', purpose: 'access_token', state, publicJwk } })
    await add({ issuer: BETA })
    publish([{ ...publicJwk, kid, alg: 'EdDSA', use: 'sig' }])
    const { row, states } = await fetchAfter(0)
    expect(states).toEqual([])
    expect(row.keysProblem).toBe(`KEY_IS_OURS ${kid}`)
    expect(jwkThumbprint(publicJwk)).toBe(kid)
  })
})
