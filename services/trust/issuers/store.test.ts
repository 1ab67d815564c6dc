import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { asAdmin } from '../../../test/support/identity.ts'
import { publishedKey, watchJwk } from '../../../test/support/issuer-keys.ts'
import { useIssuers } from '../../../test/support/issuers.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { disableIssuer, enableIssuer, listIssuers, readmitKey } from './store.ts'
import { toMessage } from './to-message.ts'

const { db, issuers, add, audit, records, clock, vault } = useIssuers()
const BETA = 'https://beta.io/auth'
const OPERATOR = '00000000-0000-8000-8000-000000000000'

const disable = (id: string) => disableIssuer(issuers(), asAdmin(), id, 'leaked')
const readmit = (id: string, kid: string) => readmitKey(issuers(), asAdmin(), { id, kid }, 'planned')
const enable = (id: string) => enableIssuer(issuers(), asAdmin(), id, 'mended')

async function addKey(issuerId: string, edits: object = {}) {
  const { kid, alg, use: _, ...publicJwk } = publishedKey()
  await db().prisma.issuerKey.create({ data: { issuerId, kid, alg, publicJwk, thumbprint: kid, ...edits } })
  return kid
}

describe('addIssuer', () => {
  it('seals the secret under the id of the issuer, and answers without it', async () => {
    const { d, ...half } = watchJwk()
    const secret = JSON.stringify({ ...half, d })
    const row = await add({ issuer: BETA, revocationMode: 'log', actsAs: OPERATOR, secret })
    const { wrappedSecret, kekId } = row
    if (wrappedSecret === null) throw new Error('The secret must be stored')
    expect(Buffer.from(wrappedSecret).includes('OKP')).toBe(false)
    expect(vault.open(wrappedSecret, kekId, { purpose: 'issuer', id: row.id }).toString()).toBe(secret)
    expect(inspect(toMessage(row, 0), { depth: 9 })).not.toContain(d)
    expect(await audit()).toEqual([`issuer.add ${BETA}: auth4agent, log`])
  })

  it('admits an issuer once, also after it was disabled', async () => {
    const { id } = await add({ issuer: BETA })
    await disable(id)
    expect(await refusalOf(add({ issuer: BETA }))).toBe('ISSUER_EXISTS')
  })

  it('admits one of two equal issuers that are added at the same time', async () => {
    const outcomes = await Promise.all([1, 2, 3].map(() => refusalOf(add({ issuer: BETA }))))
    expect(outcomes.filter((reason) => reason === 'ISSUER_EXISTS')).toHaveLength(2)
    expect(outcomes).toContain(undefined)
  })

  it.each(['log', 'introspection', 'status_list', 'none'] as const)(
    'admits an issuer with the mode %s',
    async (mode) => {
      const kind = mode === 'log' ? 'auth4agent' : 'oauth'
      const party = {
        log: { actsAs: OPERATOR, secret: JSON.stringify(watchJwk()) },
        introspection: { actsAs: 'a', secret: 's', introspectionUri: `${BETA}/introspect` },
        status_list: { statusListUri: 'https://lists.io/' },
        none: {},
      }[mode]
      const oauth = kind === 'oauth' && { algorithms: ['ES256'], domain: 'beta.io' }
      const row = await add({ issuer: BETA, kind, revocationMode: mode, ...oauth, ...party })
      const { revocationMode, statusListUri } = toMessage(row, undefined)
      expect({ revocationMode, statusListUri }).toEqual({
        revocationMode: mode,
        statusListUri: mode === 'status_list' ? 'https://lists.io/' : '',
      })
    },
  )

  it('admits at most 64 issuers', async () => {
    for (let count = 0; count < 64; count += 1) await add({ issuer: `https://beta.io/${count}` })
    expect(await refusalOf(add({ issuer: BETA }))).toBe('TOO_MANY_ISSUERS')
  })

  it('pins the domain of an OAuth server, and ends the domain that has claimed its operator id', async () => {
    const oauth = { issuer: 'https://idp.beta.io/', kind: 'oauth', algorithms: ['ES256'], domain: 'beta.io' }
    const { domains } = await add(oauth)
    expect(domains).toMatchObject([{ domain: 'beta.io', thumbprint: null, provenAt: null }])
    const operatorId = domains[0]?.operatorId ?? ''
    await db().prisma.issuerDomain.deleteMany()
    await db().prisma.issuer.deleteMany()
    const evil = await add({ issuer: 'https://evil.org' })
    const claim = { issuerId: evil.id, domain: 'evil.org', operatorId, thumbprint: 'k'.repeat(43) }
    const { edgeId } = await db().prisma.issuerDomain.create({ data: claim })
    expect((await add(oauth)).domains).toMatchObject([{ operatorId }])
    expect(await db().prisma.issuerDomain.count()).toBe(1)
    expect((await records()).at(-1)).toBe(`edge ${edgeId} 0`)
    expect(await audit()).toContain('issuer.end-domain https://evil.org evil.org: the administrator pins the operator')
  })
})

describe('disableIssuer', () => {
  it('raises the generation and writes it to the revocation log', async () => {
    const { id } = await add({ issuer: BETA })
    const before = await records()
    expect(await disable(id)).toMatchObject({ status: 'disabled', generation: 2 })
    expect((await records()).slice(before.length)).toEqual([`issuer ${BETA} 2`])
    expect(await audit()).toContain(`issuer.disable ${BETA}: leaked`)
  })

  it('changes nothing when it is repeated', async () => {
    const { id } = await add({ issuer: BETA })
    await disable(id)
    const before = await records()
    expect(await disable(id)).toMatchObject({ status: 'disabled', generation: 2 })
    expect(await records()).toEqual(before)
    expect((await audit()).length).toBe(2)
  })

  it.each([
    ['an unknown id', OPERATOR],
    ['the URL of the issuer', BETA],
    ['an id in capital letters', 'A0000000-0000-8000-8000-000000000000'],
  ])('refuses %s', async (_, id) => {
    expect(await refusalOf(disable(id))).toBe('ISSUER_NOT_FOUND')
  })
})

describe('enableIssuer', () => {
  // Row 22 of the attacks: what was disabled does not come back.
  it('keeps the generation, and accepts only tokens that are certainly issued from now on', async () => {
    const { id } = await add({ issuer: BETA })
    await disable(id)
    clock.ms += 1000
    const at = new Date(clock.ms)
    expect(await enable(id)).toMatchObject({
      status: 'enabled',
      generation: 2,
      // A token from before it may have an iat that is ahead by the clock skew.
      acceptedFrom: new Date(clock.ms + 10_000),
      keysDueAt: at,
    })
    expect(await disable(id)).toMatchObject({ generation: 3 })
  })

  it('changes nothing about an enabled issuer', async () => {
    const { id } = await add({ issuer: BETA })
    clock.ms += 1000
    expect(await enable(id)).toMatchObject({ acceptedFrom: null, generation: 1 })
    expect((await audit()).length).toBe(1)
  })
})

describe('readmitKey', () => {
  it('publishes a withdrawn key again that the issuer publishes, and fetches soon', async () => {
    const { id } = await add({ issuer: BETA })
    const kid = await addKey(id, { withdrawnAt: new Date() })
    clock.ms += 1000
    const row = await readmit(id, kid)
    expect(toMessage(row, undefined).keys).toMatchObject([{ kid, state: 'published' }])
    expect(row.keysDueAt).toEqual(new Date(clock.ms))
    expect(await audit()).toContain(`issuer.readmit-key ${BETA} ${kid}: planned`)
  })

  it('leaves a key absent that the newest set lacks', async () => {
    const { id } = await add({ issuer: BETA })
    const kid = await addKey(id, { withdrawnAt: new Date(), absentSince: new Date() })
    expect(toMessage(await readmit(id, kid), undefined).keys).toMatchObject([{ state: 'absent' }])
  })

  it('changes nothing about a key that is not withdrawn', async () => {
    const { id } = await add({ issuer: BETA })
    await readmit(id, await addKey(id))
    expect((await audit()).length).toBe(1)
  })

  it('refuses a key of another issuer', async () => {
    const other = await add({ issuer: BETA })
    const kid = await addKey(other.id, { withdrawnAt: new Date() })
    const { id } = await add({ issuer: 'https://gamma.org' })
    expect(await refusalOf(readmit(id, kid))).toBe('KEY_NOT_FOUND')
  })
})

describe('listIssuers', () => {
  it('lists the oldest issuer first, with its problems', async () => {
    const first = await add({ issuer: BETA })
    clock.ms += 1000
    await add({ issuer: 'https://a.org' })
    const problems = { keysProblem: 'TIMEOUT', statementsProblem: 'STATUS' }
    await db().prisma.issuer.update({ where: { id: first.id }, data: problems })
    const messages = (await listIssuers(db().prisma)).map((row) => toMessage(row, clock.ms))
    expect(messages).toMatchObject([
      { issuer: BETA, problem: 'keys: TIMEOUT; statements: STATUS', status: 'enabled', generation: 1 },
      { issuer: 'https://a.org', problem: '' },
    ])
    expect(messages[0]?.revocationsAsOf?.seconds).toBe(BigInt(clock.ms / 1000))
  })
})
