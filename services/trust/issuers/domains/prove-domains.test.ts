import { randomUUID } from 'node:crypto'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import { recordValue } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import { beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../../test/support/database.ts'
import { asAdmin } from '../../../../test/support/identity.ts'
import { fakeOutbound, useIssuers } from '../../../../test/support/issuers.ts'
import { disableIssuer } from '../store.ts'
import { createDomainProver } from './prove-domains.ts'

const BETA = 'https://beta.io/auth'
const RK = 'k'.repeat(43)
const { db, clock, now, add, name, audit, records, issuers } = useIssuers()
const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** What the only resolver answers, by name. */
const dns = new Map<string, TxtAnswer>()
let asked: string[] = []

beforeEach(() => {
  dns.clear()
  asked = []
})

const resolveTxt = async (domain: string): Promise<readonly TxtAnswer[]> => {
  asked.push(domain)
  return [dns.get(domain) ?? { kind: 'absent' }]
}
const prover = () =>
  createDomainProver({
    prisma: db().prisma,
    issuer: 'https://auth.alpha.net',
    outbound: fakeOutbound(),
    resolveTxt,
    now,
    testDomains: false,
    log: silentLog,
  })
const idOf = (domain: string, issuer = BETA) => operatorId({ issuer, domain, thumbprint: RK })

/** Sets the record of a domain at beta. */
function show(domain: string, id = idOf(domain), thumbprint = RK) {
  const text = recordValue({ issuer: BETA, operatorId: id, thumbprint })
  dns.set(`_auth4agents.${domain}`, { kind: 'records', records: [text] })
  return id
}

const rows = () => db().prisma.issuerDomain.findMany({ orderBy: { domain: 'asc' } })
const nameCargo = () => name({ home: BETA, domain: 'cargo.io', id: idOf('cargo.io') })

/** Runs a pass after a time. */
async function passAfter(ms: number) {
  clock.ms += ms
  await prover().run()
}

describe('a first proof', () => {
  it('is made for a domain that a live statement names, and is due again after an hour', async () => {
    const { id } = await add({ issuer: BETA })
    await nameCargo()
    show('cargo.io')
    await prover().run()
    expect(await rows()).toMatchObject([
      {
        issuerId: id,
        domain: 'cargo.io',
        operatorId: idOf('cargo.io'),
        thumbprint: RK,
        provenAt: new Date(clock.ms),
        nextProofAt: new Date(clock.ms + HOUR),
        failedProofs: 0,
      },
    ])
    expect(await audit()).toContain(
      `issuer.prove-domain ${BETA} cargo.io: operator ${idOf('cargo.io')}, root key ${RK}`,
    )
  })

  it('is made for the signer of a statement of another deployment', async () => {
    await add({ issuer: BETA })
    await name(
      { home: 'https://auth.alpha.net', domain: 'acme.com', id: idOf('acme.com') },
      { home: BETA, domain: 'dock.io' },
    )
    show('dock.io')
    await prover().run()
    expect(await rows()).toMatchObject([{ domain: 'dock.io' }])
  })

  it.each([
    ['a statement that was replaced', { replacedAt: new Date() }],
    ['a statement that has ended', { endedAt: new Date(), end: 'revoked' }],
    ['a statement that has expired', { expiresAt: new Date(0) }],
    ['a statement about an issuer', { subjectDomain: '' }],
    ['a statement that counts only elsewhere', { aud: ['https://auth.alpha.net/b'] }],
    ['a statement that its deployment no longer lists', { unlistedAt: new Date() }],
    ['a domain of an issuer that is not admitted', { subjectHome: 'https://gamma.org' }],
  ])('is not made for %s', async (_, edits) => {
    await add({ issuer: BETA })
    await name({ home: BETA, domain: 'cargo.io', id: idOf('cargo.io') }, edits)
    await prover().run()
    expect(asked).toEqual([])
  })

  it('is not made for a disabled issuer, or for an OAuth server', async () => {
    const { id } = await add({ issuer: BETA })
    await disableIssuer(issuers(), asAdmin(), id, '')
    const idp = 'https://idp.beta.io'
    await add({ issuer: idp, kind: 'oauth', algorithms: ['ES256'], domain: 'beta.io' })
    await nameCargo()
    await name({ home: idp, domain: 'other.io', id: idOf('other.io') })
    await prover().run()
    expect(asked).toEqual([])
  })

  it('is tried again after a minute, or at once for a domain that is preferred', async () => {
    const { id } = await add({ issuer: BETA })
    await nameCargo()
    const own = prover()
    await own.run()
    clock.ms += MINUTE - 1
    await own.run()
    expect(asked).toHaveLength(1)
    own.prefer(id, 'cargo.io')
    await own.run()
    expect(asked).toHaveLength(2)
    clock.ms += MINUTE
    await own.run()
    expect(asked).toHaveLength(3)
  })

  it('looks up 16 domains in a pass, and the others in the next', async () => {
    await add({ issuer: BETA })
    for (let count = 0; count < 20; count += 1) {
      await name({ home: BETA, domain: `d${count}.io`, id: idOf(`d${count}.io`) })
    }
    const own = prover()
    await own.run()
    expect(asked).toHaveLength(16)
    await own.run()
    expect(new Set(asked).size).toBe(20)
  })
})

/** Names 40 domains that nobody has. */
const flood = async (edits: (count: number) => object) => {
  for (let count = 0; count < 40; count += 1) {
    await name({ home: BETA, domain: `d${count}.io`, id: idOf(`d${count}.io`) }, edits(count))
  }
}
const nameOne = (edits: object = {}) => name({ home: BETA, domain: 'cargo.io', id: idOf('cargo.io') }, edits)

describe('an operator or issuer with thousands of domains', () => {
  const [signerId, other] = [randomUUID(), randomUUID()]
  it('does not delay the first proof of a domain that another operator names', async () => {
    await add({ issuer: BETA })
    await flood(() => ({ signerId }))
    await nameOne()
    await prover().run()
    expect(asked).toHaveLength(16)
    expect(asked).toContain('_auth4agents.cargo.io')
  })

  it('does not delay it, although a deployment lists statements of ever new operators', async () => {
    const { id: issuerId } = await add({ issuer: BETA })
    await flood(() => ({ issuerId }))
    await nameOne()
    await prover().run()
    expect(asked).toContain('_auth4agents.cargo.io')
  })

  it('does not delay it, if both operators belong to the same deployment', async () => {
    const { id: issuerId } = await add({ issuer: BETA })
    await flood(() => ({ issuerId, signerId }))
    await nameOne({ issuerId, signerId: other })
    await prover().run()
    expect(asked).toContain('_auth4agents.cargo.io')
  })

  it('does not delay it by preferring its own domains', async () => {
    const { id } = await add({ issuer: BETA })
    await flood(() => ({ signerId }))
    await nameOne()
    const own = prover()
    for (let count = 0; count < 40; count += 1) own.prefer(id, `d${count}.io`)
    await own.run()
    expect(asked).toContain('_auth4agents.cargo.io')
  })

  it('does not delay a repeated proof of another issuer', async () => {
    const [beta, gamma] = [await add({ issuer: BETA }), await add({ issuer: 'https://gamma.org' })]
    await db().pool.query(
      `INSERT INTO issuer_domains (issuer_id, domain, operator_id, thumbprint, proven_at, next_proof_at)
       SELECT $1::uuid, 'd' || n || '.io', gen_random_uuid(), $3, $4::timestamptz, $4::timestamptz FROM generate_series(1, 40) n
       UNION ALL SELECT $2::uuid, 'cargo.io', gen_random_uuid(), $3, $4::timestamptz, $5::timestamptz`,
      [beta.id, gamma.id, RK, new Date(clock.ms), new Date(clock.ms + 1)],
    )
    await passAfter(HOUR)
    expect(asked).toHaveLength(16)
    expect(asked).toContain('_auth4agents.cargo.io')
  })

  it('gets at most 10,000 domains of an issuer proven, and domains without a statement make room', async () => {
    const { id } = await add({ issuer: BETA })
    await db().pool.query(
      `INSERT INTO issuer_domains (issuer_id, domain, operator_id, thumbprint, proven_at, next_proof_at)
       SELECT $1, 'd' || n || '.io', gen_random_uuid(), $2, $3, $3::timestamptz + interval '1 hour'
       FROM generate_series(0, 9999) n`,
      [id, RK, new Date(clock.ms)],
    )
    await flood(() => ({ signerId }))
    await nameOne()
    show('cargo.io')
    await prover().run()
    expect(await audit()).toContain(`issuer.end-domain ${BETA}: 100 that nobody names`)
    expect(await rows()).toHaveLength(9_901)
    await db().prisma.issuerDomain.deleteMany({ where: { domain: 'cargo.io' } })
    await db().pool.query(
      `INSERT INTO issuer_domains (issuer_id, domain, operator_id) SELECT $1, 'p' || n || '.io', gen_random_uuid()
       FROM generate_series(1, 100) n`,
      [id],
    )
    // None of the first 10,000 is proven by DNS now, so none can be ended.
    await db().prisma.issuerDomain.updateMany({ data: { provenAt: null, nextProofAt: null } })
    await passAfter(MINUTE)
    expect(await rows()).not.toContainEqual(expect.objectContaining({ domain: 'cargo.io' }))
  })
})

describe('a record with the operator id of somebody else', () => {
  it('is refused if it is an operator of this deployment', async () => {
    await add({ issuer: BETA })
    await name({ home: BETA, domain: 'evil.org', id: idOf('evil.org') })
    const id = show('evil.org')
    const rootPublicKey = new Uint8Array(32)
    await db().prisma.operator.create({ data: { id, domain: 'acme.com', rootPublicKey, rootKeyThumbprint: RK } })
    await prover().run()
    expect(await rows()).toEqual([])
  })

  it('is refused if another domain has it', async () => {
    await add({ issuer: BETA })
    await nameCargo()
    const id = show('cargo.io')
    await prover().run()
    await name({ home: BETA, domain: 'evil.org', id })
    show('evil.org', id)
    await prover().run()
    expect(await rows()).toMatchObject([{ domain: 'cargo.io' }])
  })

  it('gives way to the domain whose key makes the id', async () => {
    await add({ issuer: BETA })
    const id = show('evil.org', idOf('cargo.io'))
    await name({ home: BETA, domain: 'evil.org', id })
    await prover().run()
    const [claim] = await rows()
    expect(claim).toMatchObject({ domain: 'evil.org' })
    await nameCargo()
    show('cargo.io')
    await prover().run()
    expect(await rows()).toMatchObject([{ domain: 'cargo.io', operatorId: id }])
    expect((await records()).at(-1)).toBe(`edge ${claim?.edgeId} 0`)
  })
})

describe('a repeated proof', () => {
  async function proven() {
    await add({ issuer: BETA })
    await nameCargo()
    show('cargo.io')
    await prover().run()
    const [row] = await rows()
    if (row === undefined) throw new Error('The domain must be proven')
    return row
  }
  it('is made after an hour, and keeps the edge', async () => {
    const { edgeId } = await proven()
    await passAfter(HOUR - 1)
    expect(asked).toHaveLength(1)
    await passAfter(1)
    expect(asked).toHaveLength(2)
    expect(await rows()).toMatchObject([{ edgeId, provenAt: new Date(clock.ms) }])
  })

  it('is made by one of several processes', async () => {
    await proven()
    clock.ms += HOUR
    await Promise.all([prover().run(), prover().run(), prover().run()])
    expect(asked).toHaveLength(2)
  })

  // Row 6 of the attacks.
  it.each([
    [
      'operator, because the domain has changed hands',
      operatorId({ issuer: BETA, domain: 'cargo.io', thumbprint: 'l' }),
      RK,
    ],
    ['root key', idOf('cargo.io'), 'l'.repeat(43)],
  ])('ends the edge when DNS names another %s', async (_, id, thumbprint) => {
    const { edgeId } = await proven()
    show('cargo.io', id, thumbprint)
    await passAfter(HOUR)
    const [row] = await rows()
    expect(row).toMatchObject({ operatorId: id, thumbprint })
    expect(row?.edgeId).not.toBe(edgeId)
    expect((await records()).at(-1)).toBe(`edge ${edgeId} 0`)
  })

  it.each([
    ['the record is missing', { kind: 'absent' }, 'not-found'],
    ['DNS gives no answer', { kind: 'failed', why: 'ETIMEOUT' }, 'unavailable'],
  ] as const)('ends the domain when %s three times, five minutes apart', async (_, answer, why) => {
    const { edgeId } = await proven()
    dns.set('_auth4agents.cargo.io', answer)
    await passAfter(HOUR)
    await passAfter(5 * MINUTE - 1)
    expect(await rows()).toMatchObject([{ failedProofs: 1 }])
    await passAfter(1)
    expect(await rows()).toMatchObject([{ edgeId, failedProofs: 2 }])
    await passAfter(5 * MINUTE)
    expect(await rows()).toEqual([])
    expect((await records()).at(-1)).toBe(`edge ${edgeId} 0`)
    expect(await audit()).toContain(`issuer.end-domain ${BETA} cargo.io: last proof: ${why}`)
  })

  it('forgets failures after a success', async () => {
    await proven()
    dns.clear()
    await passAfter(HOUR)
    show('cargo.io')
    await passAfter(5 * MINUTE)
    expect(await rows()).toMatchObject([{ failedProofs: 0, nextProofAt: new Date(clock.ms + HOUR) }])
  })
})
