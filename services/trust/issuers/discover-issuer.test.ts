import { describe, expect, it } from 'vitest'
import { useChains } from '../../../test/support/federation/chain-world.ts'
import { ANCHOR, createKey, jwksOf, SUBJECT } from '../../../test/support/federation/entities.ts'
import { createNetwork } from '../../../test/support/federation/network.ts'
import { asAdmin } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { removeAnchor } from '../../federation/anchors/anchor-store.ts'
import { listCandidates } from './discover-issuer.ts'

const OTHER = 'https://other-anchor.example'
const world = useChains()
const { db, clock, discover, now } = world
const AUTO = { autoAdmit: true, permittedNames: ['.example'] }

/** A federation whose subject has this metadata. Its superiors may say other values. */
const connect = (metadata: object = { jwks_uri: `${SUBJECT}/jwks` }, superiors = [ANCHOR, OTHER], stated?: object) =>
  world.connect(
    createNetwork({ [SUBJECT]: superiors }, (iss, sub) => {
      if (sub !== SUBJECT) return {}
      const own = { issuer: SUBJECT, ...metadata }
      return { metadata: { oauth_authorization_server: iss === SUBJECT ? own : { ...stated } } }
    }),
  )
const rows = () => db().prisma.issuer.findMany({ orderBy: { issuer: 'asc' } })
const candidates = async () =>
  (await listCandidates(db().prisma, now())).map(({ row }) => `${row.subject} ${row.anchorId}`)

describe('a discovered issuer', () => {
  it('waits for approval under the preferred anchor, and nothing is admitted', async () => {
    connect()
    await world.pin(ANCHOR, { position: 2 })
    await world.pin(OTHER, { position: 1 })
    expect(await discover()).toMatchObject({ candidate: { chain: { anchor: OTHER } }, admitted: undefined })
    expect(await rows()).toEqual([])
    expect(await candidates()).toEqual([`${SUBJECT} ${OTHER}`])
    expect(await world.audit()).toContain(`issuer.find-chain ${SUBJECT}: ${SUBJECT} < ${OTHER}`)
  })

  it('is no candidate after its chain has ended', async () => {
    connect()
    await world.pin(ANCHOR)
    await discover()
    clock.ms += 3_600_000
    expect(await candidates()).toEqual([])
    expect(await refusalOf(world.add({ issuer: SUBJECT, anchor: ANCHOR }))).toBe('TRUST_CHAIN_NOT_FOUND')
  })

  it('is admitted only under the anchor of its chain', async () => {
    connect()
    await world.pin(ANCHOR)
    await world.pin(OTHER, { position: 1 })
    await discover()
    expect(await refusalOf(world.add({ issuer: SUBJECT, anchor: OTHER }))).toBe('TRUST_CHAIN_NOT_FOUND')
    await world.add({ issuer: SUBJECT, anchor: ANCHOR })
    expect(await rows()).toMatchObject([{ issuer: SUBJECT, anchor: ANCHOR, jwksUri: '' }])
    expect(await candidates()).toEqual([])
  })

  it('is not looked for when it is admitted already', async () => {
    const network = connect()
    await world.pin(ANCHOR)
    await world.add({ issuer: SUBJECT })
    expect(await refusalOf(discover())).toBe('ISSUER_EXISTS')
    expect(network.fetched).toEqual([])
  })

  it('gets no chain if the administrator has vouched for it while the chain was looked for', async () => {
    connect()
    await world.pin(ANCHOR)
    world.interrupt(async () => {
      await world.add({ issuer: SUBJECT })
    })
    expect(await refusalOf(discover())).toBe('TRUST_CHAIN_NOT_FOUND')
    expect(await world.chain()).toBeNull()
  })

  it('is refused if its metadata has no keys for tokens', async () => {
    connect({})
    await world.pin(ANCHOR)
    expect(await refusalOf(discover())).toBe('TRUST_CHAIN_NOT_FOUND')
    expect(await candidates()).toEqual([])
  })

  it('is not fetched if no anchor permits its name', async () => {
    const network = connect()
    await world.pin(ANCHOR, { permittedNames: ['.other.example'] })
    expect(await refusalOf(discover())).toBe('TRUST_CHAIN_NOT_FOUND')
    expect(network.fetched).toEqual([])
  })

  it('is not fetched for an assertion that was used before', async () => {
    const network = connect()
    await world.pin(ANCHOR)
    const call = asAdmin()
    await discover(SUBJECT, call)
    const count = network.fetched.length
    expect(await refusalOf(discover(SUBJECT, call))).toBe('ASSERTION_USED')
    expect(network.fetched).toHaveLength(count)
  })
})

describe('an anchor that admits issuers by itself', () => {
  it('admits them as deployments whose revocations do not arrive here', async () => {
    connect()
    await world.pin(ANCHOR, AUTO)
    expect((await discover()).admitted).toMatchObject({ kind: 'auth4agent', revocationMode: 'none', anchor: ANCHOR })
  })

  it('admits no issuer whose keys its superior has chosen', async () => {
    connect(undefined, [ANCHOR], { jwks_uri: 'https://elsewhere.example/jwks' })
    await world.pin(ANCHOR, AUTO)
    expect(await refusalOf(discover())).toBe('TRUST_CHAIN_NOT_FOUND')
    expect(await rows()).toEqual([])
  })

  it('admits at most 16', async () => {
    connect()
    await world.pin(ANCHOR, AUTO)
    const at = new Date(now())
    const row = {
      kind: 'auth4agent',
      tokenType: 'at+jwt',
      jwksUri: '',
      revocationMode: 'none',
      anchor: ANCHOR,
    } as const
    const many = Array.from({ length: 16 }, (_, place) => {
      const id = `00000000-0000-4000-8000-0000000000${10 + place}`
      return { ...row, id, issuer: `https://i${place}.example`, maxTokenTtl: 300, maxStalenessMs: 5_000, createdAt: at }
    })
    await db().prisma.issuer.createMany({ data: many })
    expect((await discover()).admitted).toBeUndefined()
    await db().pool.query("DELETE FROM issuers WHERE issuer = 'https://i0.example'")
    expect((await discover()).admitted).toBeDefined()
  })
})

describe('a change of an anchor', () => {
  let earlier = 0
  const newRecords = async () => (await world.records()).slice(earlier)
  const admit = async () => {
    earlier = (await world.records()).length
    connect()
    await world.pin(ANCHOR)
    await discover()
    await world.add({ issuer: SUBJECT, anchor: ANCHOR })
  }

  it('keeps issuers whose chains hold under the new pins', async () => {
    await admit()
    expect(await world.pin(ANCHOR, { position: 7 })).toMatchObject({ disabledIssuers: [], anchor: { position: 7 } })
    expect(await newRecords()).toEqual([])
  })

  it.each([
    ['a new position', () => ({ position: 7 })],
    ['new keys', () => ({ jwks: JSON.stringify(jwksOf(createKey())) })],
  ])('does not disable an issuer whose chain has ended before, under %s', async (_, edits) => {
    await admit()
    clock.ms += 3_600_000
    expect(await world.pin(ANCHOR, edits())).toMatchObject({ disabledIssuers: [] })
    expect(await newRecords()).toEqual([])
  })

  it.each([
    ['keys', () => ({ jwks: JSON.stringify(jwksOf(createKey())) })],
    ['names', () => ({ permittedNames: ['.other.example'] })],
  ])('disables issuers whose chains do not hold under the new %s, and ends their tokens', async (_, edits) => {
    await admit()
    expect(await world.pin(ANCHOR, edits())).toMatchObject({ disabledIssuers: [SUBJECT] })
    expect(await rows()).toMatchObject([{ status: 'disabled', generation: 2 }])
    expect(await newRecords()).toEqual([`issuer ${SUBJECT} 2`])
    expect(await world.chain()).toBeNull()
  })

  it('disables all issuers of a removed anchor, and no others', async () => {
    await admit()
    await world.add({ issuer: 'https://vouched.example' })
    const store = { prisma: db().prisma, now }
    expect(await removeAnchor(store, asAdmin(), ANCHOR, 'over')).toEqual({ disabledIssuers: [SUBJECT] })
    expect(await rows()).toMatchObject([{ status: 'disabled' }, { status: 'enabled' }])
    expect(await newRecords()).toEqual([`issuer ${SUBJECT} 2`])
    expect(await world.audit()).toContain(`anchor.remove ${ANCHOR}: over`)
    expect(await refusalOf(removeAnchor(store, asAdmin(), ANCHOR, ''))).toBe('TRUST_ANCHOR_NOT_FOUND')
  })
})
